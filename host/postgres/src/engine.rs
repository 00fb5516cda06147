//! Postgres as an engine for the configuration.

use std::sync::Arc;

use concept_refinement_capability::OpenError;
use concept_refinement_capability::engine::{Engine, EngineConfig, OpenTasks, Shared, TaskEngine};

use crate::connection::inspect::inspect;
use crate::{PostgresTasks, Settings};

/// The setting for an address without a pooler, to receive other hosts' notifications.
const LISTEN_URL: &str = "tasks-listen-url";

/// `postgres://…`: a database that several hosts may share.
pub const ENGINE: TaskEngine = Engine {
    name: "postgres://",
    check: |url| Settings::parse(url, &|_| None).map(drop),
    // The first host that does so creates or upgrades the tables.
    open: |config, options| {
        Box::pin(async move {
            let (settings, listen) = settings(&config)?;
            let opened = PostgresTasks::open(&settings, listen.as_ref(), options, config.clock);
            let store = opened.await?;
            let shared = Shared {
                clock: Arc::clone(&store.clock),
                secret: Arc::clone(&store) as _,
                leader_leases: Arc::clone(&store) as _,
            };
            Ok(OpenTasks {
                pseudonyms: Arc::clone(&store.options.pseudonyms),
                queue: Arc::new(store.queue()),
                upload_reservations: Arc::clone(&store) as _,
                records: Arc::clone(&store) as _,
                administration: Arc::clone(&store) as _,
                store,
                check_damage: Arc::new(|| Ok(())),
                embedded: None,
                shared: Some(shared),
            })
        })
    },
    files: None,
    inspect: Some(|config| {
        Box::pin(async move {
            let (settings, listen) = settings(&config)?;
            Ok(inspect(&settings, listen.as_ref()).await?.join(" "))
        })
    }),
};

/// `postgresql://…`: the same.
pub const ENGINE_POSTGRESQL: TaskEngine = Engine {
    name: "postgresql://",
    ..ENGINE
};

fn settings(config: &EngineConfig) -> Result<(Settings, Option<Settings>), OpenError> {
    let refused = |setting: &str, reason: String| {
        OpenError::server(format!("the setting {setting}"), format!("it {reason}"))
    };
    let variables = |name: &str| (config.variables)(name);
    let settings =
        Settings::parse(&config.url, &variables).map_err(|reason| refused("tasks", reason))?;
    let settings = Settings {
        trust: config.trust.clone(),
        ..settings
    };
    let listen = (config.settings)(LISTEN_URL).filter(|url| !url.is_empty());
    let listen = listen.map(|url| settings.parse_direct(&url, &variables));
    let listen = listen.transpose();
    let listen = listen.map_err(|reason| refused("tasks_listen_url", reason))?;
    Ok((settings, listen))
}

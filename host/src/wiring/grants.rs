//! What each component may use: its settings, the addresses that it may connect to, its
//! memory. A component gets nothing that is not listed here.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::blobs::Blobs;
use concept_refinement_capability::blobs::block_file::BlockFile;
use concept_refinement_capability::clock::{Clock, SystemClock};
use concept_refinement_capability::room::Room;
use concept_refinement_capability::tasks::watchers::Watchers;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::redaction::Redaction;
use concept_refinement_domain::secret::{SESSION_TOKENS, WEBHOOKS};
use concept_refinement_domain::spending::Reservation;
use concept_refinement_runtime::egress::{self, Egress, Grant, Network, Origin};
use concept_refinement_runtime::model::partial_edits::PartialEdits;
use concept_refinement_runtime::wasm::bounds::Bounds;
use concept_refinement_runtime::wasm::sandbox::{GrantedSettings, Grants};

use crate::config::{Auth, Config, ModelLink};
use crate::wiring::secret::Secret;

/// Most memory of an instance of the API, in bytes.
pub const API_MEMORY: usize = 128 << 20;

/// Most memory of an instance of the processor, in bytes. Images are in blobs, outside of
/// the instance.
pub const PROCESSOR_MEMORY: usize = 96 << 20;

/// Most memory of an instance of the notifier, in bytes.
const NOTIFIER_MEMORY: usize = 16 << 20;

/// Limits for a receiver's response: its body is not read.
const RECEIVER_LIMITS: egress::Bounds = egress::Bounds {
    bytes: 0,
    time: Duration::from_secs(16),
};

/// Limits for an issuer's response with its keys. The component itself has a shorter
/// timeout, and reads less.
const ISSUER_LIMITS: egress::Bounds = egress::Bounds {
    bytes: 1 << 20,
    time: Duration::from_secs(6),
};

/// For the API: all capabilities but the model, and the issuer's keys. `secret`: None
/// while it is unknown.
pub fn api(
    config: &Config,
    secret: Option<&Secret>,
    network: &Network,
    capabilities: &Arc<Capabilities>,
    watchers: &Arc<Watchers>,
) -> Grants {
    let egress = keys(config.issuer_url(), network);
    let clock = Arc::clone(&capabilities.clock);
    Grants {
        settings: Arc::new(api_settings(config, secret, capabilities.traces.are_on())),
        capabilities: Some(Arc::clone(capabilities)),
        watchers: Arc::clone(watchers),
        redaction: Arc::new(redaction(config.model.links())),
        ..Grants::only(egress, API_MEMORY, Bounds::SERVICE, clock)
    }
}

/// For the API as the embedding program calls it: its users are those whose tokens are
/// signed with `key`, which nobody else knows.
pub fn api_in_process(granted: Grants, key: &str) -> Grants {
    let mut settings = (*granted.settings).clone();
    for name in ["jwks-url", "jwt-audience", "jwt-issuer"] {
        settings.remove(name);
    }
    settings.insert("auth".into(), "secret".to_owned());
    settings.insert("jwt-secret".into(), key.to_owned());
    Grants {
        settings: Arc::new(settings),
        ..granted
    }
}

/// Space for the images that tasks work on. Some may be stored in `directory`.
pub fn blobs(config: &Config, directory: Option<PathBuf>, room: &Arc<Room>) -> Arc<Blobs> {
    let file = directory.map(|directory| BlockFile::new(directory, Arc::clone(room)));
    Blobs::new(config.image_memory, file)
}

/// For the processor: all capabilities but the queue, and access to the sources of
/// originals.
pub fn processor(
    config: &Config,
    network: &Network,
    capabilities: &Arc<Capabilities>,
    blobs: &Arc<Blobs>,
    partial_edits: &Arc<PartialEdits>,
) -> Grants {
    // Originals and the answers of models may be anywhere.
    let grant = Grant::Public {
        allowed: config.allowed_sources.clone(),
        providers: config.model.origins(),
    };
    let egress = within_task(config, grant, network);
    let clock = Arc::clone(&capabilities.clock);
    Grants {
        settings: Arc::new(processor_settings(config)),
        capabilities: Some(Arc::clone(capabilities)),
        blobs: Some(Arc::clone(blobs)),
        partial_edits: Some(Arc::clone(partial_edits)),
        redaction: Arc::new(redaction(config.model.links())),
        ..Grants::only(egress, PROCESSOR_MEMORY, Bounds::SERVICE, clock)
    }
}

/// For a model, or a link of its chain: its provider, and no capabilities. A middleware
/// may also read its images again.
pub fn model(
    config: &Config,
    link: &ModelLink,
    network: &Network,
    blobs: &Arc<Blobs>,
) -> anyhow::Result<Grants> {
    let grant = match (link.origin.clone(), link.domain()) {
        (Some(origin), Some(domain)) => Grant::Domain { origin, domain },
        (Some(origin), None) => Grant::Origin(origin),
        (None, _) => Grant::Nothing,
    };
    let settings = link.settings.0.iter();
    let settings = settings.map(|(name, value)| (name.clone().into(), value.clone()));
    let mut settings: GrantedSettings = settings.collect();
    if config.model.behind.is_some() {
        let prefix = format!("models.{}.", link.name);
        settings.insert("settings-prefix".into(), prefix);
    }
    // Its answer may wait for a reader longer than the model may work on it.
    let egress = within_task(config, grant, network);
    let memory = usize::try_from(config.model_memory)?;
    Ok(Grants {
        settings: Arc::new(settings),
        blobs: link.behind.is_some().then(|| Arc::clone(blobs)),
        redaction: Arc::new(redaction([link])),
        ..Grants::only(egress, memory, Bounds::MODEL, Arc::new(SystemClock))
    })
}

/// For edits of a part of an image: nothing but memory.
pub fn masked(config: &Config, network: &Network) -> anyhow::Result<Grants> {
    let egress = Egress::new(Grant::Nothing, network);
    let memory = usize::try_from(config.model_memory)?;
    let clock = Arc::new(SystemClock);
    Ok(Grants::only(egress, memory, Bounds::MODEL, clock))
}

/// The secrets in the settings of these links.
fn redaction<'a>(links: impl IntoIterator<Item = &'a ModelLink>) -> Redaction {
    let settings = links.into_iter().flat_map(|link| &link.settings.0);
    Redaction::of_settings(settings.map(|(name, value)| (name.as_str(), value.as_str())))
}

/// For the notifier: receivers of webhooks, and no capabilities.
pub fn notifier(config: &Config, network: &Network, clock: &Arc<dyn Clock>) -> Grants {
    let grant = Grant::Https {
        allowed: config.allowed_webhooks.clone(),
    };
    let egress = Egress::new(grant, network).within(RECEIVER_LIMITS);
    Grants::only(egress, NOTIFIER_MEMORY, Bounds::MODEL, Arc::clone(clock))
}

/// Access to the keys at this URL, cached for all instances of the API: of an issuer of
/// tokens, or of Google, whose keys verify pushes. None: there is no issuer.
pub fn keys(url: Option<&url::Url>, network: &Network) -> Egress {
    match url.and_then(|url| Some((Origin::of_url(url)?, url.clone()))) {
        Some((origin, url)) => Egress::new(Grant::Origin(origin), network).caching(url),
        None => Egress::new(Grant::Nothing, network),
    }
    .within(ISSUER_LIMITS)
}

/// With the time limit of a task.
fn within_task(config: &Config, grant: Grant, network: &Network) -> Egress {
    Egress::new(grant, network).within(egress::Bounds::beyond(config.task_timeout))
}

/// `names_routes`: spans are named after routes.
fn api_settings(config: &Config, secret: Option<&Secret>, names_routes: bool) -> GrantedSettings {
    let mut settings = values(
        config,
        &[
            "active-tasks",
            "allow-sources",
            "allow-webhooks",
            "auth",
            "budget",
            "image-url-ttl",
            "jwks-url",
            "jwt-audience",
            "jwt-issuer",
            "max-image-bytes",
            "max-image-pixels",
            "plan",
            "plan-claim",
            "rate-limit",
            "task-timeout",
            "upload-bytes",
            "uploads",
            "verify",
            "webhook-secret",
        ],
    );
    if config.auth == Auth::Secret {
        settings.extend(values(config, &["jwt-secret"]));
    }
    settings.insert("version".into(), env!("CARGO_PKG_VERSION").to_owned());
    settings.insert("model".into(), config.model.text.clone());
    if let Some(plans) = config.values.plans.json() {
        settings.insert("plans".into(), plans);
    }
    if let Some(Reservation { model, price }) = config.model.dearest() {
        settings.insert("reservation".into(), format!("{model} {price}"));
    }
    // Each host runs a sweep, so its API need not look for overdue tasks.
    settings.insert("swept".into(), "true".to_owned());
    if config.anonymous_retention.is_some() {
        settings.insert("removes-old-data".into(), "true".to_owned());
    }
    settings.insert("cors-origins".into(), config.cors_origins.join(","));
    if config.metrics_listen.is_some() || names_routes {
        settings.insert("name-routes".into(), "true".to_owned());
    }
    if let Some(secret) = secret {
        settings.insert("webhook-secret".into(), webhook_secret(config, secret));
        if config.auth == Auth::Anonymous {
            settings.insert("jwt-secret".into(), hex(&secret.key(SESSION_TOKENS)));
        }
    }
    with_public_url(settings, config)
}

/// The secret from which the keys of webhooks are derived.
pub fn webhook_secret(config: &Config, secret: &Secret) -> String {
    let configured = config.webhook_secret.clone();
    configured.unwrap_or_else(|| hex(&secret.key(WEBHOOKS)))
}

fn processor_settings(config: &Config) -> GrantedSettings {
    let mut settings = values(
        config,
        &[
            "allow-sources",
            "contact",
            "download-timeout",
            "max-image-bytes",
            "max-image-pixels",
            "original-metadata",
            "provenance",
            "task-timeout",
        ],
    );
    if let Some(urls) = config.model.urls() {
        settings.insert("model-url".into(), urls);
    }
    // The host limits each model call from the moment it runs, so that the wait for a
    // core does not make a model look stuck.
    if let Some(limit) = config.values.get("task-timeout") {
        settings.insert("model-timeout".into(), limit.to_owned());
    }
    with_public_url(settings, config)
}

/// In its normalized form, if it is set.
fn with_public_url(mut settings: GrantedSettings, config: &Config) -> GrantedSettings {
    if let Some(public_url) = &config.public_url {
        settings.insert("public-url".into(), public_url.clone());
    }
    settings
}

/// The values of those settings in this list that are set.
fn values(config: &Config, names: &[&'static str]) -> GrantedSettings {
    names
        .iter()
        .filter_map(|name| Some(((*name).into(), config.values.get(name)?.to_owned())))
        .collect()
}

//! Opens the capabilities of a configuration with the engines that it names.

use std::sync::Arc;
use std::{env, io};

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::clock::{Clock, SystemClock};
use concept_refinement_capability::directory::OpenError;
use concept_refinement_capability::embedded::{AtRest, Embedded};
use concept_refinement_capability::engine::{
    Engine, EngineConfig, OpenImages, OpenTasks, Stores, find,
};
use concept_refinement_capability::health::ModelHealth;
use concept_refinement_capability::images::{self, Signing};
use concept_refinement_capability::leader_leases::OnlyHost;
use concept_refinement_capability::model::ImageModel;
use concept_refinement_capability::payments::RepeatedCalls;
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::room::Room;
use concept_refinement_capability::tasks::Options;
use concept_refinement_capability::traces::Traces;
use concept_refinement_capability::unavailable::Unavailable;
use concept_refinement_capability::upload_reservations::UploadReservations;
use concept_refinement_domain::secret::{IMAGE_URLS, PSEUDONYMS};
use parking_lot::Mutex;
use rand::RngExt as _;
use tokio::task::spawn_blocking;

use crate::config::Config;
use crate::wiring::HostError;
use crate::wiring::engines::{self, IMAGES, QUEUES, TASKS};
use crate::wiring::secret::Secret;

/// An image store may use 1/`SENDING_SHARE` of `image-memory` in addition, for images
/// being sent to it.
const SENDING_SHARE: usize = 4;

/// The stores of a configuration, of which none is opened yet, and what they share.
pub struct ConfiguredStores<'a> {
    config: &'a Config,
    pub clock: Arc<dyn Clock>,
    /// The space for images, shared by the image store and the task store of a process.
    pub room: Arc<Room>,
}

/// A store as configured, not opened yet.
pub struct Configured<O: 'static, S: 'static> {
    engine: &'static Engine<O, S>,
    config: EngineConfig,
}

impl<'a> ConfiguredStores<'a> {
    /// By the system's clock.
    pub fn of(config: &'a Config) -> Self {
        Self {
            config,
            clock: Arc::new(SystemClock),
            room: Arc::new(Room::new(config.max_store, config.data_dir.clone())),
        }
    }

    pub fn tasks(&self) -> Result<Configured<Options, OpenTasks>, HostError> {
        self.store(TASKS, &self.config.tasks)
    }

    pub fn queue(&self) -> Result<Configured<OpenTasks, Arc<dyn TaskQueue>>, HostError> {
        self.store(QUEUES, &self.config.queue)
    }

    pub fn images(&self) -> Result<Configured<images::Options, OpenImages>, HostError> {
        self.store(IMAGES, &self.config.images)
    }

    fn store<O, S>(
        &self,
        engines: &'static [Engine<O, S>],
        url: &str,
    ) -> Result<Configured<O, S>, HostError> {
        let engine = find(engines, url).map_err(anyhow::Error::msg);
        let values = self.config.values.clone();
        Ok(Configured {
            engine: engine.map_err(HostError::System)?,
            config: EngineConfig {
                url: url.to_owned(),
                directory: self.config.data_dir.clone(),
                clock: Arc::clone(&self.clock),
                room: Arc::clone(&self.room),
                settings: Arc::new(move |name| values.get(name).map(str::to_owned)),
                trust: self.config.trust.clone(),
                variables: Arc::new(|name| env::var(name).ok()),
            },
        })
    }

    pub fn task_options(&self) -> Options {
        Options {
            lease: self.config.lease,
            max_backlog: self.config.max_backlog,
            room: Arc::clone(&self.room),
            host: host_name().into(),
            pseudonyms: Arc::default(),
        }
    }

    /// `upload_reservations`: counts images for a store that cannot.
    pub fn image_options(
        &self,
        secret: &Secret,
        upload_reservations: Arc<dyn UploadReservations>,
    ) -> images::Options {
        images::Options {
            signing: signing(self.config, secret.key(IMAGE_URLS)),
            upload_reservations,
            memory: self.config.image_memory / SENDING_SHARE,
        }
    }

    pub async fn open_tasks(&self) -> Result<OpenTasks, HostError> {
        Ok(self.tasks()?.open(self.task_options()).await?)
    }

    /// See [`Self::image_options`].
    pub async fn open_images(
        &self,
        secret: &Secret,
        upload_reservations: Arc<dyn UploadReservations>,
    ) -> Result<OpenImages, HostError> {
        let options = self.image_options(secret, upload_reservations);
        Ok(self.images()?.open(options).await?)
    }

    /// The stores of a data directory that no process uses, the task store first. None:
    /// there is no task store.
    pub async fn at_rest(&self) -> anyhow::Result<Option<Vec<AtRest>>> {
        let tasks = self.tasks()?;
        if !tasks.exists()? {
            return Ok(None);
        }
        let mut stores = Vec::from_iter(tasks.at_rest().await?);
        let images = self.images()?;
        if images.exists()? {
            stores.extend(images.at_rest().await?);
        }
        Ok(Some(stores))
    }
}

impl<O, S> Configured<O, S> {
    /// Whether the store exists, as far as its files tell: a server is not asked.
    pub fn exists(&self) -> io::Result<bool> {
        let files = self.engine.files.as_ref();
        files.map_or(Ok(true), |files| (files.exists)(&self.config))
    }

    /// What opening the store would make anew, which may be lost, as a sentence.
    pub fn lost(&self) -> io::Result<Option<&'static str>> {
        let files = self.engine.files.as_ref();
        files.map_or(Ok(None), |files| (files.lost)(&self.config))
    }

    pub fn is_outdated(&self) -> Result<bool, OpenError> {
        let files = self.engine.files.as_ref();
        files.map_or(Ok(false), |files| (files.is_outdated)(&self.config))
    }

    pub fn has_server(&self) -> bool {
        self.engine.inspect.is_some()
    }

    /// The files of the store, locked. None: it has none.
    async fn at_rest(self) -> Result<Option<AtRest>, OpenError> {
        match &self.engine.files {
            Some(files) => (files.at_rest)(self.config).await.map(Some),
            None => Ok(None),
        }
    }

    /// Connects to the server of the store, if it has one, without changing anything.
    /// Returns a message for the operator.
    pub async fn inspect(&self) -> Result<Option<String>, OpenError> {
        match self.engine.inspect {
            Some(inspect) => inspect(self.config.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    pub async fn open(self, options: O) -> Result<S, OpenError> {
        (self.engine.open)(self.config, options).await
    }
}

/// The name of this process in the stories of tasks: unique among the processes that
/// share a store, unless their machines have the same name.
fn host_name() -> String {
    let system = rustix::system::uname();
    let machine = system.nodename().to_string_lossy();
    format!("{machine}:{}", std::process::id())
}

/// The data that a backup of a configuration does not contain, as sentences for the
/// operator.
pub fn not_in_backups(config: &Config) -> Result<Vec<String>, HostError> {
    fn of<O, S>(what: &str, store: &Configured<O, S>) -> Option<String> {
        let name = store.engine.name;
        let said = || format!("{what} are in {name}…, and are backed up and restored by its tools");
        store.has_server().then(said)
    }
    let stores = ConfiguredStores::of(config);
    let tasks = of("tasks and concepts", &stores.tasks()?);
    let images = of("images", &stores.images()?);
    Ok(tasks.into_iter().chain(images).collect())
}

/// Fails if tasks of an earlier version are beside a secret or images that cannot be used: their
/// upgrade cannot be taken back, and the start would end after it.
pub async fn refuse_vain_upgrade(config: &Config) -> Result<(), HostError> {
    let unreadable = |error: io::Error| HostError::DataDirectory(error.into());
    // With a room of their own: the service counts the images when it opens them.
    let stores = ConfiguredStores::of(config);
    let tasks = stores.tasks()?;
    if !tasks.exists().map_err(unreadable)? {
        return Ok(());
    }
    let is_outdated = spawn_blocking(move || tasks.is_outdated()).await;
    // What else is wrong with them is told when they are opened.
    if !matches!(is_outdated, Ok(Ok(true))) {
        return Ok(());
    }
    Secret::existing(&config.data_dir).map_err(HostError::DataDirectory)?;
    let store = stores.images()?;
    let is_there = !store.has_server() && store.exists().map_err(unreadable)?;
    // What is lost is made anew by the service, which warns of it.
    if !is_there || store.lost().map_err(unreadable)?.is_some() {
        return Ok(());
    }
    let options = images::Options {
        // Nothing is signed, so any key will do.
        signing: signing(config, [0; 32]),
        upload_reservations: engines::no_reservations(&stores.clock)?,
        memory: 0,
    };
    drop(store.open(options).await?);
    Ok(())
}

/// All capabilities with the opened task store, and the stores that a backup has to copy.
pub async fn open(
    configured: ConfiguredStores<'_>,
    secret: &Secret,
    tasks: OpenTasks,
    model: Arc<dyn ImageModel>,
) -> Result<(Capabilities, Vec<Arc<dyn Embedded>>), HostError> {
    tasks.pseudonyms.set_key(secret.key(PSEUDONYMS));
    let reservations = Arc::clone(&tasks.upload_reservations);
    let stores = Stores {
        images: configured.open_images(secret, reservations).await?,
        queue: configured.queue()?.open(tasks.clone()).await?,
        tasks,
    };
    let embedded = [&stores.tasks.embedded, &stores.images.embedded];
    let embedded = embedded.into_iter().flatten().cloned().collect();
    let (clock, room) = (configured.clock, configured.room);
    let all = together(configured.config, stores, model, clock, room);
    Ok((all, embedded))
}

/// All capabilities, with private stores that leave nothing behind.
pub fn in_memory(
    config: &Config,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
) -> Result<Capabilities, OpenError> {
    let signing = signing(config, rand::rng().random());
    let stores = engines::in_memory(signing, &clock)?;
    Ok(together(config, stores, model, clock, Arc::default()))
}

/// All capabilities before the task store was first reached or opened: only the model is
/// usable.
pub fn unavailable(
    config: &Config,
    model: &Arc<dyn ImageModel>,
    clock: &Arc<dyn Clock>,
) -> Result<Capabilities, OpenError> {
    let all = in_memory(config, Arc::clone(model), Arc::clone(clock))?;
    Ok(all.behind(Arc::new(Unavailable)))
}

fn together(
    config: &Config,
    stores: Stores,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
    room: Arc<Room>,
) -> Capabilities {
    let leader_leases = match stores.tasks.shared {
        Some(shared) => shared.leader_leases,
        None => Arc::new(OnlyHost),
    };
    Capabilities {
        clock,
        store: stores.tasks.store,
        images: stores.images.store,
        queue: stores.queue,
        redeliveries: Arc::default(),
        model,
        repeated_calls: Arc::new(RepeatedCalls::new(
            config.model_repeat,
            config.model.names(),
            config.model.prices(),
        )),
        model_health: Mutex::new(ModelHealth::default()),
        probes: Arc::default(),
        pause: Arc::default(),
        room,
        traces: Traces::default(),
        leader_leases,
    }
}

fn signing(config: &Config, key: [u8; 32]) -> Signing {
    Signing {
        key: key.to_vec(),
        ttl: config.image_url_ttl,
        public_url: config.public_url.clone(),
    }
}

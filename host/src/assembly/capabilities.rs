//! The capabilities of a configuration, each by the engine that it names.

use std::io;
use std::sync::{Arc, Mutex};

use concept_refinement_domain::secret::IMAGE_URLS;
use rand::RngExt as _;

use crate::assembly::secret::Secret;
use crate::capability::Capabilities;
use crate::capability::clock::Clock;
use crate::capability::directory::OpenError;
use crate::capability::engine::{Engine, EngineConfig, OpenTasks, Stores, find};
use crate::capability::engines::{self, IMAGES, QUEUES, TASKS};
use crate::capability::health::ModelHealth;
use crate::capability::images::{ImageStore, Signing};
use crate::capability::model::ImageModel;
use crate::capability::queue::TaskQueue;
use crate::capability::room::Room;
use crate::capability::tasks::{Options, Tasks};
use crate::config::Config;

/// A store as it is configured, and not opened yet.
pub struct Configured<O: 'static, S: 'static> {
    engine: &'static Engine<O, S>,
    config: EngineConfig,
    options: O,
}

impl<O, S> Configured<O, S> {
    fn new(
        engines: &'static [Engine<O, S>],
        url: &str,
        config: &Config,
        clock: &Arc<dyn Clock>,
        room: &Arc<Room>,
        options: O,
    ) -> anyhow::Result<Self> {
        let config = EngineConfig {
            url: url.to_owned(),
            directory: config.data_dir.clone(),
            clock: Arc::clone(clock),
            room: Arc::clone(room),
        };
        Ok(Self {
            engine: find(engines, &config.url).map_err(anyhow::Error::msg)?,
            config,
            options,
        })
    }

    pub fn exists(&self) -> io::Result<bool> {
        (self.engine.exists)(&self.config)
    }

    pub async fn open(self) -> Result<S, OpenError> {
        (self.engine.open)(self.config, self.options).await
    }
}

/// What the images of a configuration may take, which the image store and the
/// task store of a process share.
pub fn room(config: &Config) -> Arc<Room> {
    Arc::new(Room::new(config.max_store, config.data_dir.clone()))
}

pub fn tasks(
    config: &Config,
    clock: &Arc<dyn Clock>,
    room: &Arc<Room>,
) -> anyhow::Result<Configured<Options, OpenTasks>> {
    let options = Options {
        lease: config.lease,
        max_backlog: config.max_backlog,
        room: Arc::clone(room),
    };
    Configured::new(&TASKS, &config.tasks, config, clock, room, options)
}

pub fn queue(
    config: &Config,
    tasks: &OpenTasks,
    clock: &Arc<dyn Clock>,
    room: &Arc<Room>,
) -> anyhow::Result<Configured<Arc<dyn Tasks>, Arc<dyn TaskQueue>>> {
    let tasks = tasks.store.clone();
    Configured::new(&QUEUES, &config.queue, config, clock, room, tasks)
}

pub fn images(
    config: &Config,
    secret: &Secret,
    clock: &Arc<dyn Clock>,
    room: &Arc<Room>,
) -> anyhow::Result<Configured<Signing, Arc<dyn ImageStore>>> {
    let signing = signing(config, secret.key(IMAGE_URLS));
    Configured::new(&IMAGES, &config.images, config, clock, room, signing)
}

/// All of them, of which the tasks are open already.
pub async fn open(
    config: &Config,
    secret: &Secret,
    tasks: OpenTasks,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
    room: Arc<Room>,
) -> anyhow::Result<Capabilities> {
    let stores = Stores {
        images: images(config, secret, &clock, &room)?.open().await?,
        queue: queue(config, &tasks, &clock, &room)?.open().await?,
        tasks,
    };
    Ok(together(stores, model, clock, room))
}

/// All of them, with stores that nobody else sees and nothing is left of.
pub fn in_memory(
    config: &Config,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Capabilities> {
    let signing = signing(config, rand::rng().random());
    let stores = engines::in_memory(signing, &clock)?;
    Ok(together(stores, model, clock, Arc::default()))
}

fn together(
    stores: Stores,
    model: Arc<dyn ImageModel>,
    clock: Arc<dyn Clock>,
    room: Arc<Room>,
) -> Capabilities {
    Capabilities {
        clock,
        store: stores.tasks.store,
        images: stores.images,
        queue: stores.queue,
        model,
        model_health: Mutex::new(ModelHealth::default()),
        room,
    }
}

fn signing(config: &Config, key: [u8; 32]) -> Signing {
    Signing {
        key: key.to_vec(),
        ttl: config.image_url_ttl,
        public_url: config.public_url.clone(),
    }
}

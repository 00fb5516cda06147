//! The store adapters as a stock platform runs them: components over the
//! platform's interfaces, with several short-lived instances at a time.

mod bindings;
pub mod filesystem;
mod flaws;
mod guest;
mod instances;
pub mod keyvalue;
pub mod kills;
mod notifier;
pub mod settings;
mod stores;
mod streams;

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::ImageStore;
use concept_refinement_capability::tasks::TaskStore;
use concept_refinement_domain::image_url::Signing;
use concept_refinement_tests::artifacts;
use serde_json::Value;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

use crate::images::{DurableImageBackend, ImageBackend};
use crate::tasks::differential::Compared;
use crate::tasks::{Durable, Rules, START, TaskBackend};
use bindings::StoreAdapterPre;
use guest::Guest;
use instances::Instances;

static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    Engine::new(&config).unwrap()
});

/// The state of a platform: what is left when all instances are gone.
pub trait Platform: Sized + Send + Sync + 'static {
    /// What URLs start with where it is not configured. None: the origin of
    /// each request.
    const PUBLIC_URL: Option<&'static str> = None;

    /// Nothing is stored yet.
    fn empty() -> Self;

    /// Another one with what is stored at this moment.
    fn copied(&self) -> Self;

    /// The state if all instances ended at this moment.
    fn left(self: &Arc<Self>) -> Arc<Self>;

    /// The adapter, compiled once.
    fn adapter() -> &'static StoreAdapterPre<Guest>;

    /// What an instance gets. Settings are named as on the command line.
    fn guest(&self, settings: &Settings, clock: Arc<ManualClock>) -> Guest;

    /// How many images are stored, whole or not.
    fn images(&self) -> usize;
}

pub type Settings = Vec<(&'static str, String)>;

/// Where the suite's clock stands.
fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(START))
}

/// An adapter on its platform.
pub struct Adapted<P> {
    platform: Arc<P>,
    instances: Arc<Instances>,
}

impl<P: Platform> Adapted<P> {
    fn on(platform: Arc<P>, settings: Settings, clock: Arc<ManualClock>) -> Self {
        let guest = {
            let platform = Arc::clone(&platform);
            move || platform.guest(&settings, Arc::clone(&clock))
        };
        Self {
            instances: Instances::new(P::adapter(), Box::new(guest)),
            platform,
        }
    }
}

impl<P: Platform> TaskBackend for Adapted<P> {
    fn start(rules: Rules, clock: Arc<ManualClock>) -> Self {
        Self::on(Arc::new(P::empty()), of_rules(rules), clock)
    }

    fn store(&self) -> Arc<dyn TaskStore> {
        Arc::clone(&self.instances) as _
    }
}

impl<P: Platform> Compared for Adapted<P> {
    const HISTORIES: u32 = 40;
    const IS_HOSTS: bool = false;
}

impl<P: Platform> Durable for Adapted<P> {
    fn restart(self, rules: Rules, clock: Arc<ManualClock>) -> Self {
        let Self {
            platform,
            instances,
        } = self;
        drop(instances);
        Self::on(platform, of_rules(rules), clock)
    }

    fn crash(&self, rules: Rules, clock: Arc<ManualClock>) -> Self {
        Self::on(Arc::new(self.platform.copied()), of_rules(rules), clock)
    }
}

impl<P: Platform> ImageBackend for Adapted<P> {
    const PUBLIC_URL: Option<&'static str> = P::PUBLIC_URL;

    /// The adapter draws a key of its own.
    fn start(signing: Signing, clock: Arc<ManualClock>) -> Self {
        Self::on(Arc::new(P::empty()), of_signing(signing), clock)
    }

    fn images(&self) -> Arc<dyn ImageStore> {
        Arc::clone(&self.instances) as _
    }

    fn stored_count(&self) -> usize {
        self.platform.images()
    }
}

impl<P: Platform> DurableImageBackend for Adapted<P> {
    fn crash(&self, signing: Signing, clock: Arc<ManualClock>) -> Self {
        Self::on(Arc::new(self.platform.copied()), of_signing(signing), clock)
    }
}

/// How many images there are documents of: by the name that the chunks of each
/// have, which is in the document that tells what is known of it, too.
fn images(keys: &[String], read: impl Fn(&str) -> Option<Vec<u8>>) -> usize {
    let name = |key: &String| match key.split_once('/')? {
        ("chunk", rest) => Some(rest.split_once('/')?.0.to_owned()),
        ("image", _) => {
            // It may have gone meanwhile.
            let document: Value = serde_json::from_slice(&read(key)?).unwrap();
            Some(document["name"].as_str().unwrap().to_owned())
        }
        _ => None,
    };
    keys.iter().filter_map(name).collect::<BTreeSet<_>>().len()
}

fn of_rules(rules: Rules) -> Settings {
    vec![("lease", format!("{}s", rules.lease.as_secs()))]
}

fn of_signing(signing: Signing) -> Settings {
    let ttl = format!("{}s", signing.ttl.as_secs());
    let mut settings = vec![("image-url-ttl", ttl)];
    if let Some(public_url) = signing.public_url {
        settings.push(("public-url", public_url));
    }
    settings
}

/// Compiles the component of this name and fits it to what a platform links.
fn adapter(name: &str, linker: Linker<Guest>) -> StoreAdapterPre<Guest> {
    let file = artifacts::components().join(format!("{name}.wasm"));
    let component = Component::from_file(&ENGINE, &file)
        .unwrap_or_else(|error| panic!("{}: {error:?}", file.display()));
    let pre = linker.instantiate_pre(&component).unwrap();
    StoreAdapterPre::new(pre).unwrap()
}

/// WASI 0.2, which Rust's standard library needs, and 0.3.
fn wasi() -> Linker<Guest> {
    let mut linker = Linker::new(&ENGINE);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker).unwrap();
    wasmtime_wasi::p3::add_to_linker(&mut linker).unwrap();
    notifier::link(&mut linker);
    linker
}

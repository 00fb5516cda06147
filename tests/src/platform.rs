//! What the platforms' suite and the bench need of a platform: to start on a
//! directory, to be killed, and to start again.

pub mod ours;
pub mod spin;
pub mod wasmtime;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::artifacts;
use crate::client::Client;
use crate::deadline::{SOON, eventually};
use crate::reaper::scratch;
use crate::server::Reply;
use crate::service::{Launch, Service};
pub use crate::shared::{new_name, new_user, origin, receiver};
use crate::tokens::{AUDIENCE, ISSUER, SECRET};

/// Somewhere to run the components.
pub trait Platform: Sized + 'static {
    /// Starts it, and waits until it listens.
    fn start(start: &Start<Self>) -> Service;

    /// Those that the cases of this platform share.
    fn shared() -> &'static Shared;
}

/// How to start a platform. To start it twice is a restart on the same data, if
/// the first has ended.
pub struct Start<P> {
    /// Its own.
    directory: PathBuf,
    listen: String,
    model: Model,
    settings: Vec<(&'static str, String)>,
    platform: std::marker::PhantomData<P>,
}

#[derive(Clone, Copy)]
pub enum Model {
    Local,
    /// Does what the prompt tells it to do.
    Scripted,
}

/// Services that many cases use, each with users of its own. They are started
/// when they are first needed.
pub struct Shared {
    local: OnceLock<Service>,
    scripted: OnceLock<Service>,
    frugal: OnceLock<Service>,
}

/// What a user may refine on the frugal service.
pub const FRUGAL: u64 = 2;

/// How many uploads a user may keep on the scripted service.
pub const UPLOADS: usize = 4;

impl<P: Platform> Start<P> {
    /// On a free port, with a new directory and the defaults.
    pub fn new(model: Model) -> Self {
        let directory = scratch("platform");
        let start = Self {
            directory,
            listen: "127.0.0.1:0".to_owned(),
            model,
            settings: Vec::new(),
            platform: std::marker::PhantomData,
        };
        start
            .set("allow-sources", &origin().authority())
            .set("allow-webhooks", &receiver().authority())
    }

    /// With the scripted model and tokens from outside.
    pub fn scripted() -> Self {
        Self::new(Model::Scripted)
            .set("auth", "secret")
            .set("jwt-secret", SECRET)
            .set("jwt-audience", AUDIENCE)
            .set("jwt-issuer", ISSUER)
            .set("rate-limit", "1000/month")
    }

    /// Sets a setting by its name in the contract; a later value replaces an
    /// earlier one.
    pub fn set(mut self, name: &'static str, value: &str) -> Self {
        self.settings.retain(|(other, _)| *other != name);
        self.settings.push((name, value.to_owned()));
        self
    }

    /// The same, at the address where `service` listened.
    pub fn at(self, service: &Service) -> Self {
        let listen = service.url().trim_start_matches("http://").to_owned();
        Self { listen, ..self }
    }

    pub fn start(&self) -> Service {
        P::start(self)
    }

    /// For platforms that one process is all of.
    fn launch(&self) -> Launch {
        let launch = Launch::of(self.directory.clone()).set("listen", &self.listen);
        self.variables().fold(launch, |launch, (name, value)| {
            launch.variable(&name, value)
        })
    }

    /// The settings as `REFINEMENT_NAME` with their values.
    fn variables(&self) -> impl Iterator<Item = (String, &str)> {
        self.settings.iter().map(|(name, value)| {
            let name = name.to_uppercase().replace('-', "_");
            (format!("REFINEMENT_{name}"), value.as_str())
        })
    }
}

impl Model {
    /// The composition of this name that has this model in it.
    pub fn composition(self, name: &str) -> PathBuf {
        match self {
            Self::Local => artifacts::composed(name),
            Self::Scripted => artifacts::test_composed(name),
        }
    }
}

impl Shared {
    const fn new() -> Self {
        Self {
            local: OnceLock::new(),
            scripted: OnceLock::new(),
            frugal: OnceLock::new(),
        }
    }
}

/// As one has it who set nothing: anonymous sessions, the local model.
pub fn local<P: Platform>() -> &'static Service {
    let start = || Start::<P>::new(Model::Local).start();
    P::shared().local.get_or_init(start)
}

/// With tokens from outside and the scripted model.
pub fn scripted<P: Platform>() -> &'static Service {
    let start = || Start::<P>::scripted().set("uploads", &UPLOADS.to_string());
    P::shared().scripted.get_or_init(|| start().start())
}

/// The same with hardly any quota.
pub fn frugal<P: Platform>() -> &'static Service {
    let start = || Start::<P>::scripted().set("rate-limit", &format!("{FRUGAL}/month"));
    P::shared().frugal.get_or_init(|| start().start())
}

/// How long it takes from submitting a picture until its receiver is told that the local model
/// has refined it. Nobody asks meanwhile, since a request may wake what has stood still.
pub async fn told_after(client: &Client, original: &str) -> Duration {
    let hook = receiver().hook([Reply::status(200)]);
    let body = json!({
        "original_image_url": original,
        "refinement_prompt": "make it lighter",
        "webhook_url": hook,
    });
    let begin = Instant::now();
    let id = client.submitted(&body).await;
    eventually("the receiver is told", SOON, async || {
        (!receiver().deliveries(&hook).is_empty()).then_some(())
    })
    .await;
    let took = begin.elapsed();
    let task = client.task(&id).await;
    assert_eq!(task["status"], "completed", "{task}");
    took
}

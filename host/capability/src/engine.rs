//! Engines: how the store behind a setting is found and opened.
//!
//! Each engine is a crate that offers one [`Engine`] and does not depend on any other.
//! The host's `wiring/engines.rs` lists them; no other place names an engine.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use concept_refinement_domain::secret::LENGTH;
use futures::future::BoxFuture;

use super::Answer;
use super::administration::Administration;
use super::clock::Clock;
use super::directory::OpenError;
use super::embedded::{AtRest, Embedded};
use super::images::ImageStore;
use super::leader_leases::LeaderLeases;
use super::moving::{Records, RestoreImages};
use super::queue::TaskQueue;
use super::room::Room;
use super::tasks::{Options, Pseudonyms, TaskStore};
use super::upload_reservations::UploadReservations;
use crate::images;
use crate::tls::Trust;

/// The input that every engine gets.
#[derive(Clone)]
pub struct EngineConfig {
    /// The value of its setting, such as `sqlite` or `postgres://…`.
    pub url: String,
    /// The data directory, for engines that keep files.
    pub directory: PathBuf,
    /// The clock of this process.
    pub clock: Arc<dyn Clock>,
    /// Space for images, which all stores of a process share.
    pub room: Arc<Room>,
    /// Settings of this engine, by their names on the command line.
    pub settings: Lookup,
    /// Which certificate authorities to trust.
    pub trust: Trust,
    /// Environment variables of the engine's own tools, such as `AWS_…`.
    pub variables: Lookup,
}

/// Values by name. None: not set.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// An engine of one kind of store. `O`: its further options; `S`: the store.
pub struct Engine<O, S> {
    /// The value that chooses it: a word, or a scheme up to `://`.
    pub name: &'static str,
    /// Checks the form of a setting that chooses it, and connects to nothing. An error is the end
    /// of a sentence that begins with the name of the setting; it tells no secret.
    pub check: fn(&str) -> Result<(), String>,
    /// Opens the store. It may take long, but does not block the threads of the runtime.
    pub open: fn(EngineConfig, O) -> BoxFuture<'static, Result<S, OpenError>>,
    /// What it does with the files of a store. None: it has no files.
    pub files: Option<Files>,
    /// Connects to the server and changes nothing there. Returns a message for the
    /// operator, which may be empty. None: there is no server, and only opening the
    /// store shows whether it can be used.
    pub inspect: Option<Inspect>,
}

/// A store in files of the data directory.
pub struct Files {
    /// Whether the store exists. If not, opening creates it.
    pub exists: fn(&EngineConfig) -> io::Result<bool>,
    /// What opening the store would make anew although it was there before, as a sentence: it
    /// may be lost. None: nothing.
    pub lost: fn(&EngineConfig) -> io::Result<Option<&'static str>>,
    /// Whether opening the store would upgrade the data of an earlier version. Fails if there is
    /// no room for that. Blocks the thread.
    pub is_outdated: fn(&EngineConfig) -> Result<bool, OpenError>,
    /// Locks the files of a store that no process uses, without changing them.
    pub at_rest: fn(EngineConfig) -> BoxFuture<'static, Result<AtRest, OpenError>>,
}

/// See [`Engine::inspect`].
pub type Inspect = fn(EngineConfig) -> BoxFuture<'static, Result<String, OpenError>>;

/// A way to keep tasks, concepts and quotas.
pub type TaskEngine = Engine<Options, OpenTasks>;
/// A way to keep the queue.
pub type QueueEngine = Engine<OpenTasks, Arc<dyn TaskQueue>>;
/// A way to keep images.
pub type ImageEngine = Engine<images::Options, OpenImages>;

/// A task store that was opened just now.
#[derive(Clone)]
pub struct OpenTasks {
    /// The tasks.
    pub store: Arc<dyn TaskStore>,
    /// The pseudonyms under which it counts tasks of users: their key is set before
    /// the store is used.
    pub pseudonyms: Arc<Pseudonyms>,
    /// The queue inside the store.
    pub queue: Arc<dyn TaskQueue>,
    /// Counts images on behalf of an image store that cannot.
    pub upload_reservations: Arc<dyn UploadReservations>,
    /// All its contents, for moving it to another engine.
    pub records: Arc<dyn Records>,
    /// The operator's view of the store.
    pub administration: Arc<dyn Administration>,
    /// Fails if damage was found since the store was opened. Checked at startup, before
    /// the service makes any promise.
    pub check_damage: Arc<dyn Fn() -> Result<(), OpenError> + Send + Sync>,
    /// None: it has no files.
    pub embedded: Option<Arc<dyn Embedded>>,
    /// None: only this process uses it.
    pub shared: Option<Shared>,
}

/// Shared by all hosts of a store.
#[derive(Clone)]
pub struct Shared {
    /// The clock that leases, quotas and signatures use on every host.
    pub clock: Arc<dyn Clock>,
    /// The secret from which all hosts derive their keys.
    pub secret: Arc<dyn SharedSecret>,
    /// Decide which host does the work that one host does for all.
    pub leader_leases: Arc<dyn LeaderLeases>,
}

/// The common secret of all hosts of a store, generated once.
pub trait SharedSecret: Send + Sync {
    /// The stored secret. None: there is none yet.
    fn existing(&self) -> Answer<'_, Option<[u8; LENGTH]>>;

    /// The stored secret. If there is none yet, stores and returns `random`.
    fn secret(&self, random: [u8; LENGTH]) -> Answer<'_, [u8; LENGTH]>;
}

/// An image store that was opened just now.
#[derive(Clone)]
pub struct OpenImages {
    /// The images.
    pub store: Arc<dyn ImageStore>,
    /// Accepts images that are moved to it. None: it cannot.
    pub restore: Option<Arc<dyn RestoreImages>>,
    /// None: it has no files.
    pub embedded: Option<Arc<dyn Embedded>>,
}

/// The stores of one process.
pub struct Stores {
    /// Tasks, concepts and quotas.
    pub tasks: OpenTasks,
    /// The queue.
    pub queue: Arc<dyn TaskQueue>,
    /// The images.
    pub images: OpenImages,
}

impl<O, S> Engine<O, S> {
    fn is_named_by(&self, url: &str) -> bool {
        if self.name.ends_with("://") {
            url.starts_with(self.name)
        } else {
            url == self.name
        }
    }
}

/// The engine that a setting's value names.
///
/// # Errors
///
/// The values that are allowed, as the end of a sentence.
pub fn find<O, S>(
    engines: &'static [Engine<O, S>],
    url: &str,
) -> Result<&'static Engine<O, S>, String> {
    let found = engines.iter().find(|engine| engine.is_named_by(url));
    found.ok_or_else(|| {
        let names: Vec<_> = engines.iter().map(|engine| engine.name).collect();
        // If the value is not a word, its other parts may contain a password.
        let is_of_word = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
        let url = match url.split_once("://") {
            Some((scheme, _)) if scheme.chars().all(is_of_word) => format!("{scheme}://…"),
            None if url.chars().all(is_of_word) => url.to_owned(),
            Some(_) | None => "…".to_owned(),
        };
        format!("must be {}, not {url:?}", names.join(" or "))
    })
}

/// Opens a store of files on a thread that may block on the disk. Blocking a thread of
/// the runtime would delay the handling of signals.
pub fn on_a_thread<S: Send + 'static>(
    config: EngineConfig,
    open: impl FnOnce(EngineConfig) -> Result<S, OpenError> + Send + 'static,
) -> BoxFuture<'static, Result<S, OpenError>> {
    Box::pin(async move {
        let directory = config.directory.clone();
        let opened = tokio::task::spawn_blocking(move || open(config)).await;
        opened.unwrap_or_else(|panic| Err(OpenError::unusable(&directory, panic)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn engine(name: &'static str) -> Engine<(), ()> {
        Engine {
            name,
            check: |_| Ok(()),
            open: |_, ()| Box::pin(async { Ok(()) }),
            files: None,
            inspect: None,
        }
    }

    static ENGINES: [Engine<(), ()>; 2] = [engine("sqlite"), engine("postgres://")];

    #[test]
    fn a_word_is_the_whole_value_and_a_scheme_its_beginning() {
        for (url, expected) in [
            ("sqlite", Some("sqlite")),
            ("postgres://host/database", Some("postgres://")),
            ("sqlite://file", None),
            ("SQLite", None),
            ("postgres", None),
            ("", None),
        ] {
            let found = find(&ENGINES, url).map(|engine| engine.name);
            let shown = url.replace("://file", "://…");
            let problem = format!("must be sqlite or postgres://, not {shown:?}");
            assert_eq!(found, expected.ok_or(problem), "{url}");
        }
    }

    #[test]
    fn a_password_is_not_told() {
        for (url, shown) in [
            ("mysql://ada:hunter2@host/x", "mysql://…"),
            ("postgres:/ada:hunter2@host/x", "…"),
            ("ada:hunter2@host", "…"),
            ("hunter2@host://x", "…"),
            ("host=x password=hunter2", "…"),
        ] {
            let problem = find(&ENGINES, url).err().unwrap();
            let expected = format!("must be sqlite or postgres://, not {shown:?}");
            assert_eq!(problem, expected, "{url}");
        }
    }
}

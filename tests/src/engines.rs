//! The engines that the tests' services run on: those in their data directory, or
//! others that the run names.
//!
//! `REFINEMENT_TEST_ENGINES` has words with commas between them. `postgres`: tasks
//! in a database; `nats`: messages in a stream; `s3`: images in a bucket. Each
//! launch has a part of its own of an engine that is shared, and a restart has the
//! same one. A test that is about the files themselves says so
//! ([`Launch::embedded`]).

use std::collections::BTreeSet;
use std::env;
use std::sync::LazyLock;

use crate::nats::NatsServer;
use crate::postgres::{Data, Postgres, Release};
use crate::s3::{self, Kind, Place};
use crate::service::Launch;
use crate::stored_images;

const ENGINES: &str = "REFINEMENT_TEST_ENGINES";

/// The database that the services of this test binary share.
pub fn postgres() -> &'static Postgres {
    static POSTGRES: LazyLock<Postgres> =
        LazyLock::new(|| Postgres::start(Release::Fifteen, Data::Volatile));
    &POSTGRES
}

/// The server of the streams of this test binary's services.
fn nats() -> &'static NatsServer {
    static NATS: LazyLock<NatsServer> = LazyLock::new(NatsServer::start);
    &NATS
}

/// Whether services of this run share their stores, not only their images.
pub fn are_shared() -> bool {
    of_run().iter().any(|engine| engine == "postgres")
}

fn of_run() -> Vec<String> {
    let engines = env::var(ENGINES).unwrap_or_default();
    let words = engines.split(',').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

impl Launch {
    /// On the engines of this run, as each launch begins.
    pub(crate) fn on_engines_of_run(self) -> Self {
        of_run()
            .into_iter()
            .fold(self, |launch, engine| match engine.as_str() {
                "s3" => {
                    let place = launch.place();
                    launch.images_in(&place)
                }
                "postgres" => {
                    let schema = launch.schema();
                    launch.set("tasks", &postgres().url(&schema))
                }
                "nats" => {
                    let url = format!("{}?stream={}", nats().url(), launch.name());
                    launch.set("queue", &url)
                }
                other => panic!("{ENGINES}: there is no engine {other:?}"),
            })
    }

    /// The schema of its tasks, where they are in [`postgres`].
    pub fn schema(&self) -> String {
        self.name().replace('-', "_")
    }

    /// The place of its images, where they are in a bucket.
    pub fn place(&self) -> Place {
        s3::shared(Kind::S3sFs).place_of(&self.name())
    }

    fn is_in_bucket(&self) -> bool {
        let images = self.setting("images");
        images.is_some_and(|images| images.starts_with("s3:"))
    }

    /// The names of its stored images, as they are within `uploads` and `refined`.
    pub fn images(&self) -> BTreeSet<String> {
        const KINDS: [&str; 2] = ["uploads", "refined"];
        if !self.is_in_bucket() {
            let kinds = KINDS.map(|kind| stored_images::of_kind(&self.data(), kind));
            return kinds.into_iter().flatten().collect();
        }
        let is_stored = |name: &String| {
            let (kind, _) = name.split_once('/').unwrap_or_default();
            KINDS.contains(&kind)
        };
        self.place().names().into_iter().filter(is_stored).collect()
    }

    /// Stores one of its images once more by another name, which nothing refers to.
    pub fn copy_image(&self, name: &str, other: &str) {
        if self.is_in_bucket() {
            return self.place().copy(name, other);
        }
        stored_images::copy(&self.data(), name, other);
    }

    /// On the engines of the data directory, whatever the run is on.
    pub fn embedded(self) -> Self {
        self.unset("tasks").unset("queue").unset("images")
    }
}

//! The engines that the tests' services run on: those in their data directory, or
//! others that the run names.
//!
//! `REFINEMENT_TEST_ENGINES` has words with commas between them. `postgres`: tasks
//! in a database; `s3`: images in a bucket. Each launch has a part of its own of an engine that is shared, and a
//! restart has the same one. A test that is about the files themselves says so
//! ([`Launch::embedded`]).

use std::env;
use std::sync::LazyLock;

use crate::postgres::{Data, Postgres, Release};
use crate::s3::{self, Kind};
use crate::service::Launch;

const ENGINES: &str = "REFINEMENT_TEST_ENGINES";

/// The database that the services of this test binary share.
pub fn postgres() -> &'static Postgres {
    static POSTGRES: LazyLock<Postgres> =
        LazyLock::new(|| Postgres::start(Release::Fifteen, Data::Volatile));
    &POSTGRES
}

impl Launch {
    /// On the engines of this run, as each launch begins.
    pub(crate) fn on_engines_of_run(self) -> Self {
        let engines = env::var(ENGINES).unwrap_or_default();
        let words = engines.split(',').filter(|word| !word.is_empty());
        words.fold(self, |launch, engine| match engine {
            "s3" => {
                let place = s3::shared(Kind::S3sFs).place_of(&launch.name());
                launch.images_in(&place)
            }
            "postgres" => {
                let schema = launch.name().replace('-', "_");
                launch.set("tasks", &postgres().url(&schema))
            }
            other => panic!("{ENGINES}: there is no engine {other:?}"),
        })
    }

    /// On the engines of the data directory, whatever the run is on.
    pub fn embedded(self) -> Self {
        self.unset("tasks").unset("queue").unset("images")
    }
}

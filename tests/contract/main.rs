//! The promises of every backend, each a test.
//!
//! A backend takes part by implementing the trait of the suite's module, with a
//! line in the list at the end of this file. Promises are about `wit/`, never
//! about how an engine works, and hold for every backend. Promises that only
//! our host needs, and only its backends make, are in separate lists; all lists are
//! in `promises.rs`.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod adapters;
mod administration;
mod flaws;
mod images;
mod postgres;
#[macro_use]
mod promises;
mod queue;
mod sqlite;
mod tasks;

use adapters::filesystem::{Directory, Filesystem};
use adapters::keyvalue::{Bucket, KeyValue};
use images::files::Files;
use images::memory::Memory;
use images::s3::{CountedByPostgres, Moto, S3sFs};
use postgres::queue::Shared;
use postgres::{
    Eighteen, Fifteen, Killed, OfEighteen, OfFifteen, OfPooler, OfRepeatableRead, OfSerializable,
    OnServer, Pooled,
};
use queue::in_nats::InNats;
use queue::in_pubsub::{Pulled, Pushed};
use queue::in_store::InStore;
use sqlite::{InMemory, OnDisk};

suites! {
    adapted_to_keyvalue: Bucket { adapter_promises }
    adapted_to_a_filesystem: Directory { adapter_promises }

    // It differs from the one on disk in where its pages are, and is quick: it is compared
    // with the rulebook for longest.
    tasks_in_sqlite_in_memory: InMemory { differential_promises, mutant_promises }
    tasks_in_sqlite_on_disk: OnDisk {
        task_promises, durable_task_promises, administration_promises,
        of_hosts {
            host_task_promises, host_durable_task_promises, durable_administration_promises
        }
    }
    tasks_in_postgres_15: Fifteen {
        task_promises, administration_promises,
        of_hosts { host_task_promises, joined_administration_promises },
        killed: Killed {
            durable_task_promises, durable_administration_promises,
            of_hosts { joined_durable_task_promises }
        }
    }
    tasks_in_postgres_18: Eighteen { reached_otherwise_promises }
    tasks_in_postgres_behind_a_pooler: Pooled { reached_otherwise_promises }
    tasks_in_postgres_of_repeatable_reads: OfRepeatableRead { isolated_server_promises }
    tasks_in_postgres_that_is_serializable: OfSerializable { isolated_server_promises }
    tasks_in_keyvalue: KeyValue { task_promises, mutant_promises, durable_task_promises }
    tasks_in_a_filesystem: Filesystem { task_promises, durable_task_promises }

    images_in_files: Files {
        image_promises, of_hosts { host_image_promises },
        durability {
            durable_image_promises, of_hosts { host_durable_image_promises },
            owned { owned_image_promises }
        }
    }
    images_in_s3_of_s3s_fs: S3sFs { s3_image_promises }
    images_in_s3_of_moto: Moto { s3_image_promises }
    images_counted_by_postgres_15: CountedByPostgres<OfFifteen> {
        counted_image_promises, shared_image_promises
    }
    images_counted_by_postgres_18: CountedByPostgres<OfEighteen> {
        counted_image_promises, shared_image_promises
    }
    images_counted_by_postgres_behind_a_pooler: CountedByPostgres<OfPooler> {
        counted_image_promises, shared_image_promises
    }
    images_in_memory: Memory { image_promises, of_hosts { host_image_promises } }
    images_in_keyvalue: KeyValue { image_promises, durability { durable_image_promises } }
    images_in_a_filesystem: Filesystem { image_promises, durability { durable_image_promises } }

    queue_in_the_store: InStore { queue_promises }
    queue_in_nats: InNats { queue_promises }
    queue_in_pubsub_pulled: Pulled { queue_promises }
    queue_in_pubsub_pushed: Pushed { queue_promises }
    queue_in_postgres_15: Shared<OfFifteen> { queue_promises }
    queue_in_postgres_18: Shared<OfEighteen> { queue_promises }
    queue_in_postgres_behind_a_pooler: Shared<OfPooler> { queue_promises }
}

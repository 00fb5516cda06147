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

mod adapted_to_keyvalue {
    use crate::adapters::keyvalue::Bucket;

    adapter_promises!(Bucket);
}

mod adapted_to_a_filesystem {
    use crate::adapters::filesystem::Directory;

    adapter_promises!(Directory);
}

/// It differs from the one on disk in where its pages are, and is quick: it is compared
/// with the rulebook for longest.
mod tasks_in_sqlite_in_memory {
    use crate::sqlite::InMemory;

    differential_promises!(InMemory);
    mutant_promises!(InMemory);
}

mod tasks_in_sqlite_on_disk {
    use crate::sqlite::OnDisk;

    task_promises!(OnDisk);
    durable_task_promises!(OnDisk);
    administration_promises!(OnDisk);

    mod of_hosts {
        use super::*;

        host_task_promises!(OnDisk);
        host_durable_task_promises!(OnDisk);
        durable_administration_promises!(OnDisk);
    }
}

mod tasks_in_postgres_15 {
    use crate::postgres::{Fifteen, Killed};

    task_promises!(Fifteen);
    administration_promises!(Fifteen);

    mod of_hosts {
        use super::*;

        host_task_promises!(Fifteen);
        joined_administration_promises!(Fifteen);
    }

    mod killed {
        use super::*;

        durable_task_promises!(Killed);
        durable_administration_promises!(Killed);

        mod of_hosts {
            use super::*;

            promises! {
                Killed:
                tasks::webhook_crashes {
                    a_crash_at_any_point_loses_no_delivery,
                    a_predecessors_attempts_are_taken_over,
                }
                tasks::durability {
                    what_a_crash_left_undone_is_due,
                    a_lease_lasts_as_long_as_who_took_it_was_told,
                    a_predecessors_tasks_are_taken_over,
                }
            }
        }
    }
}

mod tasks_in_postgres_18 {
    use crate::postgres::Eighteen;

    reached_otherwise_promises!(Eighteen);
}

mod tasks_in_postgres_behind_a_pooler {
    use crate::postgres::Pooled;

    reached_otherwise_promises!(Pooled);
}

mod tasks_in_postgres_of_repeatable_reads {
    use crate::images::s3::CountedByPostgres;
    use crate::postgres::queue::Shared;
    use crate::postgres::{OfRepeatableRead, OnServer};

    isolated_task_promises!(OnServer<OfRepeatableRead>);
    counted_image_promises!(CountedByPostgres<OfRepeatableRead>);
    shared_image_promises!(CountedByPostgres<OfRepeatableRead>);
    queue_promises!(Shared<OfRepeatableRead>);
}

mod tasks_in_postgres_that_is_serializable {
    use crate::images::s3::CountedByPostgres;
    use crate::postgres::queue::Shared;
    use crate::postgres::{OfSerializable, OnServer};

    isolated_task_promises!(OnServer<OfSerializable>);
    counted_image_promises!(CountedByPostgres<OfSerializable>);
    shared_image_promises!(CountedByPostgres<OfSerializable>);
    queue_promises!(Shared<OfSerializable>);
}

mod tasks_in_keyvalue {
    use crate::adapters::keyvalue::KeyValue;

    task_promises!(KeyValue);
    mutant_promises!(KeyValue);
    durable_task_promises!(KeyValue);
}

mod tasks_in_a_filesystem {
    use crate::adapters::filesystem::Filesystem;

    task_promises!(Filesystem);
    durable_task_promises!(Filesystem);
}

mod images_in_files {
    use crate::images::files::Files;

    image_promises!(Files);

    mod of_hosts {
        use super::*;

        host_image_promises!(Files);
    }

    mod durability {
        use super::*;

        durable_image_promises!(Files);

        mod of_hosts {
            use super::*;

            host_durable_image_promises!(Files);
        }

        mod owned {
            use super::*;

            owned_image_promises!(Files);
        }
    }
}

mod images_in_s3_of_s3s_fs {
    use crate::images::s3::S3sFs;

    image_promises!(S3sFs);

    mod of_hosts {
        use super::*;

        host_image_promises!(S3sFs);
    }

    mod durability {
        use super::*;

        durable_image_promises!(S3sFs);

        mod of_hosts {
            use super::*;

            host_durable_image_promises!(S3sFs);
        }
    }

    mod shared {
        use super::*;

        shared_image_promises!(S3sFs);
    }
}

mod images_counted_by_postgres_15 {
    use crate::images::s3::CountedByPostgres;
    use crate::postgres::OfFifteen;

    counted_image_promises!(CountedByPostgres<OfFifteen>);
    shared_image_promises!(CountedByPostgres<OfFifteen>);
}

mod images_counted_by_postgres_18 {
    use crate::images::s3::CountedByPostgres;
    use crate::postgres::OfEighteen;

    counted_image_promises!(CountedByPostgres<OfEighteen>);
    shared_image_promises!(CountedByPostgres<OfEighteen>);
}

mod images_counted_by_postgres_behind_a_pooler {
    use crate::images::s3::CountedByPostgres;
    use crate::postgres::OfPooler;

    counted_image_promises!(CountedByPostgres<OfPooler>);
    shared_image_promises!(CountedByPostgres<OfPooler>);
}

mod images_in_s3_of_moto {
    use crate::images::s3::Moto;

    image_promises!(Moto);

    mod of_hosts {
        use super::*;

        host_image_promises!(Moto);
    }

    mod durability {
        use super::*;

        durable_image_promises!(Moto);

        mod of_hosts {
            use super::*;

            host_durable_image_promises!(Moto);
        }
    }

    mod shared {
        use super::*;

        shared_image_promises!(Moto);
    }
}

mod images_in_memory {
    use crate::images::memory::Memory;

    image_promises!(Memory);

    mod of_hosts {
        use super::*;

        host_image_promises!(Memory);
    }
}

mod images_in_keyvalue {
    use crate::adapters::keyvalue::KeyValue;

    image_promises!(KeyValue);

    mod durability {
        use super::*;

        durable_image_promises!(KeyValue);
    }
}

mod images_in_a_filesystem {
    use crate::adapters::filesystem::Filesystem;

    image_promises!(Filesystem);

    mod durability {
        use super::*;

        durable_image_promises!(Filesystem);
    }
}

mod queue_in_the_store {
    use crate::queue::in_store::InStore;

    queue_promises!(InStore);
}

mod queue_in_nats {
    use crate::queue::in_nats::InNats;

    queue_promises!(InNats);
}

mod queue_in_pubsub_pulled {
    use crate::queue::in_pubsub::Pulled;

    queue_promises!(Pulled);
}

mod queue_in_pubsub_pushed {
    use crate::queue::in_pubsub::Pushed;

    queue_promises!(Pushed);
}

mod queue_in_postgres_15 {
    use crate::postgres::OfFifteen;
    use crate::postgres::queue::Shared;

    queue_promises!(Shared<OfFifteen>);
}

mod queue_in_postgres_18 {
    use crate::postgres::OfEighteen;
    use crate::postgres::queue::Shared;

    queue_promises!(Shared<OfEighteen>);
}

mod queue_in_postgres_behind_a_pooler {
    use crate::postgres::OfPooler;
    use crate::postgres::queue::Shared;

    queue_promises!(Shared<OfPooler>);
}

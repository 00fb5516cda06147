//! Hosts behind a pooler in transaction mode, which passes no notifications on.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::engines::postgres;
use concept_refinement_tests::postgres::{Pooler, new_schema};
use concept_refinement_tests::service::{Launch, Service};

use crate::shared::{new_name, picture_url, scripted_over};

/// What is missing, in the log and in what `check` says.
const HINT: &str = "behind a pooler";

/// Between two looks at watched tasks where nothing is heard, and what else it takes.
const POLLED_LIMIT: Duration = Duration::from_millis(700);

/// As late as a host is that hears of it, on a busy machine.
const NOTIFIED_LIMIT: Duration = Duration::from_millis(250);

/// A database by way of a pooler, and without.
struct World {
    pooler: Pooler,
    schema: String,
    launch: Launch,
}

impl World {
    fn new() -> Self {
        let (pooler, schema) = (Pooler::start(postgres()), new_schema());
        let launch = scripted_over(&pooler.url(&schema));
        Self {
            pooler,
            schema,
            launch,
        }
    }

    /// Serves, and leaves the work to others.
    fn start(&self, role: &str) -> Service {
        self.launch.elsewhere().set("role", role).start()
    }
}

/// How late it is told on the first of two hosts that a task is done by the second,
/// but for the two latest on a busy machine.
async fn lateness(api: &Service, name: &str) -> Duration {
    const TASKS: usize = 13;
    let client = Client::user(api.url(), name);
    let mut delays = Vec::new();
    for _ in 0..TASKS {
        let id = client.accepted(&picture_url(), "wait 300ms").await;
        let events = client.events(&id, None).await.rest().await;
        let last = events.last().unwrap();
        assert_eq!(last.data["status"], "completed", "{events:?}");
        delays.push(last.delay());
    }
    delays.sort();
    println!("{delays:?}");
    delays[TASKS - 3]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_address_of_the_server_hosts_look_for_what_others_did_and_say_so() {
    let world = World::new();
    let (api, worker) = (world.start("api"), world.start("all"));
    eventually("it warns", SOON, async || {
        let has_warned = |service: &Service| service.log().contains(HINT);
        (has_warned(&api) && has_warned(&worker)).then_some(())
    })
    .await;
    let checked = world.launch.check();
    assert!(checked.status.success(), "{}", checked.log);
    assert!(checked.log.contains(HINT), "{}", checked.log);

    let name = new_name();
    let lateness = lateness(&api, &name).await;
    assert!(lateness < POLLED_LIMIT, "{lateness:?}");

    // What one host deletes is told on another one.
    let (here, there) = (
        Client::user(api.url(), &name),
        Client::user(worker.url(), &name),
    );
    let id = here.accepted(&picture_url(), "wait 20000ms").await;
    let mut events = here.events(&id, None).await;
    there.task_is(&id, "processing").await;
    assert_eq!(there.delete(&format!("/api/tasks/{id}")).await.status, 204);
    let rest = events.rest().await;
    assert_eq!(rest.last().unwrap().name, "deleted", "{rest:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_address_of_the_server_hosts_hear_what_others_did() {
    let mut world = World::new();
    let direct = postgres().url(&world.schema);
    world.launch = world.launch.set("tasks-listen-url", &direct);
    assert_ne!(direct, world.pooler.url(&world.schema));
    let checked = world.launch.check();
    assert!(checked.status.success(), "{}", checked.log);
    assert!(!checked.log.contains(HINT), "{}", checked.log);

    let (api, _worker) = (world.start("api"), world.start("worker"));
    let lateness = lateness(&api, &new_name()).await;
    assert!(lateness < NOTIFIED_LIMIT, "{lateness:?}");
}

//! Watching on one host what another one does: how late it is told, what that costs
//! the database, and what becomes of it when the connection is lost by which hosts
//! hear of each other.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::events::Events;
use concept_refinement_tests::postgres::{Data, Postgres, Release, new_schema};
use concept_refinement_tests::service::{Launch, Service};
use futures::StreamExt as _;
use futures::stream;
use tokio::time::timeout;

use crate::shared::{new_name, picture_url, scripted_over};

/// Whom the database knows the host by that is watched on.
const HERE: &str = "here";

/// How late what one host did may be told on another.
const PROMPTLY: Duration = Duration::from_millis(100);

/// The same while a host looks for what it cannot hear, and what else it takes.
const POLL_TIMEOUT: Duration = Duration::from_millis(1000);

/// How often a host is cut off, since the look of each few seconds may come just then.
const CUTS: usize = 3;

/// Tasks by which it is judged, and how often: a busy machine is late now and then,
/// but a host that does not hear is so each time.
const TRIES: usize = 20;
const ROUNDS: usize = 5;

const TASKS: usize = 50;
const WATCHERS: usize = 200;

/// How a connection is found that listens: by what was said on it last.
const LISTENS: &str = "usename = 'here' AND query ~ '^(LISTEN|SHOW transaction_read_only)'";

/// One host that takes tasks and tells of them, and one that works.
struct World {
    server: Postgres,
    launch: Launch,
    here: Service,
}

impl World {
    fn new() -> Self {
        let server = Postgres::start(Release::Fifteen, Data::Volatile).with_counts();
        let schema = new_schema();
        let launch = scripted_over(&server.url(&schema));
        let url = server.url_of_new_user(HERE, &schema);
        let here = launch.elsewhere().set("tasks", &url).set("role", "api");
        Self {
            here: here.start(),
            server,
            launch,
        }
    }

    /// Begins to work.
    fn worker(&self) -> Service {
        let launch = self.launch.elsewhere().set("role", "worker");
        launch.set("concurrency", "8").start()
    }

    /// Of the connections that listen, which is one as a rule.
    fn listener(&self) -> String {
        let sql = format!("SELECT min(pid) FROM pg_stat_activity WHERE {LISTENS}");
        self.server.query(&sql)
    }
}

/// How late the ends of some tasks were told, in order.
async fn lateness(user: &Client) -> Vec<Duration> {
    let mut delays = Vec::new();
    for _ in 0..TRIES {
        let id = user.accepted(&picture_url(), "wait 50ms").await;
        let mut events = user.events(&id, None).await;
        let events = timeout(SOON, events.rest()).await.expect("nothing is told");
        let last = events.last().unwrap();
        assert_eq!(last.data["status"], "completed", "{events:?}");
        delays.push(last.delay());
    }
    delays.sort();
    delays
}

/// Nine of ten are prompt, in one of some rounds.
async fn assert_prompt(user: &Client) {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let delays = lateness(user).await;
        if delays[TRIES * 9 / 10 - 1] < PROMPTLY {
            return;
        }
        rounds.push(delays);
    }
    panic!("{rounds:#?}");
}

/// However many watch, a change is read once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_is_read_once_however_many_watch() {
    let world = tokio::task::block_in_place(World::new);
    let watching = (0..TASKS).map(async |_| {
        let user = Client::user(world.here.url(), &new_name());
        let id = user.accepted(&picture_url(), "echo it").await;
        let mut watching = Vec::new();
        for _ in 0..WATCHERS / TASKS {
            let mut events = user.events(&id, None).await;
            assert_eq!(events.event().await.data["status"], "pending");
            watching.push(events);
        }
        watching
    });
    let watching: Vec<Vec<Events>> = stream::iter(watching).buffer_unordered(8).collect().await;

    let (before, begin) = (world.server.statements(HERE), Instant::now());
    let _worker = world.worker();
    for mut events in watching.into_iter().flatten() {
        let rest = events.rest().await;
        assert_eq!(rest.last().unwrap().tells(), "completed");
    }
    let (used, seconds) = (world.server.statements(HERE) - before, begin.elapsed());
    println!("{used} statements in {seconds:?}");
    // Each task is claimed and completed; and a few are run whatever happens.
    let most = 2 * TASKS as u64 + 5 * seconds.as_secs() + 10;
    assert!(used <= most, "{used} statements in {seconds:?}");
    assert!(most < 2 * WATCHERS as u64, "it took too long to tell");
}

/// Until it listens again, it looks for what it does not hear.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_whose_ear_is_cut_off_listens_again() {
    let world = tokio::task::block_in_place(World::new);
    let _worker = world.worker();
    let user = Client::user(world.here.url(), &new_name());
    assert_prompt(&user).await;

    for _ in 0..CUTS {
        let before = world.listener();
        assert_ne!(before, "", "nobody listens");
        world.server.execute(&format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {LISTENS}"
        ));
        for delay in lateness(&user).await {
            assert!(delay < POLL_TIMEOUT, "{delay:?}");
        }
        eventually("it listens again", SOON, async || {
            let now = world.listener();
            (!now.is_empty() && now != before).then_some(())
        })
        .await;
    }
    assert_prompt(&user).await;
}

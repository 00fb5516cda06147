//! How long users wait for a task, and until one is accepted, while sixteen operators ask
//! for the same over a hundred thousand tasks, in both engines.

use std::future::pending;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use hyper::StatusCode;
use rusqlite::Connection as Sqlite;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::time::{Instant, interval, sleep};

use crate::Form;
use crate::administration::{OF_USER, fill_postgres, fill_sqlite, id};
use crate::api::api_alone;
use crate::figures::{Figure, Target};
use crate::load::{Connection, get, post};

/// Tasks in the store.
const SIZE: u64 = 100_000;

/// Operators who ask at once.
const OPERATORS: usize = 16;

/// What the slowest of a hundred requests of users may take, in milliseconds.
const MAX_P99: f64 = 100.0;

const TOKEN: &str = "a-token-of-the-operator-for-the-bench";

/// Connections of users, and the time between two requests of each.
const READERS: (usize, Duration) = (4, Duration::from_millis(5));
/// Few: none of their tasks ends, and each is promised 4 MiB of the disk, 20 GiB in a whole run.
const SUBMITTERS: (usize, Duration) = (2, Duration::from_millis(60));

/// So that nothing is worked on.
const PAUSE_SQLITE: &str = "INSERT INTO queue_pause (id, since) VALUES (0, 1)";
const PAUSE_POSTGRES: &str = "INSERT INTO operated.queue_pause (id, since) VALUES (0, now())";

/// Of one user 200 tasks that failed alike, before 20,000 that failed otherwise.
const GREEDY_SQLITE: &str =
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < 20200)
     INSERT INTO task (id, user_id, is_anonymous, status, created_at, completed_at, revision,
         request, state)
     SELECT printf('01900000-0000-7000-9000-%012x', i), 'greedy', 0, 'failed',
         1795000000000000 + i, 1795000000000000 + i, 2,
         json_object('v', 1, 'original_image_url', 'https://example.com/logo.png',
             'refinement_prompt', 'Make the bean a little larger, please'),
         json_object('v', 1, 'attempt', 1,
             'error_message', iif(i < 200, 'It is gone.', 'It broke off.'))
     FROM n";
const GREEDY_POSTGRES: &str =
    "INSERT INTO operated.task (id, user_id, is_anonymous, status, created_at,
         completed_at, revision, request, state)
     SELECT ('01900000000070009000' || lpad(to_hex(i), 12, '0'))::uuid, 'greedy', false, 'failed',
         at, at, 2,
         json_build_object('v', 1, 'original_image_url', 'https://example.com/logo.png',
             'refinement_prompt', 'Make the bean a little larger, please'),
         json_build_object('v', 1, 'attempt', 1,
             'error_message', CASE WHEN i < 200 THEN 'It is gone.' ELSE 'It broke off.' END)
     FROM generate_series(0, 20199) AS i,
         LATERAL (SELECT to_timestamp(1795000000 + i / 1000000.0) AS at) AS moment;
     ANALYZE operated.task";

/// What all operators ask for, again and again.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Nothing,
    Get(&'static str),
    /// How many tasks match, by an action that expects another number.
    Count(&'static str),
    /// A retry of all that match, to its end.
    Retry(&'static str),
}

const KINDS: [(&str, Kind); 13] = [
    ("none", Kind::Nothing),
    ("lists", Kind::Get("tasks?limit=100")),
    (
        "lists of completed",
        Kind::Get("tasks?status=completed&limit=100"),
    ),
    (
        "lists of failed",
        Kind::Get("tasks?status=failed&limit=100"),
    ),
    ("lists of a user", Kind::Get("tasks?user=greedy&limit=100")),
    ("searches by error", Kind::Get("tasks?error=zebra")),
    ("searches by model", Kind::Get("tasks?model=zebra")),
    ("counts by error", Kind::Count("zebra")),
    (
        "reads of a task",
        Kind::Get("tasks/01900000-0000-7000-9000-000000000007"),
    ),
    ("looks at the queue", Kind::Get("queue")),
    ("reads of the audit", Kind::Get("audit?limit=100")),
    ("reads of metrics", Kind::Get("metrics")),
    ("retries by filter", Kind::Retry("gone")),
];

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let origin = Origin::start();
        let attended = || -> Launch {
            let launch = api_alone(launch(&origin)).set("admin-listen", "127.0.0.1:0");
            let launch = launch.set("metrics-listen", "127.0.0.1:0");
            launch.variable("REFINEMENT_ADMIN_TOKEN", TOKEN)
        };
        let embedded = attended();
        embedded.start().stop();
        let store = Sqlite::open(embedded.data().join("tasks.sqlite")).unwrap();
        fill_sqlite(&store, SIZE);
        for statement in [GREEDY_SQLITE, PAUSE_SQLITE] {
            store.execute(statement, []).unwrap();
        }
        drop(store);
        let mut figures = beside(form, "SQLite", &embedded.start()).await;

        let server = Postgres::start(Release::Fifteen, Data::Durable);
        let shared = attended().set("tasks", &server.url("operated"));
        shared.start().stop();
        fill_postgres(&server, SIZE);
        server.execute(GREEDY_POSTGRES);
        server.execute(PAUSE_POSTGRES);
        figures.extend(beside(form, "Postgres", &shared.start()).await);
        figures
    })
}

async fn beside(form: Form, engine: &str, service: &Service) -> Vec<Figure> {
    let time = form.choose(Duration::from_secs(3), Duration::from_secs(10));
    let users = service.url().trim_start_matches("http://").parse().unwrap();
    let admin = service.admin().await;
    let admin = admin.trim_start_matches("http://").trim_end_matches('/');
    let admin = admin.parse().unwrap();
    let mut figures = Vec::new();
    for (name, kind) in KINDS {
        let answered = AtomicU64::new(0);
        let operators = join_all((0..OPERATORS).map(|_| operate(admin, kind, &answered)));
        let times = tokio::select! {
            _ = operators => unreachable!("they go on"),
            times = users_wait(users, time) => times,
        };
        let answered = answered.load(Ordering::Relaxed);
        for (method, mut times) in ["GET", "POST"].into_iter().zip(times) {
            times.sort_unstable();
            let slow = percentile(&times, 99).as_secs_f64() * 1e3;
            let name = format!("{engine}, {method} beside {name} ({answered}), p99");
            let figure = Figure::new("operators", name, "ms", slow);
            figures.push(figure.target(Target::Most(MAX_P99)));
        }
    }
    figures
}

/// Never ends.
async fn operate(address: SocketAddr, kind: Kind, answered: &AtomicU64) {
    let host = address.to_string();
    let read = |path: &str| get(&host, &format!("/admin/v1/{path}"), TOKEN);
    let write = |json: Value| {
        let body = Bytes::from(json.to_string());
        post(&host, "/admin/v1/tasks/actions", TOKEN, &body)
    };
    let mut connection = Connection::open(address).await;
    loop {
        let status = match kind {
            Kind::Nothing => pending().await,
            Kind::Get(path) => connection.send(read(path)).await.0,
            Kind::Count(error) => {
                let filter = json!({"error": error, "until": "2126-01-01T00:00:00Z"});
                let count = json!({
                    "action": "delete", "filter": filter, "expect": SIZE, "reason": "x",
                });
                connection.send(write(count)).await.0
            }
            Kind::Retry(error) => {
                let filter = json!({"status": "failed", "error": error});
                let preview = json!({"action": "retry", "filter": filter, "preview": true});
                let (status, seen) = connection.send(write(preview)).await;
                if status == StatusCode::OK {
                    let seen: Value = serde_json::from_slice(&seen).unwrap();
                    let start = json!({
                        "action": "retry", "filter": seen["filter"], "expect": seen["count"],
                        "reason": "x",
                    });
                    let (_, job) = connection.send(write(start)).await;
                    let job: Value = serde_json::from_slice(&job).unwrap();
                    let path = format!("jobs/{}", job["id"].as_str().unwrap_or_default());
                    let mut job = job;
                    while job["ended_at"].is_null() && job["id"].is_string() {
                        sleep(Duration::from_millis(20)).await;
                        let (_, now) = connection.send(read(&path)).await;
                        job = serde_json::from_slice(&now).unwrap();
                    }
                }
                status
            }
        };
        let is_known = matches!(status.as_u16(), 200 | 409 | 503);
        assert!(is_known, "{kind:?}: {status}");
        answered.fetch_add(1, Ordering::Relaxed);
    }
}

/// How long reads and submissions of users take.
async fn users_wait(address: SocketAddr, time: Duration) -> [Vec<Duration>; 2] {
    static SUBMITTED: AtomicU64 = AtomicU64::new(0);
    let host = address.to_string();
    let end = Instant::now() + time;
    let (readers, pause) = READERS;
    let readers = (0..readers as u64).map(async |reader| {
        let mut number = reader * SIZE / 8;
        asked(address, end, pause, StatusCode::OK, || {
            number = (number + 7_919) % (SIZE / 2);
            let path = format!("/api/concepts/task/{}", id(number));
            get(&host, &path, &token(&format!("user {}", number / OF_USER)))
        })
        .await
    });
    let body = json!({
        "original_image_url": "https://example.com/logo.png",
        "refinement_prompt": "Make the bean a little larger, please",
    });
    let body = Bytes::from(body.to_string());
    let (submitters, pause) = SUBMITTERS;
    let submitters = (0..submitters).map(async |_| {
        asked(address, end, pause, StatusCode::ACCEPTED, || {
            let number = SUBMITTED.fetch_add(1, Ordering::Relaxed);
            let token = token(&format!("new {number}"));
            post(&host, "/api/concepts/refine", &token, &body)
        })
        .await
    });
    let (read, submitted) = tokio::join!(join_all(readers), join_all(submitters));
    [read.concat(), submitted.concat()]
}

async fn asked(
    address: SocketAddr,
    end: Instant,
    pause: Duration,
    expected: StatusCode,
    mut request: impl FnMut() -> crate::load::Asked,
) -> Vec<Duration> {
    let mut connection = Connection::open(address).await;
    let (mut times, mut ticks) = (Vec::new(), interval(pause));
    while Instant::now() < end {
        ticks.tick().await;
        let request = request();
        let begin = Instant::now();
        let (status, body) = connection.send(request).await;
        times.push(begin.elapsed());
        assert_eq!(status, expected, "{body:?}");
    }
    times
}

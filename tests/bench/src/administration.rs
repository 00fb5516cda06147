//! How long an operator waits for a page of tasks by user, status or time, over a hundred
//! thousand or a million of them, in both engines.

use std::sync::Arc;

use concept_refinement_capability::administration::{Administration, TaskFilter};
use concept_refinement_capability::clock::SystemClock;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_postgres::{PostgresTasks, Settings};
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use rusqlite::{Connection, params};
use tokio::runtime::Runtime;
use tokio::time::Instant;

use crate::Form;
use crate::figures::{Figure, Target, number};

/// Tasks of a page.
const PAGE: u32 = 50;

/// Pages that each kind of search is asked for, most of them from a place of its own.
const PAGES: u32 = 500;

/// What the slowest of a hundred may take, in milliseconds.
const MAX_P99: f64 = 5.0;

/// 2026-11-20T12:00:00Z, in milliseconds.
const START: u64 = 1_795_176_000_000;

/// Between two tasks, in milliseconds.
const EACH: u64 = 100;

/// Tasks of each user.
pub const OF_USER: u64 = 10;

/// One of so many has failed.
const FAILED: u64 = 50;

/// Tasks that wait, the latest ones.
const PENDING: u64 = 1_000;

/// What is searched for, near the task of this number.
type Filter = Box<dyn Fn(u64) -> TaskFilter>;

/// Of 1,000 tasks and more: those that wait are the last ones.
const SQLITE: &str =
    "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?1),
         task_at(i, ms, ended) AS (SELECT i, ?2 + i * ?3, i + ?6 < ?1 FROM n)
     INSERT INTO task (id, user_id, is_anonymous, status, created_at, completed_at, due_at,
         revision, request, state)
     SELECT printf('%08x-%04x-7000-8000-%012x', ms >> 16, ms & 65535, i),
         iif(ended, 'user ' || (i / ?4), 'waiting ' || i), 0,
         iif(ended, iif(i % ?5, 'completed', 'failed'), 'pending'), ms * 1000,
         iif(ended, ms * 1000, NULL), iif(ended, NULL, ms * 1000), 2,
         json_object('v', 1, 'original_image_url', 'https://example.com/logo.png',
             'refinement_prompt', 'Make the bean a little larger, please'),
         json_object('v', 1, 'attempt', 1,
             'error_message', iif(ended AND i % ?5 = 0, 'It was refused.', NULL),
             'steps', json('[' || substr(replace(hex(zeroblob(9)), '00',
                 ',[1795176000000000,\"stage\",1,null,\"downloading\"]'), 2) || ']'))
     FROM task_at";

const POSTGRES: &str = "INSERT INTO operated.task (id, user_id, is_anonymous, status, created_at,
         completed_at, due_at, deliver_at, revision, request, state)
     SELECT (lpad(to_hex(ms), 12, '0') || '70008000' || lpad(to_hex(i), 12, '0'))::uuid,
         CASE WHEN ended THEN 'user ' || i / $4 ELSE 'waiting ' || i END, false,
         CASE WHEN NOT ended THEN 'pending' WHEN i % $5 = 0 THEN 'failed' ELSE 'completed' END,
         at, CASE WHEN ended THEN at END, CASE WHEN NOT ended THEN at END,
         CASE WHEN NOT ended THEN at END, 2,
         json_build_object('v', 1, 'original_image_url', 'https://example.com/logo.png',
             'refinement_prompt', 'Make the bean a little larger, please'),
         json_build_object('v', 1, 'attempt', 1,
             'error_message', CASE WHEN ended AND i % $5 = 0 THEN 'It was refused.' END,
             'steps', ('[' || substr(repeat(',[1795176000000000,\"stage\",1,null,\"downloading\"]',
                 9), 2) || ']')::json)
     FROM generate_series(0, $1 - 1) AS i,
         LATERAL (SELECT $2 + i::bigint * $3 AS ms, i + $6 < $1 AS ended) AS moment,
         LATERAL (SELECT to_timestamp(ms / 1000.0) AS at) AS time;
     ANALYZE operated.task";

pub fn measure(form: Form) -> Vec<Figure> {
    let size = form.choose(100_000, 1_000_000);
    Runtime::new().unwrap().block_on(async {
        let mut figures = Vec::new();
        let place = tempfile::tempdir().unwrap();
        let open = || SqliteTasks::open(place.path(), Options::default(), Arc::new(SystemClock));
        drop(open().unwrap());
        fill_sqlite(
            &Connection::open(place.path().join("tasks.sqlite")).unwrap(),
            size,
        );
        figures.extend(searches("SQLite", &open().unwrap(), size).await);

        let server = Postgres::start(Release::Fifteen, Data::Durable);
        let settings = Settings::parse(&server.url("operated"), &|_| None).unwrap();
        let clock = Arc::new(SystemClock);
        let opened = PostgresTasks::open(&settings, None, Options::default(), clock).await;
        let store = opened.unwrap();
        fill_postgres(&server, size);
        figures.extend(searches("Postgres", &*store, size).await);
        figures
    })
}

/// Of each kind of search what its slowest of a hundred pages take.
async fn searches(engine: &str, store: &dyn Administration, size: u64) -> Vec<Figure> {
    let at = |number: u64| Timestamp((START + number * EACH) * 1_000);
    let mut figures = Vec::new();
    let mut kinds: Vec<(&str, Filter)> = vec![
        ("all", Box::new(|_| TaskFilter::default())),
        (
            "user",
            Box::new(|number| TaskFilter {
                user: Some(format!("user {}", number / OF_USER)),
                ..TaskFilter::default()
            }),
        ),
        (
            "time",
            Box::new(move |number| TaskFilter {
                until: Some(at(number)),
                ..TaskFilter::default()
            }),
        ),
    ];
    for status in [Status::Pending, Status::Completed, Status::Failed] {
        kinds.push((
            status.as_str(),
            Box::new(move |number| TaskFilter {
                status: Some(status),
                until: Some(at(number)).filter(|_| status != Status::Pending),
                ..TaskFilter::default()
            }),
        ));
    }
    for (kind, filter) in kinds {
        let (mut times, mut found) = (Vec::new(), 0);
        for page in 0..PAGES {
            // Anywhere among those that have ended, and not near the one before.
            let number = u64::from(page) * 7_919 * 31 % (size - PENDING);
            let began = Instant::now();
            let answer = store.search(filter(number), PAGE, None).await.unwrap();
            times.push(began.elapsed().as_secs_f64() * 1e3);
            found += answer.items.len();
        }
        assert!(found > 0, "{kind}");
        times.sort_by(f64::total_cmp);
        let slow = times[times.len() * 99 / 100];
        let name = format!("{engine}, {kind}, p99 of {} tasks", number(size as f64));
        let figure = Figure::new("administration", name, "ms", slow);
        figures.push(figure.target(Target::Most(MAX_P99)));
    }
    figures
}

fn numbers(size: u64) -> [u64; 6] {
    [size, START, EACH, OF_USER, FAILED, PENDING]
}

/// Of the task with this number.
pub fn id(number: u64) -> String {
    let time = START + number * EACH;
    format!(
        "{:08x}-{:04x}-7000-8000-{number:012x}",
        time >> 16,
        time & 0xffff
    )
}

pub fn fill_sqlite(store: &Connection, size: u64) {
    let [size, start, each, of_user, failed, pending] =
        numbers(size).map(|number| i64::try_from(number).unwrap());
    let parameters = params![size, start, each, of_user, failed, pending];
    store.execute(SQLITE, parameters).unwrap();
}

/// In the schema `operated`.
pub fn fill_postgres(server: &Postgres, size: u64) {
    let mut sql = POSTGRES.to_owned();
    for (index, number) in (1..).zip(numbers(size)) {
        sql = sql.replace(&format!("${index}"), &number.to_string());
    }
    server.execute(&sql);
}

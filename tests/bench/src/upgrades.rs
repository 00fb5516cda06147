//! How long a start takes that upgrades the tasks of 0.1.0, each with a concept.

use std::sync::Arc;
use std::time::Instant;

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::Maintenance as _;
use concept_refinement_embedded::tasks::{Options, SqliteTasks};
use concept_refinement_postgres::{PostgresTasks, Settings};
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use rusqlite::Connection;
use tokio::runtime::Runtime;
use tokio::time::{Duration, sleep};

use crate::Form;
use crate::figures::{Figure, Target};

/// For a million tasks, in seconds.
const MAX: f64 = 60.0;

const SQLITE: &str = include_str!("../../../host/embedded/src/tasks/schema/020.sql");
const POSTGRES: [&str; 2] = [
    include_str!("../../../host/postgres/src/connection/schema/016.sql"),
    include_str!("../../../host/postgres/src/connection/schema/016_functions.sql"),
];

/// The story of a task, as 0.1.0 wrote it.
const STEPS: &str = r#"[1795652100123456,"submitted",0,"host-1a2b:77",null]
[1795652100123456,"delivered",1,"host-1a2b:77",null]
[1795652100123456,"claimed",1,"host-1a2b:77",null]
[1795652100123456,"stage",1,null,"downloading"]
[1795652100123456,"stage",1,null,"refining"]
[1795652100123456,"asked",1,null,"local: done, 12 ms"]
[1795652100123456,"stage",1,null,"storing-image"]
[1795652100123456,"stage",1,null,"storing-concept"]
[1795652100123456,"completed",1,null,null]
"#;

pub fn measure(form: Form) -> Vec<Figure> {
    let size = form.choose(100_000, 1_000_000);
    Runtime::new().unwrap().block_on(async {
        let times = [("SQLite", sqlite(size)), ("Postgres", postgres(size).await)];
        let figure = |(engine, seconds)| {
            let name = format!("{engine}, {size} tasks of 0.1.0");
            Figure::new("upgrades", name, "s", seconds).target(Target::Most(MAX))
        };
        times.map(figure).to_vec()
    })
}

fn sqlite(size: u64) -> f64 {
    let place = tempfile::tempdir().unwrap();
    let store = Connection::open(place.path().join("tasks.sqlite")).unwrap();
    store.execute_batch(SQLITE).unwrap();
    let fill = format!(
        "PRAGMA application_id = 0x43526566;
         PRAGMA user_version = 20;
         BEGIN;
         WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < {size})
         INSERT INTO task (id, user_id, is_anonymous, status, original_image_url,
             refinement_prompt, created_at, updated_at, completed_at, result_id, image_path,
             attempt, revision, steps)
         SELECT printf('01900000-0000-7000-8000-%012x', i), 'stored ' || (i / 10), 0, 'completed',
             'https://example.com/logo.png', 'Make the bean a little larger, please',
             1795176000000000 + i, 1795176000000000 + i, 1795176000000000 + i,
             printf('01900000-0000-8000-8000-%012x', i),
             printf('refined/0123456789abcdef0123456789abcdef/01900000-%012x-1.png', i), 1, 2,
             '{STEPS}'
         FROM n;
         INSERT INTO concept (id, task_id, user_id, is_anonymous, image_path, image_url,
             original_image_url, refinement_prompt, color_palettes, notes, created_at)
         SELECT result_id, id, user_id, 0, image_path, '/api/images/' || image_path,
             original_image_url, refinement_prompt, '[]', '[]', completed_at
         FROM task;
         COMMIT"
    );
    store.execute_batch(&fill).unwrap();
    drop(store);
    let begin = Instant::now();
    let opened = SqliteTasks::open(place.path(), Options::default(), Arc::new(SystemClock));
    drop(opened.unwrap());
    begin.elapsed().as_secs_f64()
}

async fn postgres(size: u64) -> f64 {
    let server = Postgres::start(Release::Fifteen, Data::Durable);
    let fill = format!(
        "CREATE SCHEMA upgraded; {} {}
         INSERT INTO schema.schema_version VALUES (16);
         INSERT INTO schema.task (id, user_id, is_anonymous, status, original_image_url,
             refinement_prompt, created_at, updated_at, completed_at, result_id, image_path,
             attempt, revision, steps)
         SELECT ('01900000000070008000' || lpad(to_hex(i), 12, '0'))::uuid, 'stored ' || i / 10,
             false, 'completed', 'https://example.com/logo.png',
             'Make the bean a little larger, please', at, at, at,
             ('01900000000080008000' || lpad(to_hex(i), 12, '0'))::uuid,
             'refined/0123456789abcdef0123456789abcdef/01900000-' || i || '-1.png', 1, 2, '{STEPS}'
         FROM generate_series(0, {size} - 1) AS i,
             LATERAL (SELECT to_timestamp(1795176000 + i / 1000000.0) AS at) AS time;
         INSERT INTO schema.concept (id, task_id, user_id, is_anonymous, image_path, image_url,
             original_image_url, refinement_prompt, color_palettes, notes, created_at)
         SELECT result_id, id, user_id, false, image_path, '/api/images/' || image_path,
             original_image_url, refinement_prompt, '{{}}', '{{}}', completed_at
         FROM schema.task;
         ANALYZE",
        POSTGRES[0], POSTGRES[1]
    );
    server.load(&fill.replace("schema.", "upgraded."));
    let settings = Settings::parse(&server.url("upgraded"), &|_| None).unwrap();
    let begin = Instant::now();
    let clock = Arc::new(SystemClock);
    let opened = PostgresTasks::open(&settings, None, Options::default(), clock).await;
    let store = opened.unwrap();
    while store.check().await.is_err() {
        sleep(Duration::from_millis(100)).await;
    }
    begin.elapsed().as_secs_f64()
}

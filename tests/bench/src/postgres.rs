//! Whole tasks a second (submitted, claimed, finished) over a local Postgres that
//! writes to the disk, beside a queue of bare `SKIP LOCKED` on the same server:
//! what the engine can give.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_capability::tasks::{Leases as _, Options, Tasks as _};
use concept_refinement_domain::capability::{Finished, NewTask, Stored, Submission};
use concept_refinement_domain::task::Refinement;
use concept_refinement_postgres::{PostgresTasks, Settings};
use concept_refinement_tests::postgres::{Data, Postgres, Release};
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::Form;
use crate::figures::{Figure, Target};

/// What the project aims at.
const LEAST: f64 = 1_000.0;

/// As many statements and commits as a whole task takes: one in, one that takes
/// it, one out.
const BARE: &str = "INSERT INTO bare (payload) VALUES (repeat('x', 400));\n\
    UPDATE bare SET taken = true WHERE id = ANY (ARRAY (SELECT id FROM bare WHERE NOT taken \
    ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)) RETURNING id \\gset\n\
    DELETE FROM bare WHERE id = :id;\n";

pub fn measure(form: Form) -> Vec<Figure> {
    let time = form.choose(Duration::from_secs(5), Duration::from_secs(20));
    let server = Postgres::start(Release::Fifteen, Data::Durable);
    let mut figures = Vec::new();
    for clients in [1, 8, 32] {
        let schema = format!("bench_{clients}");
        let ours = Runtime::new()
            .unwrap()
            .block_on(tasks(&server, &schema, clients, time));
        let bare = bare(&server, clients, time);
        let name = format!("whole tasks, {clients} clients");
        let figure = Figure::of_rounds("postgres", name, "tasks/s", &[(ours, bare)]);
        figures.push(match clients {
            32 => figure.target(Target::Least(LEAST)),
            _ => figure,
        });
    }
    figures
}

async fn tasks(server: &Postgres, schema: &str, clients: usize, time: Duration) -> f64 {
    let settings = Settings::parse(&server.url(schema), &|_| None).unwrap();
    let clock = Arc::new(SystemClock);
    let opened = PostgresTasks::open(&settings, None, Options::default(), clock).await;
    let store = opened.unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let begin = Instant::now();
    let clients = (0..clients).map(|_| {
        let (store, done) = (Arc::clone(&store), Arc::clone(&done));
        tokio::spawn(async move {
            while begin.elapsed() < time {
                whole_task(&store).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    done.load(Ordering::Relaxed) as f64 / begin.elapsed().as_secs_f64()
}

/// Of another user each time.
async fn whole_task(store: &PostgresTasks) {
    let id = Uuid::now_v7().to_string();
    let task = NewTask::new(
        id.clone(),
        format!("user {id}"),
        Refinement {
            logo_description: Some("A coffee cup".into()),
            ..Refinement::new(
                "https://example.com/logo.png",
                "Make the bean a little larger, please",
            )
        },
    );
    let submitted = store.submit(task).await.unwrap();
    assert!(matches!(submitted, Submission::Created(_)));
    let claimed = store.claim(&id, None).await.unwrap().unwrap();
    let image = Stored {
        path: format!("refined/0123456789abcdef0123456789abcdef/{id}-1.png"),
        url: format!("/api/images/refined/0123456789abcdef0123456789abcdef/{id}-1.png"),
        sha256: None,
    };
    let finished = store.finish(&claimed.lease, image.into()).await.unwrap();
    assert_eq!(finished, Finished::Done);
}

/// The same number of commits by `pgbench`, which does nothing else.
fn bare(server: &Postgres, clients: usize, time: Duration) -> f64 {
    server.execute(
        "DROP TABLE IF EXISTS bare; CREATE TABLE bare (id bigserial PRIMARY KEY, \
         taken boolean NOT NULL DEFAULT false, payload text NOT NULL); \
         CREATE INDEX bare_waiting ON bare (id) WHERE NOT taken",
    );
    let script = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(script.path(), BARE).unwrap();
    let output = Command::new("/usr/lib/postgresql/15/bin/pgbench")
        .args(["--no-vacuum", "--host=127.0.0.1", "--username=postgres"])
        .args([&format!("--port={}", server.port()), "--jobs=2"])
        .args([&format!("--client={clients}"), "--protocol=extended"])
        .arg(format!("--time={}", time.as_secs()))
        .arg(format!("--file={}", script.path().display()))
        .arg("postgres")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let rate = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let rate = rate.and_then(|rate| rate.split(' ').next());
    let error = String::from_utf8_lossy(&output.stderr);
    rate.unwrap_or_else(|| panic!("{text}{error}"))
        .parse()
        .unwrap()
}

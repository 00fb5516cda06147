//! What the process holds in memory: idle, and with many tasks that wait for a
//! slow model.

use std::fs;
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::crowd::{Crowd, launch, picture_within};
use concept_refinement_tests::process::{Process, Usage};
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::Launch;
use tokio::runtime::Runtime;

use crate::Form;
use crate::figures::{Figure, Target};

const TASKS: usize = 1000;
const LARGEST_ORIGINAL: usize = 100_000;

/// In megabytes.
const MAX_IDLE: f64 = 40.0;
const MAX_WAITING: f64 = 300.0;

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let origin = Origin::start();
        let idle = launch(&origin).set("model", "local");
        let compiled = idle.data().join("compiled");
        // Compiles once, in a cache of its own.
        fs::remove_file(compiled).unwrap();
        let compiling = answering(&idle).await;
        let idle = answering(&idle).await;

        let service = launch(&origin)
            .set("concurrency", &TASKS.to_string())
            .start();
        let process = Process::of(service.id());
        let picture = picture_within(LARGEST_ORIGINAL);
        let model = Duration::from_secs(form.choose(12, 20));
        let prompt = format!("wait {}ms", model.as_millis());
        let crowd = Crowd::gather(&service, &origin, &picture, TASKS, (&prompt, model)).await;
        let waiting = process.usage();
        let proportional = process.proportional();
        for task in crowd.finished().await {
            assert_eq!(task["status"], "completed", "{task}");
        }
        let peak = process.usage().peak;
        let waiting_name = format!("{TASKS} tasks waiting");
        vec![
            Figure::new("memory", "idle", "MB", megabytes(idle.resident))
                .target(Target::Most(MAX_IDLE)),
            Figure::new(
                "memory",
                "idle, just compiled",
                "MB",
                megabytes(compiling.resident),
            ),
            Figure::new("memory", waiting_name, "MB", megabytes(waiting.resident))
                .target(Target::Most(MAX_WAITING)),
            Figure::new(
                "memory",
                "of it what nobody shares, and a part of the rest",
                "MB",
                megabytes(proportional),
            ),
            Figure::new("memory", "their peak", "MB", megabytes(peak))
                .target(Target::Most(MAX_WAITING)),
        ]
    })
}

/// Of a process that has answered once.
async fn answering(launch: &Launch) -> Usage {
    let service = launch.start();
    let answer = Client::new(service.url()).get("/api/health").await;
    assert_eq!(answer.status, 200);
    Process::of(service.id()).usage()
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

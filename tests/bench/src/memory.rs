//! What the process holds in memory: idle, and with many tasks that wait for a
//! slow model.

use std::fs;
use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::crowd::{Crowd, launch, picture_within};
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::process::{Process, Usage};
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;
use tokio::runtime::Runtime;
use tokio::time::{Instant, sleep_until};

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

        let scripted = launch(&origin);
        let limit = Duration::from_secs(form.choose(12, 20));
        let prompt = format!("wait {}ms", limit.as_millis());
        let scripted = waiting(scripted, &origin, (&prompt, limit), None).await;

        // Its originals are not public, so that it is sent their bytes.
        let provider = Provider::start();
        let reply = Reply::picture(&picture_within(LARGEST_ORIGINAL)).after(limit);
        let prompt = provider.prompt([reply]);
        let asking = launch(&origin)
            .set("model", "jigsawstack")
            .set("model-url", &provider.url())
            .set("model-api-key", "of the bench");
        let asking = waiting(asking, &origin, (&prompt, limit), Some(&provider)).await;

        let mut figures = vec![
            Figure::new("memory", "idle", "MB", megabytes(idle.resident))
                .target(Target::Most(MAX_IDLE)),
            Figure::new(
                "memory",
                "idle, just compiled",
                "MB",
                megabytes(compiling.resident),
            ),
        ];
        for (model, waiting) in [("scripted", scripted), ("jigsawstack", asking)] {
            let figure = |what: &str, bytes| {
                let name = format!("{TASKS} wait, {model}{what}");
                Figure::new("memory", name, "MB", megabytes(bytes))
            };
            figures.extend([
                figure("", waiting.resident).target(Target::Most(MAX_WAITING)),
                figure(", proportional", waiting.proportional),
                figure(", peak", waiting.peak),
            ]);
        }
        figures
    })
}

/// In bytes.
struct Waiting {
    resident: u64,
    /// Each page by the number of those that have it mapped.
    proportional: u64,
    peak: u64,
}

/// A service with tasks that wait for a model, which takes so long for this
/// prompt.
async fn waiting(
    launch: Launch,
    origin: &Origin,
    model: (&str, Duration),
    provider: Option<&Provider>,
) -> Waiting {
    let service = launch.set("concurrency", &TASKS.to_string()).start();
    let process = Process::of(service.id());
    let picture = picture_within(LARGEST_ORIGINAL);
    let half = Instant::now() + model.1 / 2;
    let crowd = Crowd::gather(&service, origin, &picture, TASKS, model).await;
    if let Some(provider) = provider {
        let asked = async || (provider.times(model.0) == TASKS).then_some(());
        eventually("all wait for the provider", model.1, asked).await;
    }
    // Until all that came before is over.
    sleep_until(half).await;
    let resident = process.usage().resident;
    let proportional = process.proportional();
    for task in crowd.finished().await {
        assert_eq!(task["status"], "completed", "{task}");
    }
    Waiting {
        resident,
        proportional,
        peak: process.usage().peak,
    }
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

//! A thousand tasks on a slow model: waiting is cheap.

use std::time::{Duration, Instant};

use concept_refinement_tests::crowd::{Crowd, launch, picture_within};
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::{latencies, percentile};
use concept_refinement_tests::process::{Process, Usage};
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;

use crate::{megabytes, turn};

const TASKS: usize = 1000;
const MODEL: Duration = Duration::from_secs(20);
const LARGEST_ORIGINAL: usize = 100_000;

const MAX_MEMORY: u64 = 600_000_000;

/// The API's, while the tasks wait.
const SLOWEST: Duration = Duration::from_millis(50);

/// Of one core, in percent, while nothing happens but that tasks wait.
const MAX_PROCESSOR: f64 = 25.0;

/// What the service used.
struct Used {
    /// While all tasks waited.
    waiting: Usage,
    after: Usage,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_wait_for_a_slow_model_in_little_memory() {
    let _turn = turn().await;
    let origin = Origin::start();
    let prompt = format!("wait {}ms", MODEL.as_millis());
    let used = a_thousand_wait(launch(&origin), &origin, &prompt, async || ()).await;
    assert!(
        used.after.peak <= MAX_MEMORY,
        "{} bytes were resident at the peak",
        used.after.peak
    );
}

/// Counts what is the process's own. The data of a component are there once, but
/// as resident in each of its instances, and a provider's model has many.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_wait_for_a_slow_provider_in_little_memory() {
    let _turn = turn().await;
    let (origin, provider) = (Origin::start(), Provider::start());
    let answer = picture_within(LARGEST_ORIGINAL);
    let prompt = provider.prompt([Reply::picture(&answer).after(MODEL)]);
    let launch = launch(&origin)
        .set("model", "jigsawstack")
        .set("model-url", &provider.url())
        .set("model-api-key", "of the tests");
    let all_asked = async || {
        eventually("all are asked", MODEL / 2, async || {
            (provider.times(&prompt) == TASKS).then_some(())
        })
        .await;
    };
    let used = a_thousand_wait(launch, &origin, &prompt, all_asked).await;
    assert_eq!(provider.times(&prompt), TASKS);
    assert!(
        used.waiting.anonymous <= MAX_MEMORY,
        "{} bytes were taken",
        used.waiting.anonymous
    );
}

/// `in_flight`: waits until the model has all that it needs of each task.
async fn a_thousand_wait(
    launch: Launch,
    origin: &Origin,
    prompt: &str,
    in_flight: impl AsyncFn(),
) -> Used {
    let service = launch.set("concurrency", &TASKS.to_string()).start();
    let process = Process::of(service.id());
    let picture = picture_within(LARGEST_ORIGINAL);
    let idle = process.usage();

    let begin = Instant::now();
    let crowd = Crowd::gather(&service, origin, &picture, TASKS, (prompt, MODEL)).await;
    in_flight().await;
    let waiting = process.usage();

    // Nobody asks for anything: what is used now, waiting uses.
    let quiet = Duration::from_secs(2);
    let before = process.usage().processor;
    tokio::time::sleep(quiet).await;
    let used = process.usage().processor - before;
    let percent = 100.0 * used.as_secs_f64() / quiet.as_secs_f64();
    let (user, id) = crowd.one();
    let reads = latencies(user, id, Duration::from_secs(3)).await;
    let p99 = percentile(&reads, 99);

    let finished = crowd.finished().await;
    let all = begin.elapsed();
    let after = process.usage();
    show(&format!(
        "{TASKS} tasks in flight, originals of {} kB: accepted in {:.1?}, in flight \
         after {:.1?}, finished after {all:.1?}\n\
         memory: {:.0} MiB idle, {:.0} MiB waiting ({:.0} kiB a task; {:.0} MiB anonymous), \
         {:.0} MiB at the peak, {:.0} MiB afterwards\n\
         waiting takes {percent:.1} % of a core; GET of a task p50 {:.1?} p99 {p99:.1?} \
         ({} requests)",
        picture.bytes.len() / 1000,
        crowd.accepted,
        crowd.in_flight,
        megabytes(idle.resident),
        megabytes(waiting.resident),
        (waiting.resident - idle.resident) as f64 / TASKS as f64 / 1024.0,
        megabytes(waiting.anonymous),
        megabytes(after.peak),
        megabytes(after.resident),
        percentile(&reads, 50),
        reads.len(),
    ));
    for task in finished {
        assert_eq!(task["status"], "completed", "{task}");
    }
    assert!(p99 < SLOWEST, "the API took {p99:?}");
    assert!(percent < MAX_PROCESSOR, "waiting takes {percent} %");
    Used { waiting, after }
}

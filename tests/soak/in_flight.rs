//! A thousand tasks on a slow model: waiting is cheap.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::{latencies, percentile};
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::tokens::token;
use futures::StreamExt as _;
use futures::stream;

use crate::process::Process;
use crate::{launch, megabytes, picture_within, turn};

const TASKS: usize = 1000;
const MODEL: Duration = Duration::from_secs(20);
const LARGEST_ORIGINAL: usize = 100_000;

const MOST_RESIDENT: u64 = 600_000_000;

/// The API's, while the tasks wait.
const SLOWEST: Duration = Duration::from_millis(50);

/// Of one core, in percent, while nothing happens but that tasks wait.
const MOST_PROCESSOR: f64 = 25.0;

/// Clients that submit at once.
const SUBMITTING: usize = 32;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_tasks_wait_for_a_slow_model_in_little_memory() {
    let _turn = turn().await;
    let origin = Origin::start();
    let service = launch(&origin)
        .set("concurrency", &TASKS.to_string())
        .start();
    let process = Process::of(service.id());
    let picture = picture_within(LARGEST_ORIGINAL);
    let url = origin.picture(&picture);
    let client = Client::new(service.url());
    let idle = process.usage();

    let begin = Instant::now();
    let prompt = format!("wait {}ms", MODEL.as_millis());
    let submitted = stream::iter(0..TASKS).map(async |user| {
        let user = client.bearer(&token(&format!("user {user}")));
        let id = user.accepted(&url, &prompt).await;
        (user, id)
    });
    let tasks: Vec<(Client, String)> = submitted.buffer_unordered(SUBMITTING).collect().await;
    let accepted = begin.elapsed();
    let (last, last_id) = tasks.last().unwrap();
    last.task_is(last_id, "processing").await;
    eventually("all originals are downloaded", MODEL / 2, async || {
        (origin.requests(&url).len() == TASKS).then_some(())
    })
    .await;
    let waiting = process.usage();
    let in_flight = begin.elapsed();
    assert!(
        in_flight < MODEL,
        "not all were in flight at once: {in_flight:?}"
    );

    // Nobody asks for anything: what is used now, waiting uses.
    let quiet = Duration::from_secs(2);
    let before = process.usage().processor;
    tokio::time::sleep(quiet).await;
    let used = process.usage().processor - before;
    let percent = 100.0 * used.as_secs_f64() / quiet.as_secs_f64();
    let reads = latencies(last, last_id, Duration::from_secs(3)).await;
    let p99 = percentile(&reads, 99);

    let finished = stream::iter(&tasks).map(async |(user, id)| user.finished(id).await);
    let finished: Vec<_> = finished.buffer_unordered(SUBMITTING).collect().await;
    let all = begin.elapsed();
    let after = process.usage();
    show(&format!(
        "{TASKS} tasks in flight, originals of {} kB: accepted in {accepted:.1?}, in flight \
         after {in_flight:.1?}, finished after {all:.1?}\n\
         memory: {:.0} MiB idle, {:.0} MiB waiting ({:.0} kiB a task; {:.0} MiB anonymous), \
         {:.0} MiB at the peak, {:.0} MiB afterwards\n\
         waiting takes {percent:.1} % of a core; GET of a task p50 {:.1?} p99 {p99:.1?} \
         ({} requests)",
        picture.bytes.len() / 1000,
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
    assert!(
        after.peak <= MOST_RESIDENT,
        "{} bytes were resident at the peak",
        after.peak
    );
    assert!(p99 < SLOWEST, "the API took {p99:?}");
    assert!(percent < MOST_PROCESSOR, "waiting takes {percent} %");
}

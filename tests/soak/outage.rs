//! A minute without the model, while users go on asking.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::faults::MODEL_DOWN;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::outage::Outage;
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::Origin;

use crate::{megabytes, turn};

const SLOWEST: Duration = Duration::from_millis(50);

/// On a machine that is busy with other things the API is slow without any
/// outage: then it may not be much slower in one.
const NOISE: u32 = 2;

/// At its peak, in bytes.
const MAX_RESIDENT: u64 = 300 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_is_down_for_a_minute_costs_nobody_else_anything() {
    let _turn = turn().await;
    let origin = Origin::start();
    let launch = launch(&origin).faulty();
    let switch = launch.data().join("model-is-down");
    let service = launch
        .variable(MODEL_DOWN, switch.to_str().unwrap())
        .start();
    let process = Process::of(service.id());
    let url = origin.picture(&pictures::png(300, 300));
    let idle = process.usage();

    let outage = Outage {
        switch: &switch,
        before: Duration::from_secs(10),
        time: Duration::from_secs(60),
        submits_a_second: 50,
    };
    let survived = outage.survive(&Client::new(service.url()), &url).await;
    let after = process.usage();
    let p99 = percentile(&survived.latencies, 99);
    let before_p99 = percentile(&survived.before, 99);
    show(&format!(
        "the model down for {:?} at {} submits a second: {} requests, p50 {:.1?} p99 {p99:.1?} \
         at most {:.1?} (p99 before it {before_p99:.1?}); {} tasks completed, {} failed, all within {:.1?} of its return; \
         {:.0} MiB resident before, {:.0} MiB at the peak, {:.0} MiB afterwards",
        outage.time,
        outage.submits_a_second,
        survived.latencies.len(),
        percentile(&survived.latencies, 50),
        percentile(&survived.latencies, 100),
        survived.completed,
        survived.failed,
        survived.recovery,
        megabytes(idle.resident),
        megabytes(after.peak),
        megabytes(after.resident),
    ));
    assert!(survived.failed > 0, "the model was not down");
    assert!(survived.completed > 0, "the model did not come back");
    let allowed = SLOWEST.max(before_p99 * NOISE);
    assert!(p99 < allowed, "{p99:?} is not within {allowed:?}");
    assert!(
        after.peak < MAX_RESIDENT,
        "{} bytes were resident at the peak",
        after.peak
    );
}

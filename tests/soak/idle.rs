//! A process without work costs next to nothing.

use std::time::Duration;

use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::Origin;

use crate::{megabytes, turn};

const OBSERVATION_TIME: Duration = Duration::from_secs(10);

/// Of the time looked at, in percent of one core.
const MAX_PROCESSOR: f64 = 1.0;

const MAX_RESIDENT: u64 = 150 << 20;

#[tokio::test]
async fn an_idle_process_costs_next_to_nothing() {
    let _turn = turn().await;
    let service = launch(&Origin::start()).start();
    let process = Process::of(service.id());
    let before = process.usage();
    tokio::time::sleep(OBSERVATION_TIME).await;
    let after = process.usage();
    let processor = after.processor - before.processor;
    let percent = 100.0 * processor.as_secs_f64() / OBSERVATION_TIME.as_secs_f64();
    show(&format!(
        "idle: {percent:.1} % of a core, {:.0} MiB resident ({:.0} MiB of them anonymous), \
         {} handles, {} threads",
        megabytes(after.resident),
        megabytes(after.anonymous),
        after.handles,
        after.threads,
    ));
    assert!(
        percent <= MAX_PROCESSOR,
        "an idle process takes {percent} %"
    );
    assert!(
        after.resident <= MAX_RESIDENT,
        "an idle process holds {} bytes",
        after.resident
    );
}

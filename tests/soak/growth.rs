//! Minutes of steady load: nothing grows.

use std::env;
use std::time::{Duration, Instant};

use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::Origin;

use crate::load::Load;
use crate::samples::{Files, Sample, grown, show_table};
use crate::turn;

/// Samples in all, and the share of them in which everything fills for once:
/// pools, caches, connections.
const SAMPLES: u32 = 120;
const WARM_UP: usize = 4;

const SLOWEST: Duration = Duration::from_millis(100);

#[tokio::test(flavor = "multi_thread")]
async fn steady_load_makes_nothing_grow() {
    let _turn = turn().await;
    let origin = Origin::start();
    let launch = launch(&origin)
        .set("model-timeout", "2s")
        .set("model-memory", "128MiB")
        .set("concurrency", "32");
    let service = launch.start();
    let process = Process::of(service.id());
    let load = Load::new(service.url(), &origin, pictures::png(300, 200));
    let latencies = load.latencies();
    let begin = Instant::now();
    let end = begin + time();
    let load = tokio::spawn(load.until(end));

    let mut samples = Vec::new();
    while Instant::now() < end && !load.is_finished() {
        tokio::time::sleep(time() / SAMPLES).await;
        let latencies = latencies.take();
        if latencies.is_empty() {
            continue;
        }
        samples.push(Sample {
            at: begin.elapsed(),
            usage: process.usage(),
            files: Files::of(&launch.data()),
            requests: latencies.len(),
            p99: percentile(&latencies, 99),
        });
    }
    load.await.unwrap();
    show_table(&samples);
    let requests: usize = samples.iter().map(|sample| sample.requests).sum();
    let processor = process.usage().processor;
    let mut p99s: Vec<Duration> = samples.iter().map(|sample| sample.p99).collect();
    p99s.sort_unstable();
    let p99 = percentile(&p99s, 50);
    show(&format!(
        "{requests} requests in {:.0?}, {processor:.0?} of processor time; the p99 of an \
         interval is {p99:.1?} in the middle, {:.1?} at the most",
        begin.elapsed(),
        percentile(&p99s, 100),
    ));
    let grown = grown(&samples[samples.len() / WARM_UP..]);
    assert!(grown.is_empty(), "{}", grown.join("; "));
    assert!(p99 < SLOWEST, "the API took {p99:?}");
    assert!(service.stop().status.success());
}

fn time() -> Duration {
    let minutes = match env::var("REFINEMENT_SOAK_MINUTES") {
        Ok(minutes) => minutes
            .parse()
            .unwrap_or_else(|_| panic!("{minutes:?} is no number")),
        Err(_) => 10.0,
    };
    Duration::from_secs_f64(minutes * 60.0)
}

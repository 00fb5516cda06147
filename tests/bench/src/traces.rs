//! What traces cost: the same service with none, with a collector that takes them, and
//! with collectors that hang or are away, in alternating rounds.

use std::time::Duration;

use concept_refinement_tests::crowd::launch;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::receiver::nobody;
use concept_refinement_tests::server::{Origin, Reply};
use tokio::runtime::Runtime;

use crate::Form;
use crate::figures::{Figure, median};
use crate::sides::Side;
use crate::tasks::{Asked, USERS};

/// Longer than the exporter waits.
const HANGS: Duration = Duration::from_secs(3600);

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let origin = Origin::start();
        let taking = Provider::answering(|_| Reply::ok("application/x-protobuf", b""));
        let hanging = Provider::answering(|_| Reply::ok("text/plain", b"").after(HANGS));
        let mut sides: Vec<_> = [
            ("off", None),
            ("on", Some(taking.url())),
            ("collector hangs", Some(hanging.url())),
            ("collector away", Some(nobody())),
        ]
        .into_iter()
        .map(|(name, url)| {
            let mut launch = launch(&origin);
            if let Some(url) = url {
                launch = launch.variable("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
            }
            let asked = Asked::new(vec![Side::service(launch.start())], &origin);
            (name, asked, Vec::new(), Vec::new(), Vec::new())
        })
        .collect();
        for (_, asked, ..) in &sides {
            // To warm up.
            asked.many(USERS, 1).await;
        }
        for _ in 0..form.choose(3, 9) {
            for (_, asked, rates, each, latencies) in &mut sides {
                let (rate, processor) = asked.many(USERS, form.choose(1, 4)).await;
                rates.push(rate);
                each.push(processor);
                let round = asked.at_rate(form.choose(20, 100)).await;
                latencies.push(percentile(&round, 50).as_secs_f64() * 1e3);
            }
        }
        let figures = sides
            .into_iter()
            .flat_map(|(name, _, rates, each, latencies)| {
                let of = |what: &str| format!("{name}: {what}");
                [
                    Figure::new("traces", of("end to end"), "tasks/s", median(rates)),
                    Figure::new("traces", of("processor time"), "ms", median(each)),
                    Figure::new("traces", of("a task, p50"), "ms", median(latencies)),
                ]
            });
        figures.collect()
    })
}

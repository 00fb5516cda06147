//! From the start of the process to its first answer: with nothing compiled yet,
//! and with the compiled code of a start before.

use std::fs;
use std::time::Instant;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::service::Launch;
use tokio::runtime::Runtime;

use crate::Form;
use crate::figures::{Figure, Target, median};

/// In milliseconds.
const MAX_COLD: f64 = 100.0;
const MAX_CACHED: f64 = 40.0;

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let launch = Launch::new();
        let compiled = launch.data().join("compiled");
        // Tests share what is there; this is to start without.
        fs::remove_file(&compiled).unwrap();
        let (cold, cached) = form.choose((1, 5), (3, 15));
        let mut colds = Vec::new();
        for _ in 0..cold {
            let _ = fs::remove_dir_all(&compiled);
            colds.push(first_answer(&launch).await);
        }
        let mut cacheds = Vec::new();
        for _ in 0..cached {
            cacheds.push(first_answer(&launch).await);
        }
        vec![
            Figure::new("start", "cold", "ms", median(colds)).target(Target::Most(MAX_COLD)),
            Figure::new("start", "cached", "ms", median(cacheds)).target(Target::Most(MAX_CACHED)),
        ]
    })
}

/// How long it takes, in milliseconds.
pub async fn first_answer(launch: &Launch) -> f64 {
    // Made before: setting up a client takes longer than a start may.
    let client = Client::new("");
    let begin = Instant::now();
    let service = launch.start();
    let answer = client.get(&format!("{}/api/health", service.url())).await;
    let took = begin.elapsed();
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(service.stop().status.success());
    took.as_secs_f64() * 1e3
}

//! The same components on our host and on stock platforms, where these are: how
//! fast they answer, and how soon after a start.

use std::env;
use std::time::Instant;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::platform::ours::Ours;
use concept_refinement_tests::platform::spin::Real as Spin;
use concept_refinement_tests::platform::wasmtime::Wasmtime;
use concept_refinement_tests::platform::{Model, Platform, Start, told_after};
use concept_refinement_tests::tokens::token;
use tokio::runtime::Runtime;

use crate::Form;
use crate::against::Side;
use crate::figures::{Figure, Target, median};

/// As many as no platform's pool is too small for.
const USERS: usize = 16;

const STARTS: usize = 5;

/// What a task of a small picture may take, in milliseconds.
const MAX_LATENCY: f64 = 1e3;

/// Of tasks whose latency is measured: nothing that one waits for may come with the
/// renewal of its lease.
const LEASES: [&str; 2] = ["30s", "5m"];

/// `cargo xtask bench` names Spin by it, where there is one.
const SPIN: &str = "SPIN";

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let mut figures = on::<Ours>("our host", form).await;
        figures.extend(on::<Wasmtime>("wasmtime serve", form).await);
        match env::var_os(SPIN) {
            Some(_) => figures.extend(on::<Spin>("spin up", form).await),
            None => eprintln!("not measured: spin up (there is no Spin of version 4.1 or newer)"),
        }
        figures
    })
}

async fn on<P: Platform>(name: &str, form: Form) -> Vec<Figure> {
    let start = Start::<P>::scripted().set("rate-limit", "unlimited");
    // What has to be compiled is compiled by the first.
    drop(start.start());
    let starts = (0..STARTS).map(|_| {
        let begin = Instant::now();
        drop(start.start());
        begin.elapsed().as_secs_f64() * 1e3
    });
    let started = median(starts.collect());

    let service = start.start();
    let tokens = (0..USERS).map(|user| token(&format!("user {user}")));
    let side = Side::of(service.url(), tokens.collect()).await;
    let round = side.round(form.choose(100, 400)).await;
    let figure =
        |what: &str, unit, value| Figure::new("platforms", format!("{name}: {what}"), unit, value);
    let mut figures = vec![
        figure("cached start", "ms", started),
        figure("GET of a task", "requests/s", round.gets_per_second),
        figure("tasks end to end", "tasks/s", round.tasks_per_second),
        figure("submit to completed, p50", "ms", round.alone),
    ];
    for lease in LEASES {
        let took = latency::<P>(form.choose(5, 20), lease).await;
        let what = format!("submit to webhook with the local model, lease {lease}, p50");
        figures.push(figure(&what, "ms", took).target(Target::Most(MAX_LATENCY)));
    }
    figures
}

/// Milliseconds from submitting a small picture until its receiver is told that a model
/// that reads it has refined it, one after the other: the median.
async fn latency<P: Platform>(count: usize, lease: &str) -> f64 {
    let start = Start::<P>::new(Model::Local)
        .set("rate-limit", "unlimited")
        .set("lease", lease);
    let service = start.start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(64, 64)).await;
    let mut took = Vec::new();
    // The first is to warm up.
    for _ in 0..=count {
        took.push(told_after(&client, &original).await.as_secs_f64() * 1e3);
    }
    median(took.split_off(1))
}

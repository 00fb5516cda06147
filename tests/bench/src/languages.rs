//! What a model costs in another language: the templates, each of which changes a small
//! image.

use std::fs;
use std::time::Instant;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use tokio::runtime::Runtime;

use crate::Form;
use crate::figures::{Figure, median};
use crate::start::first_answer;

const LANGUAGES: [(&str, &str); 3] = [
    ("Rust", ""),
    ("Python", "python"),
    ("JavaScript", "javascript"),
];

/// Tasks before the first that is measured.
const BEFORE: usize = 3;

pub fn measure(form: Form) -> Vec<Figure> {
    Runtime::new().unwrap().block_on(async {
        let mut figures = Vec::new();
        for (name, language) in LANGUAGES {
            figures.extend(of(form, name, language).await);
        }
        figures
    })
}

async fn of(form: Form, name: &str, language: &str) -> Vec<Figure> {
    let model = artifacts::template(language);
    let size = fs::metadata(&model).unwrap().len() as f64 / 1e6;
    let launch = Launch::new()
        .set("model", model.to_str().unwrap())
        .set("rate-limit", "unlimited");
    let compiled = launch.data().join("compiled");
    // Tests share what is there; this is to start without.
    fs::remove_file(&compiled).unwrap();
    let cold = first_answer(&launch).await;
    let mut cached = Vec::new();
    for _ in 0..form.choose(3, 9) {
        cached.push(first_answer(&launch).await);
    }
    let tasks = tasks(&launch, form.choose(20, 200)).await;
    vec![
        Figure::new("languages", format!("{name}: component"), "MB", size),
        Figure::new(
            "languages",
            format!("{name}: start, nothing compiled"),
            "ms",
            cold,
        ),
        Figure::new("languages", format!("{name}: start"), "ms", median(cached)),
        Figure::new("languages", format!("{name}: a task"), "ms", tasks),
    ]
}

/// From the request until the task has ended, one after the other, in
/// milliseconds.
async fn tasks(launch: &Launch, count: usize) -> f64 {
    let service = launch.start();
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(64, 48)).await;
    let mut took = Vec::new();
    for _ in 0..BEFORE + count {
        let begin = Instant::now();
        let task = client.refined(&original, "leave it as it is").await;
        took.push(begin.elapsed().as_secs_f64() * 1e3);
        assert_eq!(task["status"], "completed", "{task}");
    }
    median(took.split_off(BEFORE))
}

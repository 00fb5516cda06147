//! Act by act: which metrics move, and by how much.

use std::collections::BTreeMap;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::exposition::Exposition;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Service;
use serde_json::json;

use super::{Metrics, measured, scrape};
use crate::shared::{new_user, origin};

/// What moves by acts alone, and not by itself.
const MOVED: [&str; 10] = [
    "http_requests_total",
    "http_request_duration_seconds_count",
    "tasks_created_total",
    "tasks_completed_total",
    "tasks_failed_total",
    "task_duration_seconds_count",
    "stage_duration_seconds_count",
    "model_calls_total",
    "model_call_duration_seconds_count",
    "images_stored_bytes_total",
];

/// Of the operations of the stores, those that nothing but an act asks for.
const OPERATIONS: [(&str, &str); 6] = [
    ("tasks", "submit"),
    ("tasks", "claim"),
    ("tasks", "finish"),
    ("tasks", "fail"),
    ("tasks", "delete"),
    ("concepts", "delete"),
];

const PREFIX: &str = "concept_refinement_";

type Changes = BTreeMap<String, f64>;

fn changes(before: &Exposition, now: &Exposition) -> Changes {
    let names = MOVED.map(|name| format!("{PREFIX}{name}"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut changes = now.changes_since(before, &names);
    for (store, operation) in OPERATIONS {
        let name = "concept_refinement_store_operation_duration_seconds_count";
        let labels = [("store", store), ("operation", operation)];
        let change = now.sum(name, &labels) - before.sum(name, &labels);
        if change != 0.0 {
            changes.insert(format!("{PREFIX}{store}.{operation}"), change);
        }
    }
    let short = |(key, change): (String, f64)| {
        let key = key.trim_start_matches(PREFIX).replace('"', "");
        (key, change)
    };
    changes.into_iter().map(short).collect()
}

/// What is expected after an act, gathered bit by bit.
#[derive(Default)]
struct Moves(Changes);

impl Moves {
    fn add(mut self, key: impl Into<String>, change: f64) -> Self {
        *self.0.entry(key.into()).or_default() += change;
        self
    }

    fn request(self, method: &str, route: &str, status: u16) -> Self {
        let asked = format!("route={route},method={method}");
        self.add(
            format!("http_request_duration_seconds_count{{{asked}}}"),
            1.0,
        )
        .add(
            format!("http_requests_total{{{asked},status={status}}}"),
            1.0,
        )
    }

    /// A task that was accepted and taken once.
    fn task(self) -> Self {
        self.request("POST", "/api/concepts/refine", 202)
            .add("tasks_created_total", 1.0)
            .add("tasks.submit", 1.0)
            .add("tasks.claim", 1.0)
    }

    fn stages(self, stages: &[&str]) -> Self {
        let add = |moves: Self, stage: &&str| {
            let key = format!("stage_duration_seconds_count{{stage={stage}}}");
            moves.add(key, 1.0)
        };
        stages.iter().fold(self, add)
    }

    fn model(self, outcome: &str, calls: f64) -> Self {
        self.add(format!("model_calls_total{{outcome={outcome}}}"), calls)
            .add(
                format!("model_call_duration_seconds_count{{outcome={outcome}}}"),
                calls,
            )
    }

    fn uploaded(self, picture: &Picture) -> Self {
        self.add("images_stored_bytes_total", picture.bytes.len() as f64)
    }

    /// As a model's answer.
    fn stored(self, picture: &Picture) -> Self {
        self.add("images_stored_bytes_total", marked(picture).len() as f64)
    }

    fn completed(self) -> Self {
        self.task()
            .stages(&[
                "downloading",
                "refining",
                "storing-image",
                "storing-concept",
            ])
            .add("tasks_completed_total", 1.0)
            .add("task_duration_seconds_count{outcome=completed}", 1.0)
            .add("tasks.finish", 1.0)
    }

    fn failed(self, step: &str) -> Self {
        self.task()
            .add(format!("tasks_failed_total{{step={step}}}"), 1.0)
            .add("task_duration_seconds_count{outcome=failed}", 1.0)
            .add("tasks.fail", 1.0)
    }
}

struct World {
    service: Service,
    metrics: Metrics,
}

impl World {
    /// Does something, and waits until the metrics have moved so and no
    /// otherwise.
    async fn after<T>(&self, act: &str, work: impl Future<Output = T>, expected: Moves) -> T {
        let (_, before) = scrape(&self.metrics).await;
        let done = work.await;
        let begin = std::time::Instant::now();
        loop {
            let (_, now) = scrape(&self.metrics).await;
            let moved = changes(&before, &now);
            if moved == expected.0 {
                return done;
            }
            assert!(
                begin.elapsed() < SOON,
                "{act}: {moved:#?}, not {:#?}",
                expected.0
            );
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }

    fn user(&self) -> Client {
        new_user(&self.service)
    }
}

#[tokio::test]
async fn each_request_counts_once_under_its_route() {
    let (service, metrics) = measured(&[]).await;
    let world = World { service, metrics };
    let user = world.user();
    let anybody = Client::new(world.service.url());
    let picture = pictures::png(12, 12);
    let upload = user.upload("image/png", &picture.bytes);
    let moves = Moves::default().request("POST", "/api/images", 201);
    let image = world
        .after("an upload", upload, moves.uploaded(&picture))
        .await;
    let image = image.json()["image_url"].as_str().unwrap().to_owned();
    let no_id = "00000000-0000-4000-8000-000000000000";
    let task = format!("/api/tasks/{no_id}");
    let old_task = format!("/api/concepts/task/{no_id}");
    let of_task = "/api/tasks/{task_id}";
    for (client, method, path, route, status) in [
        (&anybody, "GET", "/api/health", "/api/health", 200),
        (&user, "GET", "/api/nothing/7", "none", 404),
        (&user, "BREW", "/api/tasks", "none", 405),
        (&user, "GET", "/api/tasks?limit=3", "/api/tasks", 200),
        (&user, "GET", &task, of_task, 404),
        (&user, "GET", &old_task, of_task, 404),
        (&anybody, "GET", &image, "/api/images/{path}", 200),
    ] {
        let act = format!("{method} {path}");
        let named = if method == "BREW" { "other" } else { method };
        let moves = Moves::default().request(named, route, status);
        let asked = client.send(method.parse().unwrap(), path, "");
        let answer = world.after(&act, asked, moves).await;
        assert_eq!(answer.status, status, "{act}");
        assert_eq!(answer.header("concept-refinement-route"), None, "{act}");
    }
    let deleted = user.delete(image.split('?').next().unwrap());
    let moves = Moves::default().request("DELETE", "/api/images/{path}", 204);
    world.after("a deletion", deleted, moves).await;
}

#[tokio::test]
async fn each_task_counts_by_what_became_of_it() {
    let (service, metrics) = measured(&[]).await;
    let world = World { service, metrics };
    let picture = pictures::png(16, 16);
    let url = origin().picture(&picture);
    let missing = origin().serve(Reply::status(404));
    let text = origin().serve(Reply::ok("image/png", b"no image"));
    let location = format!("location: {url}");
    let refined = |outcome| {
        let moves = Moves::default().completed().model(outcome, 1.0);
        moves.stored(&picture)
    };
    let lost = || Moves::default().failed("download").stages(&["downloading"]);
    let failed = |outcome, calls| {
        let moves = Moves::default().failed("refine").model(outcome, calls);
        moves.stages(&["downloading", "refining"])
    };
    for (act, url, prompt, expected) in [
        ("refined", &url, "echo it", refined("image")),
        ("by its address", &url, &*location, refined("location")),
        ("no original", &missing, "echo it", lost()),
        ("no image", &text, "echo it", lost()),
        ("refused", &url, "refuse: no", failed("refused", 1.0)),
        ("crashed", &url, "trap now", failed("broken", 1.0)),
        (
            "tries",
            &url,
            "unavailable for 20ms",
            failed("unavailable", 3.0),
        ),
    ] {
        let user = world.user();
        let answer = world.after(act, user.refine(url, prompt), expected).await;
        assert_eq!(answer.status, 202, "{act}");
    }

    // What creates no task is told as what it is.
    let user = world.user();
    let moves = || Moves::default().add("tasks.submit", 1.0);
    let keyed = user.with("idempotency-key", "key");
    let first = world
        .after("the first", keyed.refine(&url, "echo it"), refined("image"))
        .await;
    let repeat = moves().request("POST", "/api/concepts/refine", 202);
    world
        .after("a repeat", keyed.refine(&url, "echo it"), repeat)
        .await;
    let reused = moves().request("POST", "/api/concepts/refine", 422);
    world
        .after("another body", keyed.refine(&url, "instant"), reused)
        .await;
    let task = user.task(&first.task_id()).await;
    let concept = format!("/api/concepts/{}", task["result_id"].as_str().unwrap());
    let deleted = Moves::default()
        .request("DELETE", "/api/concepts/{id}", 204)
        .add("concepts.delete", 1.0);
    world
        .after("a concept is deleted", user.delete(&concept), deleted)
        .await;
    let path = format!("/api/tasks/{}", first.task_id());
    let deleted = Moves::default()
        .request("DELETE", "/api/tasks/{task_id}", 204)
        .add("tasks.delete", 1.0);
    world
        .after("a task is deleted", user.delete(&path), deleted)
        .await;
}

/// Counts of what is there now, with one task under way and one waiting.
#[tokio::test]
async fn what_is_under_way_is_told() {
    let (service, metrics) = measured(&[("concurrency", "1")]).await;
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let users = [new_user(&service), new_user(&service)];
    let gauges = |read: &Exposition| {
        let of = |name: &str, labels: &[(&str, &str)]| read.sum(&format!("{PREFIX}{name}"), labels);
        let tasks = |status| of("tasks", &[("status", status)]);
        json!({
            "pending": tasks("pending"),
            "processing": tasks("processing"),
            "completed": tasks("completed"),
            "failed": tasks("failed"),
            "depth": of("queue_depth", &[]),
            "waits": of("queue_oldest_age_seconds", &[]) > 0.0,
            "processors": of("instances", &[("component", "processor")]),
            "of": of("instances_limit", &[("component", "processor")]),
            "models": of("instances", &[("component", "model")]),
            "calls": of("model_calls_in_flight", &[]),
            "watchers": of("watchers", &[]),
        })
    };
    let becomes = async |what: &str, expected: serde_json::Value| {
        eventually(what, SOON, async || {
            let (_, read) = scrape(&metrics).await;
            let mut now = json!({
                "pending": 0.0, "processing": 0.0, "completed": 0.0, "failed": 0.0,
                "depth": 0.0, "waits": false, "processors": 0.0, "of": 1.0,
                "models": 0.0, "calls": 0.0, "watchers": 0.0,
            });
            for (name, value) in expected.as_object().unwrap() {
                now[name] = value.clone();
            }
            (gauges(&read) == now).then_some(())
        })
        .await;
    };
    becomes("nothing is there", json!({})).await;
    let first = users[0].accepted(&url, "wait 700ms").await;
    users[0].task_is(&first, "processing").await;
    users[1].accepted(&url, "refuse: no").await;
    let both = json!({
        "processing": 1.0, "processors": 1.0, "pending": 1.0, "depth": 1.0, "waits": true,
    });
    becomes("one waits for the other", both.clone()).await;
    let mut watched = both.clone();
    watched["watchers"] = json!(1.0);
    let watcher = users[0].events(&first, None).await;
    becomes("somebody watches", watched).await;
    drop(watcher);
    becomes("nobody does", both).await;
    gate.open();
    let refined = json!({
        "processing": 1.0, "processors": 1.0, "pending": 1.0, "depth": 1.0, "waits": true,
        "models": 1.0, "calls": 1.0,
    });
    becomes("its model works", refined).await;
    becomes("all is done", json!({"completed": 1.0, "failed": 1.0})).await;

    let (_, read) = scrape(&metrics).await;
    for (name, least) in [
        ("process_resident_memory_bytes", 1e6),
        ("process_cpu_seconds_total", 0.01),
        ("process_open_fds", 5.0),
        ("process_threads", 2.0),
        ("process_start_time_seconds", 1.7e9),
        ("concept_refinement_http_connections", 1.0),
        ("concept_refinement_build_info", 1.0),
    ] {
        assert!(read.sum(name, &[]) >= least, "{name}");
    }
    let api = [("component", "api")];
    let instances = read.sum("concept_refinement_instances", &api);
    let limit = read.sum("concept_refinement_instances_limit", &api);
    assert!((1.0..=limit).contains(&instances), "{instances} of {limit}");
}

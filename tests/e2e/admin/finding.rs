//! Tasks are found by each part of a filter, a page at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use concept_refinement_tests::artifacts;
use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use serde_json::Value;

use super::{attended, found, operator, read, shared};
use crate::shared::{new_name, origin, scripted_launch};

fn ids(tasks: &[Value]) -> Vec<String> {
    let ids = tasks.iter().map(|task| task["task_id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn each_part_of_a_filter_finds_its_tasks() {
    let service = attended(scripted_launch().set("concurrency", "4")).start();
    let operator = operator(&service).await;
    let names = [new_name(), "eve & \"☕️\" = 100 %+".to_owned()];
    let picture = origin().picture(&pictures::png(8, 8));
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |query: String, id: &str| {
        expected.entry(query).or_default().insert(0, id.to_owned());
    };
    let mut all = Vec::new();
    for (number, prompt) in [
        "echo it",
        "refuse: no zebras",
        "answer empty",
        "refuse: no apes",
    ]
    .into_iter()
    .enumerate()
    {
        for name in &names {
            let user = Client::user(service.url(), name);
            let task = user.refined(&picture, prompt).await;
            let id = task["task_id"].as_str().unwrap();
            add(format!("user={}", encoded(name)), id);
            let status = task["status"].as_str().unwrap();
            add(format!("status={status}"), id);
            add(format!("user={}&status={status}", encoded(name)), id);
            add(String::new(), id);
            if number == 1 {
                add("error=no+zebras".into(), id);
                add("error=o+zeb&status=failed".into(), id);
            }
            if prompt.starts_with("refuse") {
                add("error=no+".into(), id);
            }
            all.push(task);
        }
    }
    let third = all[2]["created_at"].as_str().unwrap();
    let sixth = all[5]["created_at"].as_str().unwrap();
    for task in &all {
        let (id, created) = (
            task["task_id"].as_str().unwrap(),
            task["created_at"].as_str().unwrap(),
        );
        if created >= third {
            add(format!("since={third}"), id);
        }
        if created < sixth {
            add(format!("until={sixth}"), id);
        }
        if created >= third && created < sixth {
            add(format!("since={third}&until={sixth}"), id);
            let hour = third.replace("Z", "%2B00:00");
            add(format!("since={hour}&until={sixth}"), id);
        }
    }
    for query in [
        "error=NO+ZEBRAS",
        "error=zebras&status=completed",
        "user=nobody",
        "model=no-model",
    ] {
        expected.insert(query.into(), Vec::new());
    }
    expected.insert(format!("user={}", encoded(&names[0][..3])), Vec::new());
    for (query, expected) in &expected {
        for limit in [1, 3, 100] {
            let tasks = found(&operator, query, limit).await;
            assert_eq!(&ids(&tasks), expected, "{query}, {limit}");
        }
    }
    // Those under way.
    let (slow, gate) = origin().gated(&pictures::png(8, 8));
    let user = Client::user(service.url(), &names[0]);
    let active = user.accepted(&slow, "echo it").await;
    user.task_is(&active, "processing").await;
    assert_eq!(
        ids(&found(&operator, "status=processing", 1).await),
        std::slice::from_ref(&active)
    );
    assert!(found(&operator, "status=pending", 1).await.is_empty());
    gate.open();
}

/// By the name that a link of a chain is called by.
#[tokio::test]
async fn tasks_are_found_by_the_models_that_were_asked() {
    let model = artifacts::scripted_model();
    let model = model.display();
    let chain = format!("fallback(fast={model}, slow={model})");
    let launch: Launch = attended(scripted_launch()).set("model", &chain);
    let service = launch.start();
    let operator = operator(&service).await;
    let user = Client::user(service.url(), &new_name());
    let picture = origin().picture(&pictures::png(8, 8));
    let done = user.refined(&picture, "echo it").await;
    let failed = user.refined(&picture, "answer empty").await;
    let (done, failed) = (
        done["task_id"].as_str().unwrap(),
        failed["task_id"].as_str().unwrap(),
    );
    let story = read(&operator, &format!("tasks/{done}")).await;
    let asked = |story: &Value| -> BTreeSet<String> {
        let steps = story["steps"].as_array().unwrap().iter();
        let asked = steps.filter(|step| step["step"] == "asked");
        let details = asked.map(|step| step["detail"].as_str().unwrap().to_owned());
        details
            .map(|detail| detail.split(": ").next().unwrap().to_owned())
            .collect()
    };
    assert!(asked(&story).contains("fast"), "{story}");
    let all = [failed, done];
    for name in ["fast", "slow", "fas", "fallback"] {
        let mut expected = Vec::new();
        for id in all {
            let story = read(&operator, &format!("tasks/{id}")).await;
            if asked(&story).contains(name) {
                expected.push(id.to_owned());
            }
        }
        let tasks = found(&operator, &format!("model={name}"), 1).await;
        assert_eq!(ids(&tasks), expected, "{name}");
    }
}

/// Newest first: what comes meanwhile is on no later page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_task_is_met_once_while_others_come_and_go() {
    const TASKS: usize = 30;
    let operator = operator(shared()).await;
    let name = new_name();
    let url = origin().picture(&pictures::png(8, 8));
    let client = Client::user(shared().url(), &name);
    let mut expected = Vec::new();
    for _ in 0..TASKS {
        let task = client.refined(&url, "instant").await;
        expected.insert(0, task["task_id"].as_str().unwrap().to_owned());
    }
    let stop = AtomicBool::new(false);
    let others = async {
        let mut others = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            others.push(client.refined(&url, "instant").await["task_id"].clone());
            if others.len() % 3 == 0 {
                let id = others[others.len() - 2].as_str().unwrap();
                let deleted = client.delete(&format!("/api/tasks/{id}")).await;
                assert_eq!(deleted.status, 204);
            }
        }
    };
    let looking = async {
        let begin = Instant::now();
        let mut rounds = 0;
        while rounds < 3 || begin.elapsed() < Duration::from_secs(1) {
            for (query, limit) in [(format!("user={}", encoded(&name)), 7), (String::new(), 5)] {
                let seen = ids(&found(&operator, &query, limit).await);
                let unique: BTreeSet<_> = seen.iter().collect();
                assert_eq!(unique.len(), seen.len(), "{query}: one is met twice");
                let own: Vec<_> = seen.iter().filter(|id| expected.contains(id)).collect();
                assert_eq!(own.len(), TASKS, "{query}");
                assert!(
                    own.iter()
                        .zip(&expected)
                        .all(|(seen, expected)| *seen == expected)
                );
            }
            rounds += 1;
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(others, looking);
}

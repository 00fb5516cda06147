//! One active task a user, and a quota that is exact, however many ask at once.

use std::collections::BTreeSet;

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::now;
use futures::future::join_all;
use serde_json::json;

use crate::shape::assert_is_task;
use crate::shared::{local, new_user, origin, scripted};

#[tokio::test]
async fn twenty_posts_at_once_make_one_task() {
    let client = new_user(scripted());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let posts = (0..20).map(|_| client.refine(&url, "echo it"));
    let answers = join_all(posts).await;
    let (created, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 202);
    assert_eq!((created.len(), refused.len()), (1, 19));
    let id = created[0].task_id();
    for answer in refused {
        assert_eq!(answer.status, 409);
        let task = answer.json();
        assert_is_task(&task);
        assert_eq!(task["task_id"], id);
        assert_eq!(
            task["message"],
            "A concept refinement task is already in progress"
        );
        assert_eq!(limits(answer), limits(created[0]), "it costs nothing");
    }
    gate.open();
    assert_eq!(client.finished(&id).await["status"], "completed");
    let again = client.refined(&url, "echo it").await;
    assert_eq!(again["status"], "completed");
}

/// Two that both posted at once share no task; each has their own.
#[tokio::test]
async fn users_do_not_get_in_each_others_way() {
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let posts = (0..20).map(|_| {
        let (client, url) = (new_user(scripted()), url.clone());
        async move { client.refine(&url, "instant").await }
    });
    let answers = join_all(posts).await;
    gate.open();
    assert!(answers.iter().all(|answer| answer.status == 202));
    let ids: BTreeSet<String> = answers.iter().map(Answer::task_id).collect();
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn the_quota_is_exact_under_concurrency() {
    let client = Client::session(local().url()).await;
    let url = origin().picture(&pictures::png(8, 8));
    let invalid = client
        .refine("ftp://example.com/a.png", "make it lighter")
        .await;
    assert_eq!(invalid.status, 422, "which costs nothing");

    let posters = (0..4).map(async |_| {
        let mut created = Vec::new();
        loop {
            let answer = client.refine(&url, "make it lighter").await;
            match answer.status {
                202 => created.push(answer),
                409 => {}
                429 => break (created, answer),
                other => panic!("{other}"),
            }
        }
    });
    let outcomes = join_all(posters).await;

    let created = outcomes.iter().flat_map(|(created, _)| created);
    let mut remaining: Vec<u64> = created
        .map(|answer| {
            let [limit, remaining, _] = limits(answer);
            assert_eq!(limit, 10);
            remaining
        })
        .collect();
    remaining.sort_unstable();
    assert_eq!(remaining, (0..10).collect::<Vec<u64>>());

    for (_, refused) in &outcomes {
        assert_eq!(refused.error_code(), "RATE_LIMIT_EXCEEDED");
        assert_eq!(
            refused.json()["detail"],
            "Rate limit exceeded for /concepts/refine (10/month). Try again later."
        );
        let [limit, remaining, reset] = limits(refused);
        assert_eq!((limit, remaining), (10, 0));
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!(wait > 0 && wait <= 31 * 24 * 3600, "{wait}");
        assert!(reset.abs_diff(now() + wait) <= 60, "{reset} in {wait}");
    }
}

#[tokio::test]
async fn a_deleted_task_gives_no_quota_back() {
    let client = Client::session(local().url()).await;
    let url = origin().picture(&pictures::png(8, 8));
    let first = client.refine(&url, "make it lighter").await;
    assert_eq!(limits(&first)[1], 9);
    let id = first.task_id();
    client.finished(&id).await;
    let deleted = client.delete(&format!("/api/tasks/{id}")).await;
    assert_eq!(deleted.status, 204);
    let second = client.refine(&url, "make it lighter").await;
    assert_eq!(limits(&second)[1], 8);
}

#[tokio::test]
async fn a_409_is_judged_before_a_429() {
    let client = Client::session(local().url()).await;
    let url = origin().picture(&pictures::png(8, 8));
    for _ in 0..9 {
        client.refined(&url, "make it lighter").await;
    }
    let (gated, gate) = origin().gated(&pictures::png(8, 8));
    let last = client.refine(&gated, "make it lighter").await;
    assert_eq!((last.status, limits(&last)[1]), (202, 0));
    let active = client.refine(&url, "make it lighter").await;
    assert_eq!(active.status, 409);
    let missing = format!("{}/api/images/nothing", client.base());
    let missing = json!({"original_image_url": missing, "refinement_prompt": "lighter"});
    let missing = client.post("/api/concepts/refine", &missing).await;
    assert_eq!(missing.status, 404, "which comes before both");
    gate.open();
    client.finished(&last.task_id()).await;
    assert_eq!(client.refine(&url, "make it lighter").await.status, 429);
}

/// Limit, remaining, reset.
fn limits(answer: &Answer) -> [u64; 3] {
    ["limit", "remaining", "reset"].map(|name| {
        let value = answer.header(&format!("x-ratelimit-{name}"));
        value
            .unwrap_or_else(|| panic!("{answer:?}"))
            .parse()
            .unwrap()
    })
}

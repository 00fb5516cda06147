//! Many at once: what holds for one holds for all of them.

use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::shape::assert_is_task;
use futures::future::join_all;

use super::limits;
use super::refusals::assert_is_used_up;
use crate::Platform;
use concept_refinement_tests::platform::{FRUGAL, frugal, new_user, origin, scripted};

pub async fn twenty_posts_of_one_user_make_one_task<P: Platform>() {
    let client = new_user(scripted::<P>());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let answers = join_all((0..20).map(|_| client.refine(&url, "echo it"))).await;
    let (created, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 202);
    assert_eq!((created.len(), refused.len()), (1, 19), "{answers:?}");
    let id = created[0].task_id();
    for answer in refused {
        assert_eq!(answer.status, 409, "{answer:?}");
        assert_eq!(answer.task_id(), id);
        assert_is_task(&answer.json());
        assert_eq!(limits(answer), limits(created[0]), "it costs nothing");
    }
    gate.open();
    assert_eq!(client.finished(&id).await["status"], "completed");
    assert_eq!(origin().requests(&url).len(), 1, "it was worked on once");
    let concepts = client.get("/api/concepts").await.json()["concepts"].clone();
    assert_eq!(concepts.as_array().unwrap().len(), 1, "{concepts}");
}

pub async fn twenty_repeats_under_one_key_make_one_task<P: Platform>() {
    let client = new_user(scripted::<P>()).with("idempotency-key", "all-at-once");
    let url = origin().picture(&pictures::png(8, 8));
    let answers = join_all((0..20).map(|_| client.refine(&url, "echo it"))).await;
    let (replayed, created): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer.header("idempotency-replayed").is_some());
    assert_eq!((created.len(), replayed.len()), (1, 19), "{answers:?}");
    let first = created[0];
    assert_eq!(first.status, 202, "{first:?}");
    for answer in replayed {
        assert_eq!((answer.status, answer.json()), (202, first.json()));
    }
    let id = first.task_id();
    client.finished(&id).await;
    let tasks = client.get("/api/tasks").await.json()["tasks"].clone();
    assert_eq!(tasks.as_array().unwrap().len(), 1, "{tasks}");
    let other = client.refine(&url, "instant").await;
    assert_eq!(other.status, 422, "the key is another request's");
    // The answer outlives its task.
    client.delete(&format!("/api/tasks/{id}")).await;
    let later = client.refine(&url, "echo it").await;
    assert_eq!(later.header("idempotency-replayed"), Some("true"));
    assert_eq!(later.json(), first.json());
    assert_eq!(limits(&later), limits(first), "it costs no quota");
}

pub async fn the_quota_is_exact_under_concurrency<P: Platform>() {
    let client = new_user(frugal::<P>());
    let url = origin().picture(&pictures::png(8, 8));
    let posters = (0..6).map(async |_| {
        let mut created = Vec::new();
        loop {
            let answer = client.refine(&url, "instant").await;
            match answer.status {
                202 => created.push(limits(&answer)[1]),
                409 => {}
                429 => break (created, answer),
                other => panic!("{other}: {answer:?}"),
            }
        }
    });
    let outcomes = join_all(posters).await;
    let created = outcomes.iter().flat_map(|(created, _)| created.clone());
    let mut remaining: Vec<u64> = created.collect();
    remaining.sort_unstable();
    assert_eq!(remaining, (0..FRUGAL).collect::<Vec<u64>>());
    for (_, refused) in &outcomes {
        assert_is_used_up(refused);
    }
}

pub async fn the_tasks_of_fifty_users_all_complete<P: Platform>() {
    let picture = pictures::png(100, 100);
    let url = origin().picture(&picture);
    let users = (0..50).map(async |_| {
        let user = new_user(scripted::<P>());
        let task = user.completed(&url, "wait 100ms").await;
        let image = user.get(task["image_url"].as_str().unwrap()).await;
        assert!(image.body == marked(&picture), "other bytes");
        let concepts = user.get("/api/concepts").await.json()["concepts"].clone();
        assert_eq!(concepts.as_array().unwrap().len(), 1, "{concepts}");
    });
    join_all(users).await;
    assert_eq!(origin().requests(&url).len(), 50, "each was worked on once");
}

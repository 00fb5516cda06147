//! When a task cannot be retried or cancelled, and what many at once come to.

use concept_refinement_tests::pictures;
use futures::future::join_all;

use super::{act, assert_refused, entries, failed, found, operator, put_picture, shared};
use crate::shared::{new_user, origin};

#[tokio::test]
async fn what_cannot_be_done_is_a_conflict_and_does_nothing() {
    let operator = operator(shared()).await;
    let user = new_user(shared());
    let (picture, (slow, gate)) = (
        origin().picture(&pictures::png(8, 8)),
        origin().gated(&pictures::png(8, 8)),
    );
    let done = user.refined(&picture, "echo it").await;
    let done = done["task_id"].as_str().unwrap().to_owned();
    let (first, url) = failed(&user).await;
    let (other, nowhere) = failed(&user).await;
    let active = user.accepted(&slow, "echo it").await;
    user.task_is(&active, "processing").await;
    let refused = async |id: &str, verb: &str, name: &str| {
        let answer = act(&operator, &format!("tasks/{id}/{verb}"), "x").await;
        assert_refused(&format!("{verb} {name}"), &answer, 409, "CONFLICT");
    };
    refused(&done, "retry", "what is completed").await;
    refused(&active, "retry", "what is under way").await;
    refused(&first, "retry", "beside another task of its user").await;
    refused(&done, "cancel", "what is completed").await;
    refused(&first, "cancel", "what has failed").await;
    for id in [&done, &first, &active] {
        let story = super::read(&operator, &format!("tasks/{id}")).await;
        let steps = story["steps"].as_array().unwrap();
        let told = steps
            .iter()
            .any(|step| step["step"] == "retried" || step["step"] == "cancelled");
        assert!(!told, "{story}");
        assert!(
            entries(&operator, |entry| entry["target"] == **id)
                .await
                .is_empty()
        );
    }
    gate.open();
    assert_eq!(user.finished(&active).await["status"], "completed");

    // While a retry of it is under way, and while one of another is.
    let (again, gate) = origin().gated(&pictures::png(8, 8));
    let path = url.trim_start_matches(&format!("http://{}", origin().authority()));
    let moved = concept_refinement_tests::server::Reply::redirect(302, &again);
    origin().serve_at(path, moved);
    let retried = act(&operator, &format!("tasks/{first}/retry"), "x").await;
    assert_eq!(retried.status, 200, "{retried:?}");
    let second = retried.json()["task_id"].as_str().unwrap().to_owned();
    refused(&first, "retry", "what is being retried").await;
    refused(&other, "retry", "beside a retry").await;
    refused(&second, "retry", "a retry under way").await;
    // As for its user.
    assert_eq!(user.refine(&picture, "echo it").await.status, 409);
    gate.open();
    assert_eq!(user.finished(&second).await["status"], "completed");

    // What its retry has completed, and what is still to be had.
    refused(&first, "retry", "what a retry has completed").await;
    put_picture(&nowhere);
    let third = act(&operator, &format!("tasks/{other}/retry"), "x").await;
    assert_eq!(third.status, 200, "{third:?}");
    let third = third.json()["task_id"].as_str().unwrap().to_owned();
    assert_eq!(user.finished(&third).await["status"], "completed");
    refused(&third, "retry", "a retry that is completed").await;
}

#[tokio::test]
async fn of_many_at_once_one_succeeds() {
    const MANY: usize = 12;
    let operator = operator(shared()).await;
    let user = new_user(shared());
    let (id, url) = failed(&user).await;
    put_picture(&url);
    let retries = (0..MANY).map(|number| {
        let operator = &operator;
        let path = format!("tasks/{id}/retry");
        async move { act(operator, &path, &format!("{number}")).await }
    });
    let retries = join_all(retries).await;
    let mut statuses: Vec<_> = retries.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses[..2], [200, 409], "{statuses:?}");
    assert_eq!(statuses[MANY - 1], 409, "{statuses:?}");
    let entries = entries(&operator, |entry| entry["target"] == *id).await;
    assert_eq!(entries.len(), 1, "{entries:?}");

    let tasks = found(&operator, "status=failed", 100).await;
    assert!(tasks.iter().any(|task| task["task_id"] == *id));
    let deletions = (0..MANY).map(|_| super::delete(&operator, &id, "x"));
    let deleted = join_all(deletions).await;
    assert_eq!(
        deleted.iter().filter(|answer| answer.status == 204).count(),
        1
    );
}

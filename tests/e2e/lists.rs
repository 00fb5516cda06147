//! Lists of tasks and concepts, page by page.

use std::collections::BTreeSet;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use serde_json::Value;

use crate::shared::{new_user, origin, scripted};

/// A user with so many completed tasks and one failed, and their ids from the
/// newest on.
async fn user_with_tasks(count: usize) -> (Client, Vec<String>) {
    let client = new_user(scripted());
    let url = origin().picture(&pictures::png(8, 8));
    let mut ids = Vec::new();
    for _ in 0..count {
        let task = client.refined(&url, "instant").await;
        assert_eq!(task["status"], "completed", "{task}");
        ids.push(task["task_id"].as_str().unwrap().to_owned());
    }
    let missing = origin().serve(Reply::status(404));
    let failed = client.refined(&missing, "instant").await;
    ids.push(failed["task_id"].as_str().unwrap().to_owned());
    ids.reverse();
    (client, ids)
}

fn ids(items: &[Value], name: &str) -> Vec<String> {
    let id = |item: &Value| item[name].as_str().unwrap().to_owned();
    items.iter().map(id).collect()
}

/// What is added or removed between two pages moves nothing else.
#[tokio::test]
async fn a_cursor_holds_its_place() {
    let (client, all) = user_with_tasks(6).await;
    let first = client.get("/api/tasks?limit=3").await.json();
    let next = first["next_cursor"].as_str().unwrap();
    let url = origin().picture(&pictures::png(8, 8));
    client.refined(&url, "instant").await;
    for gone in [&all[2], &all[4]] {
        assert_eq!(
            client.delete(&format!("/api/tasks/{gone}")).await.status,
            204
        );
    }
    let second = client
        .get(&format!("/api/tasks?cursor={next}"))
        .await
        .json();
    let expected = [&all[3], &all[5], &all[6]];
    let found = ids(second["tasks"].as_array().unwrap(), "task_id");
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn an_unusable_query_is_422_and_says_why() {
    let (client, _) = user_with_tasks(2).await;
    let (other, _) = user_with_tasks(2).await;
    let theirs = other.get("/api/tasks?limit=1").await.json();
    let theirs = theirs["next_cursor"].as_str().unwrap();
    let own = client.get("/api/tasks?limit=1").await.json();
    let own = own["next_cursor"].as_str().unwrap();
    let (half, _) = own.split_at(own.len() / 2);
    for (query, fields) in [
        ("limit=".to_owned(), vec!["limit"]),
        ("limit=0".to_owned(), vec!["limit"]),
        ("limit=101".to_owned(), vec!["limit"]),
        ("limit=-1".to_owned(), vec!["limit"]),
        ("limit=%2B1".to_owned(), vec!["limit"]),
        ("limit=1.5".to_owned(), vec!["limit"]),
        ("limit=99999999999999999999".to_owned(), vec!["limit"]),
        ("cursor=".to_owned(), vec!["cursor"]),
        ("cursor=nonsense".to_owned(), vec!["cursor"]),
        (format!("cursor={theirs}"), vec!["cursor"]),
        (format!("cursor={half}"), vec!["cursor"]),
        (format!("cursor={own}{own}"), vec!["cursor"]),
        ("cursor=%FF%00&limit=x".to_owned(), vec!["cursor", "limit"]),
    ] {
        for list in ["/api/tasks", "/api/concepts"] {
            assert_refused(&client, &format!("{list}?{query}"), &fields).await;
        }
    }
    for status in ["", "Pending", "done", "completed,failed"] {
        assert_refused(&client, &format!("/api/tasks?status={status}"), &["status"]).await;
    }
}

async fn assert_refused(client: &Client, path: &str, fields: &[&str]) {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 422, "{path}");
    assert_eq!(answer.error_code(), "VALIDATION_ERROR");
    let errors = &answer.json()["field_errors"];
    let found: BTreeSet<&str> = crate::shape::keys(errors).into_iter().collect();
    assert_eq!(found, fields.iter().copied().collect(), "{path}");
}

//! Users never see each other's tasks, images, concepts.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use reqwest::Method;
use serde_json::json;

use crate::shared::{new_user, scripted};

/// What somebody owns who has refined one uploaded picture.
struct Owner {
    client: Client,
    upload: String,
    task: String,
    concept: String,
    /// Signed.
    refined_url: String,
    /// Of the refined image, without a signature.
    refined: String,
}

impl Owner {
    async fn new() -> Self {
        let client = new_user(scripted());
        let signed = client.uploaded(&pictures::png(8, 8)).await;
        let task = client.refined(&signed, "echo it").await;
        let text = |name: &str| task[name].as_str().unwrap().to_owned();
        Self {
            upload: unsigned(&signed),
            task: text("task_id"),
            concept: text("result_id"),
            refined: unsigned(&text("image_url")),
            refined_url: text("image_url"),
            client,
        }
    }

    /// All that is theirs, and the methods that reach it.
    fn things(&self) -> Vec<(Method, String)> {
        let (task, concept) = (&self.task, &self.concept);
        vec![
            (Method::GET, format!("/api/tasks/{task}")),
            (Method::GET, format!("/api/concepts/task/{task}")),
            (Method::GET, format!("/api/concepts/{concept}")),
            (Method::GET, self.upload.clone()),
            (Method::HEAD, self.upload.clone()),
            (Method::GET, self.refined.clone()),
            (Method::DELETE, self.upload.clone()),
            (Method::DELETE, self.refined.clone()),
            (Method::DELETE, format!("/api/tasks/{task}")),
            (Method::DELETE, format!("/api/concepts/{concept}")),
        ]
    }
}

/// The path of an image's URL.
fn unsigned(url: &str) -> String {
    let (url, _) = url.split_once('?').unwrap();
    let (_, path) = url.split_once("/api/").unwrap();
    format!("/api/{path}")
}

#[tokio::test]
async fn what_is_another_users_is_as_if_it_were_not_there() {
    let owner = Owner::new().await;
    let other = new_user(scripted());
    for (method, path) in owner.things() {
        let theirs = other.send(method.clone(), &path, "").await;
        assert_eq!(theirs.status, 404, "{method} {path}");
        let nothing = path
            .replace(&owner.task, "00000000-0000-4000-8000-000000000000")
            .replace(&owner.concept, "00000000-0000-4000-8000-000000000000");
        let nothing = other.send(method.clone(), &nothing, "").await;
        assert_eq!(theirs.body, nothing.body, "{method} {path}");
    }
    for list in ["/api/tasks", "/api/concepts"] {
        let page = other.get(list).await.json();
        let name = list.rsplit('/').next().unwrap();
        assert_eq!(page, json!({name: [], "next_cursor": null}));
    }
    for (method, path) in owner.things() {
        if method == Method::GET {
            assert_eq!(owner.client.get(&path).await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn nothing_is_told_without_credentials() {
    let owner = Owner::new().await;
    let anybody = Client::new(owner.client.base());
    for (method, path) in owner.things() {
        let answer = anybody.send(method.clone(), &path, "").await;
        assert_eq!(answer.status, 401, "{method} {path}");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    }
}

#[tokio::test]
async fn another_users_image_is_no_original() {
    let owner = Owner::new().await;
    let other = new_user(scripted());
    let base = other.base();
    for path in [
        owner.upload.as_str(),
        &owner.refined,
        "/api/images/nothing.png",
        "/api/images/",
        "/api/images/../tasks",
    ] {
        let answer = other.refine(&format!("{base}{path}"), "echo it").await;
        let expected = if path.contains("..") { 422 } else { 404 };
        assert_eq!(answer.status, expected, "{path}");
    }
    // A signature opens it to be looked at, not to be worked on.
    let answer = other.refine(&owner.refined_url, "echo it").await;
    assert_eq!(answer.status, 404, "signed");
    // The owner may refine both again, signed or not.
    for path in [&owner.upload, &owner.refined] {
        let url = format!("{base}{path}");
        let task = owner.client.refined(&url, "echo it").await;
        assert_eq!(task["status"], "completed", "{task}");
    }
    let task = owner.client.refined(&owner.refined_url, "echo it").await;
    assert_eq!(task["status"], "completed");
}

#[tokio::test]
async fn a_signature_opens_its_image_to_anyone_and_nothing_else() {
    let owner = Owner::new().await;
    let url = owner.refined_url.as_str();
    let (_, query) = url.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    let flipped = match signature.ends_with('A') {
        true => signature.replacen("signature=", "signature=B", 1),
        false => signature.replacen("signature=", "signature=A", 1),
    };
    let refined = &owner.refined;
    let anybody = Client::new(owner.client.base());
    let other = new_user(scripted());
    let nonsense = anybody.bearer("nonsense");
    let cases: &[(&str, String, [u16; 4])] = &[
        // To anybody, to another user, with bad credentials, to the owner.
        ("signed", url.to_owned(), [200, 200, 200, 200]),
        ("not signed", refined.clone(), [401, 404, 401, 200]),
        (
            "altered",
            format!("{refined}?{expires}&{flipped}"),
            [403, 403, 401, 200],
        ),
        (
            "without expiry",
            format!("{refined}?{signature}"),
            [403, 403, 401, 200],
        ),
        (
            "without signature",
            format!("{refined}?{expires}"),
            [403, 403, 401, 200],
        ),
        (
            "expired long ago",
            format!("{refined}?expires=1&{signature}"),
            [403, 403, 401, 200],
        ),
        (
            "for ever",
            format!("{refined}?expires=99999999999&{signature}"),
            [403, 403, 401, 200],
        ),
        (
            "twice",
            format!("{refined}?{query}&{query}"),
            [403, 403, 401, 200],
        ),
        (
            "of another image",
            format!("{}?{query}", owner.upload),
            [403, 403, 401, 200],
        ),
        (
            "of an image that is not",
            format!("/api/images/nothing?{query}"),
            [403, 403, 401, 403],
        ),
    ];
    for (name, path, expected) in cases {
        let clients = [&anybody, &other, &nonsense, &owner.client];
        for (client, expected) in clients.into_iter().zip(expected) {
            let answer = client.get(path).await;
            assert_eq!(answer.status, *expected, "{name} {answer:?}");
            if answer.status != 200 {
                answer.error_code();
            }
        }
    }
    // A signature is for reading only.
    for client in [&anybody, &other] {
        let answer = client.delete(url).await;
        assert!([401, 404].contains(&answer.status), "{answer:?}");
    }
    assert_eq!(anybody.get(url).await.status, 200);
}

#[tokio::test]
async fn an_image_keeps_its_url_for_a_while() {
    let owner = Owner::new().await;
    let task = owner.client.task(&owner.task).await;
    let again = task["image_url"].as_str().unwrap();
    // Unless a quarter of an hour ended in between.
    let later = owner.client.task(&owner.task).await;
    assert!(again == owner.refined_url || later["image_url"] == again);
}

//! What a user has: tasks, concepts, images; and what others see of it.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::shape::{self, assert_is_concept, assert_is_task};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::{NO_ID, unsigned};
use crate::Platform;
use concept_refinement_tests::platform::{UPLOADS, new_user, origin, scripted};

/// Somebody who has refined one uploaded picture, and the signed URL of that
/// picture, with the task.
async fn owner<P: Platform>() -> (Client, String, Value) {
    let client = new_user(scripted::<P>());
    let upload = client.uploaded(&pictures::png(8, 8)).await;
    let task = client.completed(&upload, "echo it").await;
    (client, upload, task)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

pub async fn what_is_another_users_is_as_if_it_were_not_there<P: Platform>() {
    let (client, upload, task) = owner::<P>().await;
    let (id, concept) = (text(&task, "task_id"), text(&task, "result_id"));
    let refined = unsigned(text(&task, "image_url")).to_owned();
    let upload = unsigned(&upload).to_owned();
    let things = [
        (Method::GET, format!("/api/tasks/{id}")),
        (Method::GET, format!("/api/concepts/task/{id}")),
        (Method::GET, format!("/api/tasks/{id}/events")),
        (Method::GET, format!("/api/concepts/{concept}")),
        (Method::GET, upload.clone()),
        (Method::HEAD, upload.clone()),
        (Method::GET, refined.clone()),
        (Method::DELETE, upload.clone()),
        (Method::DELETE, refined.clone()),
        (Method::DELETE, format!("/api/tasks/{id}")),
        (Method::DELETE, format!("/api/concepts/{concept}")),
    ];
    let other = new_user(scripted::<P>());
    let anybody = Client::new(client.base());
    for (method, path) in &things {
        let refused = anybody.send(method.clone(), path, "").await;
        assert_eq!(refused.status, 401, "{method} {path}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
        let theirs = other.send(method.clone(), path, "").await;
        assert_eq!(theirs.status, 404, "{method} {path}");
        let nothing = path.replace(id, NO_ID).replace(concept, NO_ID);
        let nothing = other.send(method.clone(), &nothing, "").await;
        assert_eq!(theirs.body, nothing.body, "{method} {path}");
    }
    for list in ["tasks", "concepts"] {
        let page = other.get(&format!("/api/{list}")).await.json();
        assert_eq!(page, json!({list: [], "next_cursor": null}));
    }
    let base = other.base();
    for (url, status) in [
        (upload.clone(), 404),
        (refined.clone(), 404),
        // A signature opens it to be looked at, not to be worked on.
        (text(&task, "image_url").to_owned(), 404),
        (format!("{base}/api/images/nothing.png"), 404),
        (format!("{base}/api/images/"), 404),
        (format!("{base}/api/images/../tasks"), 422),
    ] {
        let answer = other.refine(&url, "echo it").await;
        assert_eq!(answer.status, status, "{url}: no original of theirs");
    }
    for (method, path) in things {
        if method == Method::GET {
            assert_eq!(client.get(&path).await.status, 200, "{path}");
        }
    }
    for url in [&upload, &refined, text(&task, "image_url")] {
        client.completed(url, "echo it").await;
    }
}

pub async fn a_signature_opens_its_image_to_anyone<P: Platform>() {
    let (client, upload, task) = owner::<P>().await;
    let url = text(&task, "image_url");
    let (path, query) = url.split_once('?').unwrap();
    let (expires, _) = query.split_once('&').unwrap();
    let anybody = Client::new(client.base());
    let image = anybody.get(url).await;
    assert_eq!(image.status, 200);
    assert_eq!(image.body, marked(&pictures::png(8, 8)));
    let other = new_user(scripted::<P>());
    let altered = format!("{path}?{expires}&signature=AAAA");
    let of_another = format!("{}?{query}", unsigned(&upload));
    // To another user, and to the owner, who needs none.
    for (url, statuses) in [
        (url, [200, 200]),
        (path, [404, 200]),
        (&altered, [403, 200]),
        (&of_another, [403, 200]),
    ] {
        for (client, status) in [&other, &client].into_iter().zip(statuses) {
            let answer = client.get(url).await;
            assert_eq!(answer.status, status, "{url}: {answer:?}");
        }
    }
    // A signature is for reading only.
    for client in [&anybody, &other] {
        let answer = client.delete(url).await;
        assert!([401, 404].contains(&answer.status), "{answer:?}");
    }
    let etag = image.header("etag").unwrap();
    let known = anybody.with("if-none-match", etag).get(url).await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let part = anybody.with("range", "bytes=1-3").get(url).await;
    assert_eq!((part.status, &part.body[..]), (206, &b"PNG"[..]));
    let beyond = anybody.with("range", "bytes=99999-").get(url).await;
    assert_eq!(beyond.status, 416);
    let head = anybody.head(url).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), Some(etag));
}

pub async fn tasks_are_listed_newest_first_page_by_page<P: Platform>() {
    let client = new_user(scripted::<P>());
    let url = origin().picture(&pictures::png(8, 8));
    let mut all = Vec::new();
    for _ in 0..6 {
        let task = client.completed(&url, "instant").await;
        all.insert(0, text(&task, "task_id").to_owned());
    }
    let missing = origin().serve(Reply::status(404));
    let failed = client.refined(&missing, "instant").await;
    all.insert(0, text(&failed, "task_id").to_owned());

    for (query, sizes) in [
        ("", vec![7]),
        ("limit=3", vec![3, 3, 1]),
        ("status=completed&limit=4", vec![4, 2]),
    ] {
        let pages = follow(&client, "tasks", query).await;
        let found: Vec<usize> = pages.iter().map(Vec::len).collect();
        assert_eq!(found, sizes, "{query}");
        let tasks = pages.concat();
        tasks.iter().for_each(assert_is_task);
        let is_filtered = query.starts_with("status=completed");
        let expected = &all[usize::from(is_filtered)..];
        let ids: Vec<&str> = tasks.iter().map(|task| text(task, "task_id")).collect();
        assert_eq!(ids, expected, "{query}");
    }
    let one = client.task(&all[3]).await;
    let listed = &follow(&client, "tasks", "").await.concat()[3];
    assert_eq!(shape::unsigned(listed), shape::unsigned(&one));
    let concepts = follow(&client, "concepts", "limit=4").await;
    let sizes: Vec<usize> = concepts.iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 2]);
    let concepts = concepts.concat();
    concepts.iter().for_each(assert_is_concept);
    let tasks: Vec<&str> = concepts.iter().map(|it| text(it, "task_id")).collect();
    assert_eq!(tasks, all[1..]);

    let own = client.get("/api/tasks?limit=1").await.json();
    let other = new_user(scripted::<P>());
    let cursor = text(&own, "next_cursor");
    let answer = other.get(&format!("/api/tasks?cursor={cursor}")).await;
    assert_eq!(answer.status, 422, "another user's cursor");
}

/// The pages of a list, by following its cursors.
async fn follow(client: &Client, list: &str, query: &str) -> Vec<Vec<Value>> {
    let mut pages = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client.get(&format!("/api/{list}?{query}{cursor}")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let page = page.json();
        assert_eq!(page.as_object().unwrap().len(), 2, "{page}");
        pages.push(page[list].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return pages,
        }
    }
}

pub async fn an_active_task_can_be_deleted<P: Platform>() {
    let client = new_user(scripted::<P>());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let id = client.accepted(&url, "echo it").await;
    client.task_is(&id, "processing").await;
    let path = format!("/api/tasks/{id}");
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(client.delete(&path).await.status, 404);

    // The user may go on, and what was under way stores nothing that is seen.
    let next = client.accepted(&url, "echo it").await;
    client.task_is(&next, "processing").await;
    gate.open();
    let task = client.finished(&next).await;
    assert_eq!(task["status"], "completed", "{task}");
    let tasks = client.get("/api/tasks").await.json()["tasks"].clone();
    assert_eq!(tasks.as_array().unwrap().len(), 1, "{tasks}");
    let concepts = client.get("/api/concepts").await.json()["concepts"].clone();
    assert_eq!(concepts.as_array().unwrap().len(), 1, "{concepts}");
    assert_eq!(concepts[0]["task_id"], next.as_str());
}

pub async fn a_finished_tasks_concept_stays<P: Platform>() {
    let (client, _, task) = owner::<P>().await;
    let path = format!("/api/tasks/{}", text(&task, "task_id"));
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(client.get("/api/tasks").await.json()["tasks"], json!([]));
    let concept = format!("/api/concepts/{}", text(&task, "result_id"));
    let concept = client.get(&concept).await;
    assert_eq!(concept.status, 200, "{concept:?}");
    assert_is_concept(&concept.json());
    let image = client.get(text(&concept.json(), "image_url")).await;
    assert_eq!(image.body, marked(&pictures::png(8, 8)));

    let missing = origin().serve(Reply::status(404));
    let failed = client.refined(&missing, "echo it").await;
    let path = format!("/api/tasks/{}", text(&failed, "task_id"));
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
}

pub async fn a_concept_goes_with_its_image<P: Platform>() {
    let (client, upload, task) = owner::<P>().await;
    let url = text(&task, "image_url");
    let refused = client.delete(unsigned(url)).await;
    assert_eq!(refused.status, 409, "a refined image goes with its concept");
    assert_eq!(refused.error_code(), "CONFLICT");

    let path = format!("/api/concepts/{}", text(&task, "result_id"));
    let answers = join_all((0..10).map(|_| client.delete(&path))).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [&[204][..], &[404; 9]].concat());
    assert_eq!(client.get(&path).await.status, 404);
    for client in [&client, &Client::new(client.base())] {
        assert_eq!(client.get(url).await.status, 404);
    }
    let mut expected = task.clone();
    expected["image_url"] = Value::Null;
    assert_eq!(client.task(text(&task, "task_id")).await, expected);
    let concepts = client.get("/api/concepts").await.json();
    assert_eq!(concepts["concepts"], json!([]));
    let again = client.refine(url, "echo it").await;
    assert_eq!(again.status, 404, "it is no original any more");
    client.completed(unsigned(&upload), "echo it").await;
}

pub async fn uploads_are_kept_and_deleted<P: Platform>() {
    let client = new_user(scripted::<P>());
    // Of more than one piece, wherever it is kept.
    let picture = pictures::png(700, 700);
    let large = [&picture.bytes[..], &vec![0; 1 << 20]].concat();
    let first = client.upload("text/html", &large).await;
    assert_eq!(first.status, 201, "{first:?}");
    let image = client.get(text(&first.json(), "image_url")).await;
    assert_eq!(image.header("content-type"), Some("image/png"));
    assert!(image.body == large, "other bytes");

    let uploads = (0..UPLOADS * 2).map(|_| client.upload("image/png", &picture.bytes));
    let answers = join_all(uploads).await;
    let kept = answers.iter().filter(|answer| answer.status == 201);
    assert_eq!(kept.count(), UPLOADS - 1, "however many came at once");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.status, 429, "{answer:?}");
        assert_eq!(answer.error_code(), "RATE_LIMIT_EXCEEDED");
    }
    let path = format!("/api/images/{}", text(&first.json(), "path"));
    assert_eq!(client.delete(&path).await.status, 204);
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(client.get(&path).await.status, 404);
    client.uploaded(&picture).await;
    let full = client.upload("image/png", &picture.bytes).await;
    assert_eq!(full.status, 429, "{full:?}");
}

//! Crashes, one at a time: whatever was accepted before one is there after it,
//! once. Many crashes are the matter of `tests/crashes/`.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::shape::assert_is_task;
use crate::shared::{new_name, origin, scripted_launch};

/// Far shorter than a lease (30 s): who waits for it is found out.
const AT_ONCE: Duration = Duration::from_secs(15);

const DIED: &str =
    "Error in refinement task processing: The task was given up after its worker died 3 times";

/// One is being refined, the others wait for their turn, when the process is
/// killed. The next process goes on at once, without waiting for a lease.
#[tokio::test]
async fn a_crash_in_the_middle_of_tasks_loses_none() {
    let launch = scripted_launch().set("concurrency", "1");
    let service = launch.start();
    let url = origin().picture(&pictures::png(8, 8));
    let clients: Vec<Client> = (0..3)
        .map(|_| Client::user(service.url(), &new_name()))
        .collect();
    let mut tasks = Vec::new();
    for client in &clients {
        tasks.push((client, client.accepted(&url, "wait 1000ms").await));
    }
    let (first, id) = &tasks[0];
    first.task_is(id, "processing").await;
    let launch = launch.at(&service);
    service.kill();

    let service = launch.start();
    let begin = Instant::now();
    let tasks: Vec<_> = tasks
        .into_iter()
        .map(|(client, id)| (client.reconnected(), id))
        .collect();
    let finished = join_all(tasks.iter().map(|(client, id)| client.finished(id)));
    for task in finished.await {
        assert_is_task(&task);
        assert_eq!(task["status"], "completed", "{task}");
    }
    assert!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
    for (client, _) in tasks {
        let concepts = client.get("/api/concepts").await.json();
        assert_eq!(concepts["concepts"].as_array().unwrap().len(), 1);
    }
    drop(service);
}

#[tokio::test]
async fn a_task_whose_worker_died_three_times_is_failed() {
    let launch = scripted_launch();
    let service = launch.start();
    let client = Client::user(service.url(), &new_name());
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let id = client.accepted(&url, "echo it").await;
    let launch = launch.at(&service);
    let mut service = service;
    for requests in 1..=3 {
        eventually("it is taken over", AT_ONCE, async || {
            (origin().requests(&url).len() == requests).then_some(())
        })
        .await;
        service.kill();
        service = launch.start();
    }
    let client = client.reconnected();
    let task = client.finished(&id).await;
    assert_eq!(task["error_message"], DIED);
    gate.open();
    let next = client.refined(&url, "echo it").await;
    assert_eq!(next["status"], "completed", "{next}");
    drop(service);
}

/// What a process wrote half when it was killed is never seen.
#[tokio::test]
async fn a_crash_in_the_middle_of_an_upload_leaves_nothing_visible() {
    let launch = scripted_launch();
    let service = launch.start();
    let user = new_name();
    let client = Client::user(service.url(), &user);
    let picture = pictures::png(400, 400);
    let uploads = (0..3).map(|_| client.upload(picture.media_type, &picture.bytes));
    let paths: Vec<String> = join_all(uploads)
        .await
        .iter()
        .map(|answer| answer.json()["path"].as_str().unwrap().to_owned())
        .collect();
    let (half, _) = picture.bytes.split_at(picture.bytes.len() / 2);
    let mut unfinished = begin_upload(service.url(), &user, half, picture.bytes.len()).await;
    let launch = launch.at(&service);
    service.kill();
    let mut answer = Vec::new();
    let _ = unfinished.read_to_end(&mut answer).await;
    assert!(answer.is_empty());

    let _service = launch.start();
    let client = client.reconnected();
    for path in paths {
        let image = client.get(&format!("/api/images/{path}")).await;
        assert_eq!(image.body, picture.bytes);
    }
    // Two more are left of the five that a user may keep.
    for expected in [201, 201, 429] {
        let answer = client.upload(picture.media_type, &picture.bytes).await;
        assert_eq!(answer.status, expected, "{answer:?}");
    }
}

async fn begin_upload(base: &str, user: &str, bytes: &[u8], length: usize) -> TcpStream {
    let authority = base.trim_start_matches("http://");
    let token = token(user);
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let head = format!(
        "POST /api/images HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {token}\r\n\
         content-type: image/png\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

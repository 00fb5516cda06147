//! The room of images: what a user's uploads may take, those under way included,
//! and what all images may take together.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures::{self, padded};
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::shared::{origin, scripted_launch};

/// Of an upload that is sent but for its end.
pub const LENGTH: usize = 3 << 20;

/// The largest upload.
pub const LARGEST: &str = "4MiB";

const AT_ONCE: usize = 40;

fn user(service: &Service, name: &str) -> Client {
    Client::user(service.url(), name)
}

/// An upload that sends all but its end, and waits. None: it was refused with
/// the status that it should be.
pub async fn unfinished(service: &Service, is_declared: bool) -> Option<TcpStream> {
    let authority = service.url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority).await.unwrap();
    let length = match is_declared {
        true => format!("content-length: {LENGTH}"),
        false => "transfer-encoding: chunked".to_owned(),
    };
    let head = format!(
        "POST /api/images HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {}\r\n{length}\r\n\r\n",
        token("mallory")
    );
    let mut sent = head.into_bytes();
    if !is_declared {
        sent.extend(format!("{LENGTH:x}\r\n").bytes());
    }
    sent.extend(&padded(LENGTH)[..LENGTH - 1000]);
    // It may be refused before it is all sent.
    let _ = stream.write_all(&sent).await;
    let mut status = [0; 12];
    match timeout(Duration::from_secs(3), stream.read_exact(&mut status)).await {
        Err(_) => Some(stream),
        Ok(read) => {
            read.unwrap();
            assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 429");
            None
        }
    }
}

/// One image of each user, all at once, as by anonymous sessions.
async fn uploaded(service: &Service, users: usize, bytes: usize) -> Vec<(String, String)> {
    let image = padded(bytes);
    let uploads = (0..users).map(async |number| {
        let name = format!("user {number}");
        let upload = user(service, &name).upload("image/png", &image).await;
        if upload.status != 201 {
            assert_eq!(upload.status, 503, "{upload:?}");
            assert_eq!(upload.json()["detail"], "The image store has no room left.");
            return None;
        }
        let path = upload.json()["path"].as_str().unwrap().to_owned();
        Some((name, format!("/api/images/{path}")))
    });
    join_all(uploads).await.into_iter().flatten().collect()
}

fn small_store() -> Launch {
    scripted_launch()
        .set("max-store", "1000KiB")
        .set("uploads", "100")
        .set("rate-limit", "unlimited")
}

/// What is left of the store is less than these.
async fn assert_no_room_for_uploads(service: &Service) {
    assert_eq!(uploaded(service, 3, 1 << 10).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uploads_take_all_of_the_store_but_a_twentieth() {
    const BYTES: usize = 100 << 10;
    let launch = small_store();
    let service = launch.start();
    let kept = uploaded(&service, AT_ONCE, BYTES).await;
    assert_eq!(kept.len(), 9, "of 950 KiB");
    assert_eq!(uploaded(&service, AT_ONCE, BYTES / 10).await.len(), 5);
    assert_no_room_for_uploads(&service).await;
    for (name, path) in &kept {
        let read = user(&service, name).get(path).await;
        assert_eq!(read.status, 200, "reading goes on");
    }
    let ready = user(&service, "ada").get("/api/health/ready").await;
    assert_eq!(ready.status, 200);

    // It is counted again at the start.
    service.stop();
    let service = launch.start();
    assert_no_room_for_uploads(&service).await;

    for (name, path) in kept.iter().take(2) {
        let deleted = user(&service, name).delete(path).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
    }
    assert_eq!(uploaded(&service, 3, BYTES).await.len(), 2);
    service.stop();
}

/// Of what uploads leave, as many tasks are accepted as find their room.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_accepted_task_finds_its_room() {
    let launch = small_store();
    let service = launch.start();
    for bytes in [100 << 10, 10 << 10, 1 << 10] {
        uploaded(&service, AT_ONCE, bytes).await;
    }
    assert_no_room_for_uploads(&service).await;
    let (original, gate) = origin().gated(&pictures::png(8, 8));
    let mut accepted = Vec::new();
    let refused = loop {
        let client = user(&service, &format!("owner {}", accepted.len()));
        let answer = client.refine(&original, "echo it").await;
        if answer.status != 202 {
            break answer;
        }
        accepted.push((client, answer.task_id()));
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(refused.error_code(), "SERVICE_UNAVAILABLE");
    let full = "The image store has no room left for new tasks.";
    assert_eq!(refused.json()["detail"], full);
    // Each reserves a 1024th of the store.
    assert_eq!(accepted.len(), 51);
    let ready = user(&service, "ada").get("/api/health/ready").await;
    assert_eq!(ready.status, 200, "everything else works");
    assert_eq!(ready.json()["status"], "degraded");
    assert_eq!(ready.json()["capabilities"]["tasks"], full);
    gate.open();
    for (client, id) in accepted {
        let task = client.finished(&id).await;
        assert_eq!(task["status"], "completed", "{task}");
    }
    service.stop();
}

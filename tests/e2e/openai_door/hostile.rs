//! Bodies that are made to harm: they are ended, cost little, and leave nothing behind.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use concept_refinement_tests::attacks::Attacker;
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::latency::waiting_beside;
use concept_refinement_tests::openai::{EDITS, Form, error, image};
use concept_refinement_tests::pictures::{self, padded};
use concept_refinement_tests::process::Process;
use concept_refinement_tests::service::Launch;
use concept_refinement_tests::stored_images::of_kind;
use futures::future::join_all;
use futures::stream;
use reqwest::{Body, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{head, no_uploads, tasks};
use crate::shared::{new_name, new_user, scripted, scripted_launch};

const MIB: u64 = 1 << 20;

/// What all requests may cost together.
const ALLOWANCE: u64 = 128 * MIB;

/// What an honest client waits at most, in 99 of 100 requests: 80 ms beside little else, more
/// beside other programs of the tests.
const PROMPT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_form_that_cannot_be_honoured_leaves_nothing_behind() {
    let launch = scripted_launch();
    let service = launch.start();
    let client = new_user(&service);
    let picture = pictures::png(40, 30);
    let form = || Form::edit(&picture, "echo it");
    let many = (0..10_000).fold(form(), |form, _| form.field("a", "b"));
    let long = format!("name=\"{}\"", "a".repeat(9000));
    let line_end = form().part("name=\"a\r\nset-cookie: x=y\"", b"");
    for (name, form, status) in [
        ("10,000 parts", many, 413),
        ("a long head", form().part(&long, b""), 413),
        ("a line end in a name", line_end, 400),
    ] {
        let answer = form.send(&client).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        assert!(error(&answer)["param"].is_null(), "{name}");
        assert_eq!(answer.header("set-cookie"), None, "{name}");
    }

    // One that declares more than comes.
    let user = new_name();
    let body = form().bytes();
    let (begin, _) = body.split_at(body.len() / 2);
    let request = [head(&user, body.len()).as_bytes(), begin].concat();
    let mut stream = Attacker::new(&service, 1).connection(&request).await;
    stream.shutdown().await.unwrap();
    let mut said = String::new();
    // Whether it is told or not, it is no success.
    let _ = stream.read_to_string(&mut said).await;
    assert!(!said.contains("HTTP/1.1 200"), "{said}");

    for client in [client, Client::user(service.url(), &user)] {
        assert!(tasks(&client).await.is_empty());
    }
    no_uploads(&launch.data()).await;
}

/// Nothing of it gets into the head of an answer.
#[tokio::test]
async fn a_line_end_in_the_name_of_an_ignored_field_is_not_told() {
    let form = Form::edit(&pictures::png(40, 30), "echo it");
    let form = form.field("a%0D%0Aset-cookie: x=y", "b").field("size", "b");
    let answer = form.send(&new_user(scripted())).await;
    image(&answer);
    assert_eq!(answer.header("x-ignored-fields"), Some("size"));
    assert_eq!(answer.header("set-cookie"), None);
}

/// JSON of undeclared length with an image in it of more bytes than any may have.
async fn large(client: Client, data: Bytes) -> Answer {
    let begin = Bytes::from_static(
        br#"{"prompt":"echo it","images":[{"image_url":"data:image/png;base64,"#,
    );
    let pieces = data.chunks(64 << 10).map(|piece| data.slice_ref(piece));
    let end = Bytes::from_static(br#""}]}"#);
    let pieces: Vec<_> = [begin].into_iter().chain(pieces).chain([end]).collect();
    let pieces = stream::iter(pieces.into_iter().map(Ok::<_, std::io::Error>));
    let client = client.with("content-type", "application/json");
    client
        .send(Method::POST, EDITS, Body::wrap_stream(pieces))
        .await
}

#[tokio::test]
async fn large_images_of_many_are_refused_and_nobody_else_feels_it() {
    let launch = Launch::new().scripted().with_tokens();
    let service = launch.start();
    let honest = new_user(&service);
    let kept = honest.uploaded(&pictures::png(8, 8)).await;
    let task = honest.refined(&kept, "echo it").await;
    let id = task["task_id"].as_str().unwrap();

    let process = Process::of(service.id());
    process.reset_peak();
    let before = process.usage().resident;
    let data = Bytes::from(BASE64_STANDARD.encode(padded(30 << 20)));
    let users: Vec<_> = (0..4).map(|_| new_user(&service)).collect();
    let requests = users.iter().cycle().take(64);
    let requests = requests.map(|user| large(user.reconnected(), data.clone()));
    let (answers, p99) = waiting_beside(join_all(requests), &honest, id).await;
    let cost = process.usage().peak.saturating_sub(before);
    let count = |status: u16| answers.iter().filter(|it| it.status == status).count();
    let counts = [413, 429, 503].map(count);
    println!("{} MiB, p99 {p99:?}, {counts:?}", cost / MIB);
    assert_eq!(counts.iter().sum::<usize>(), answers.len(), "{answers:?}");
    assert!(counts[0] > 0, "none was too large");
    for answer in &answers {
        error(answer);
    }
    assert!(cost < ALLOWANCE, "{} MiB", cost / MIB);
    assert!(p99 <= PROMPT, "{p99:?}");
    for user in &users {
        assert!(tasks(user).await.is_empty());
    }
    let uploads = of_kind(&launch.data(), "uploads");
    assert_eq!(uploads.len(), 1, "{kept}: {uploads:?}");
}

/// The host ends it, however long it would go on.
#[tokio::test]
async fn a_byte_a_second_is_not_waited_for() {
    let user = new_name();
    let service = scripted();
    let begin = Instant::now();
    let request = head(&user, 100_000);
    let mut stream = Attacker::new(service, 1)
        .connection(request.as_bytes())
        .await;
    let (mut reader, mut writer) = stream.split();
    let mut said = Vec::new();
    let form = Form::edit(&pictures::png(40, 30), "echo it").bytes();
    let trickle = async {
        for byte in form.chunks(1) {
            tokio::time::sleep(Duration::from_secs(1)).await;
            if writer.write_all(byte).await.is_err() {
                break;
            }
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = trickle => {}
        _ = reader.read_to_end(&mut said) => {}
    }
    let took = begin.elapsed().as_secs();
    let said = String::from_utf8_lossy(&said);
    assert!((25..=40).contains(&took), "{took} s: {said}");
    assert!(said.is_empty() || said.contains(r#"{"error":{"#), "{said}");
    let client = Client::user(service.url(), &user);
    assert!(tasks(&client).await.is_empty());
}

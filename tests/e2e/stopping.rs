//! Signals: work in progress is finished or released, never lost.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::faults::HANG_AT;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Ended, Service};
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use reqwest::Method;
use rustix::process::Signal;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::shared::{busy, new_name, new_user, origin, picture_url, scripted_launch};

/// What a stop may take, and how late a busy machine is.
const STOP: Duration = Duration::from_secs(30);
const LATE: Duration = Duration::from_secs(8);

/// Far shorter than the grace period, so that waiting for it would be noticed.
const AT_ONCE: Duration = Duration::from_secs(10);

/// So many deaths end a task.
const DEATHS: usize = 3;

#[tokio::test]
async fn any_signal_to_end_ends_an_idle_service_at_once() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut service = scripted_launch().of_terminal().start();
        let silent = TcpStream::connect(authority(&service)).await.unwrap();
        let kept_alive = Client::new(service.url());
        let http2 = Client::http2(service.url());
        for client in [&kept_alive, &http2] {
            assert_eq!(client.get("/api/health").await.status, 200);
        }
        service.signal(signal);
        let (ended, took) = ended(service).await;
        assert!(ended.status.success(), "{signal:?}: {ended:?}");
        assert!(took < AT_ONCE, "{signal:?}: {took:?}");
        drop((silent, kept_alive, http2));
    }
}

/// An upload that is half sent, a download that is half read, a task.
#[tokio::test]
async fn a_stop_takes_nothing_new_and_finishes_what_is_under_way() {
    let launch = scripted_launch().set("max-image-bytes", "20MiB");
    let mut service = launch.start();
    let name = new_name();
    let client = Client::user(service.url(), &name);
    let (original, gate) = origin().gated(&pictures::png(8, 8));
    let id = client.accepted(&original, "echo it").await;
    client.task_is(&id, "processing").await;
    let large = large_jpeg();
    let uploaded = client.upload("image/jpeg", &large).await.json();
    let uploaded = uploaded["image_url"].as_str().unwrap();
    let path = uploaded.split_once("/api/").unwrap().1;

    let small = pictures::png(40, 40).bytes;
    let (first, rest) = small.split_at(small.len() / 2);
    let length = small.len();
    let head = format!("content-type: image/png\r\ncontent-length: {length}\r\n");
    let mut upload = request(&service, "POST /api/images", &name, &head).await;
    upload.write_all(first).await.unwrap();
    let mut download = request(&service, &format!("GET /api/{path}"), &name, "").await;
    let mut begin = vec![0; 4096];
    download.read_exact(&mut begin).await.unwrap();
    assert!(begin.starts_with(b"HTTP/1.1 200"));

    let launch = launch.at(&service);
    let address = authority(&service);
    service.terminate();
    eventually("no connection is taken", SOON, async || {
        TcpStream::connect(&address).await.is_err().then_some(())
    })
    .await;
    assert!(!service.has_ended());
    upload.write_all(rest).await.unwrap();
    let mut answer = String::new();
    upload.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let mut body = begin;
    download.read_to_end(&mut body).await.unwrap();
    assert!(body.ends_with(&large), "the download was cut off");
    gate.open();
    let (ended, took) = ended(service).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(took < AT_ONCE, "{took:?}");

    let service = launch.start();
    let task = client.reconnected().task(&id).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert_eq!(origin().requests(&original).len(), 1, "it was done once");
    drop(service);
}

/// Whoever stays silent is cut off, what does not finish is given back, and the
/// next process takes it at once.
#[tokio::test]
async fn a_stop_ends_with_its_grace() {
    let launch = scripted_launch();
    let mut service = launch.start();
    let name = new_name();
    let client = Client::user(service.url(), &name);
    let (original, gate) = origin().gated(&pictures::png(8, 8));
    let id = client.accepted(&original, "echo it").await;
    eventually("it is downloaded", SOON, async || {
        (origin().requests(&original).len() == 1).then_some(())
    })
    .await;
    let silent = [
        request(&service, "POST /api/images", &name, "content-length: 9\r\n").await,
        half_a_head(&service).await,
    ];
    let launch = launch.at(&service);
    service.terminate();
    let (ended, took) = ended(service).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(took < STOP + LATE, "{took:?}");
    assert!(took > STOP / 2, "it was not waited for: {took:?}");
    drop(silent);

    gate.open();
    let _service = launch.start();
    let begin = Instant::now();
    let task = client.reconnected().finished(&id).await;
    assert_eq!(task["status"], "completed", "{task}");
    assert!(begin.elapsed() < AT_ONCE, "{:?}", begin.elapsed());
}

/// A second signal does not wait. What is under way is given back, which is no
/// death: however often this happens, the task is not given up.
#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_gives_everything_back() {
    let launch = scripted_launch();
    let mut service = launch.start();
    let launch = launch.at(&service);
    let client = new_user(&service);
    let (original, gate) = origin().gated(&pictures::png(8, 8));
    let id = client.accepted(&original, "echo it").await;
    for round in 1..=DEATHS + 1 {
        eventually("it is taken over", AT_ONCE, async || {
            (origin().requests(&original).len() == round).then_some(())
        })
        .await;
        let signals = [[Signal::TERM, Signal::INT], [Signal::INT, Signal::TERM]];
        let silent = half_a_head(&service).await;
        ended_at_once(service, signals[round % 2]).await;
        drop(silent);
        service = launch.start();
    }
    gate.open();
    let task = client.reconnected().finished(&id).await;
    assert_eq!(task["status"], "completed", "{task}");
}

/// A store that hangs cannot take anything back.
#[tokio::test]
async fn a_second_signal_does_not_wait_for_a_store_that_hangs() {
    let launch = scripted_launch();
    let faulty = launch.clone().faulty().variable(HANG_AT, "before release");
    let service = faulty.start();
    let launch = launch.at(&service);
    let (client, id, gate) = busy(&service).await;
    ended_at_once(service, [Signal::TERM, Signal::TERM]).await;
    gate.open();
    let _service = launch.start();
    let task = client.reconnected().finished(&id).await;
    assert_eq!(task["status"], "completed", "{task}");
}

/// Users go on asking while it stops with hundreds of tasks waiting.
#[tokio::test]
async fn a_stop_under_load_loses_none_of_its_backlog() {
    const USERS: usize = 200;
    let launch = scripted_launch().set("concurrency", "4");
    let mut service = launch.start();
    let url = picture_url();
    let anybody = Client::new(service.url());
    let names: Vec<String> = (0..USERS).map(|_| new_name()).collect();
    let body = json!({"original_image_url": url, "refinement_prompt": "wait 20ms"});
    let submitted = names.iter().map(async |name| {
        let user = anybody.bearer(&token(name));
        let user = user.with("content-type", "application/json");
        let refine = user.try_send(Method::POST, "/api/concepts/refine", body.to_string());
        let refine = refine.await.ok()?;
        assert_eq!(refine.status, 202, "{refine:?}");
        Some(refine.task_id())
    });
    let submitted = join_all(submitted);
    let stopped = async {
        eventually("some wait", SOON, async || {
            let asked = origin().requests(&url).len();
            (asked > 4).then_some(())
        })
        .await;
        service.terminate();
    };
    let (ids, ()) = tokio::join!(submitted, stopped);
    let launch = launch.at(&service);
    let (ended, took) = ended(service).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(took < AT_ONCE, "{took:?}");

    let service = launch.start();
    let anybody = Client::new(service.url());
    let accepted = names
        .iter()
        .zip(ids)
        .filter_map(|(name, id)| Some((name, id?)));
    let mut count = 0;
    for (name, id) in accepted {
        let user = anybody.bearer(&token(name));
        let task = user.finished(&id).await;
        assert_eq!(task["status"], "completed", "{task}");
        let concepts = user.get("/api/concepts").await.json();
        assert_eq!(concepts["concepts"].as_array().unwrap().len(), 1);
        count += 1;
    }
    assert!(count > 4, "{count} were accepted");
}

/// It has not said that it is ready, so nobody waits for it.
#[tokio::test]
async fn a_stop_while_it_starts_ends_it_at_once() {
    let launch = scripted_launch();
    let data = launch.data();
    let (compiled, kept) = (data.join("compiled"), data.join("kept"));
    // Compiling everything anew takes seconds.
    std::fs::rename(&compiled, &kept).unwrap();
    let ended = launch.run_until_signalled(Signal::TERM, || has_begun(&data));
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.status.signal(), None);
    assert!(!ended.log.contains("ready at"), "{}", ended.log);
    // It may have been made by then.
    let _ = std::fs::remove_dir_all(&compiled);
    std::fs::rename(&kept, &compiled).unwrap();
    assert!(launch.start().stop().status.success());
}

fn has_begun(data: &Path) -> bool {
    data.join("tasks.lock").exists()
}

/// Ended by a second signal that does not wait for what the first one began.
pub async fn ended_at_once(mut service: Service, signals: [Signal; 2]) -> Ended {
    let [first, second] = signals;
    service.signal(first);
    eventually("it stops", SOON, async || {
        service.log().contains("stopping").then_some(())
    })
    .await;
    service.signal(second);
    let (ended, took) = ended(service).await;
    assert!(ended.status.success(), "{ended:?}");
    assert!(took < AT_ONCE, "{took:?}");
    ended
}

/// Waits elsewhere: the test's own connections go on meanwhile.
async fn ended(service: Service) -> (Ended, Duration) {
    let begin = Instant::now();
    let ended = tokio::task::spawn_blocking(|| service.ended()).await;
    (ended.unwrap(), begin.elapsed())
}

fn authority(service: &Service) -> String {
    service.url().trim_start_matches("http://").to_owned()
}

/// Begins a request on a connection of its own.
async fn request(service: &Service, line: &str, user: &str, headers: &str) -> TcpStream {
    let authority = authority(service);
    let token = token(user);
    let mut stream = TcpStream::connect(&authority).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn half_a_head(service: &Service) -> TcpStream {
    let mut stream = TcpStream::connect(authority(service)).await.unwrap();
    let half = b"GET /api/health HTTP/1.1\r\nhost: localhost";
    stream.write_all(half).await.unwrap();
    stream
}

/// More than a connection holds on its way.
fn large_jpeg() -> Vec<u8> {
    const SEGMENTS: usize = 240;
    const SEGMENT: u16 = u16::MAX;
    let small = pictures::jpeg(8, 8).bytes;
    let (start_of_image, rest) = small.split_at(2);
    // APP15, which means nothing to anyone.
    let mut segment = vec![0xff, 0xef];
    segment.extend(SEGMENT.to_be_bytes());
    segment.resize(usize::from(SEGMENT) + 2, 0);
    [start_of_image, &segment.repeat(SEGMENTS), rest].concat()
}

/// As `nohup` starts it.
#[tokio::test]
async fn a_terminal_that_closes_ends_nothing_where_that_was_asked_for() {
    let mut service = scripted_launch().nohup().start();
    let client = new_user(&service);
    service.signal(Signal::HUP);
    client.completed(&picture_url(), "echo it").await;
    service.signal(Signal::TERM);
    let (ended, _) = ended(service).await;
    assert!(ended.status.success(), "{ended:?}");
}

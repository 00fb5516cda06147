//! Everything that one client can do to keep others out, all of it at once for
//! minutes, each from an address of its own.

use std::time::{Duration, Instant};

use concept_refinement_tests::attacks::{Attacker, HTTP2, endless_request, keep_alive};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::percentile;
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::{BoxFuture, join_all, pending};
use futures::{FutureExt as _, StreamExt as _, stream};
use reqwest::{Body, Method};
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::samples::Files;
use crate::{megabytes, turn};

/// `REFINEMENT_ATTACK_SECONDS` is for trying it.
const TIME: Duration = Duration::from_secs(300);

/// For the requests of everyone else.
const SLOWEST: Duration = Duration::from_millis(100);

/// What may be resident at the peak, and the images on the disk, in bytes.
const MAX_MEMORY: u64 = 900 << 20;
const MAX_STORE: u64 = 400 << 20;

/// What the service has places for.
const CONNECTIONS: usize = 4096;
const REQUESTS: usize = 2048;

type Attack = fn(Attacker, String) -> BoxFuture<'static, ()>;

const ATTACKS: [(&str, Attack); 9] = [
    ("silent connections", |it, _| silent(it).boxed()),
    ("HTTP/2 that answers pings", |it, _| pings(it).boxed()),
    ("slow requests", |it, _| slow_requests(it).boxed()),
    ("slow uploads", |it, _| slow_uploads(it).boxed()),
    ("watchers", |it, gated| watchers(it, gated).boxed()),
    ("as many uploads as there may be", |it, _| {
        uploads(it).boxed()
    }),
    ("uploads that are broken off", |it, _| {
        broken_uploads(it).boxed()
    }),
    ("names of elsewhere, and readiness", |it, _| {
        questions(it).boxed()
    }),
    ("models that misbehave", |it, url| {
        bad_models(it, url).boxed()
    }),
];

#[tokio::test(flavor = "multi_thread")]
async fn all_attacks_at_once_shut_nobody_out() {
    let _turn = turn().await;
    let time = std::env::var("REFINEMENT_ATTACK_SECONDS");
    let time = time.map_or(TIME, |it| Duration::from_secs(it.parse().unwrap()));
    let origin = Origin::start();
    let launch = Launch::new()
        .scripted()
        .set("allow-sources", &origin.authority())
        .set("rate-limit", "unlimited")
        .set("model-memory", "64MiB")
        .set("model-timeout", "5s")
        .set("max-store", "400MiB")
        .set("upload-bytes", "20MiB");
    let service = launch.start();
    let url = origin.picture(&pictures::png(64, 64));
    let (gated, _gate) = origin.gated(&pictures::png(8, 8));
    let mut attacks = JoinSet::new();
    for (number, (name, attack)) in (10..).zip(ATTACKS) {
        let attacker = Attacker::new(&service, number);
        let url = match name {
            "watchers" => gated.clone(),
            _ => url.clone(),
        };
        attacks.spawn(attack(attacker, url));
    }
    let honest = Attacker::new(&service, 3);
    let end = Instant::now() + time;
    let users = (0..4).map(|_| use_it(&honest, &url, end));
    let (used, peak) = tokio::join!(join_all(users), watch_it(&service, &launch, end));
    attacks.shutdown().await;

    let (mut latencies, mut tasks) = (Vec::new(), 0);
    for (of_user, completed) in used {
        latencies.extend(of_user);
        tasks += completed;
    }
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 50), percentile(&latencies, 99));
    show(&format!(
        "all attacks for {time:?}: {} other requests, p50 {p50:.1?} p99 {p99:.1?} at most {:.1?}; \
         {tasks} tasks completed; {:.0} MiB resident at the peak, {:.0} MiB of images at most",
        latencies.len(),
        percentile(&latencies, 100),
        megabytes(peak.memory),
        megabytes(peak.images),
    ));
    // What a model prints comes after this.
    let panics = service.log();
    let panics = panics.lines().filter(|line| {
        let of_host = line.split(" printed=").next().unwrap_or_default();
        of_host.contains("panicked at")
    });
    assert_eq!(panics.collect::<Vec<_>>(), [""; 0]);
    assert!(tasks > 0);
    assert!(p99 < SLOWEST, "{p99:?}");
    assert!(peak.memory < MAX_MEMORY, "{} bytes", peak.memory);
    assert!(peak.images < MAX_STORE, "{} bytes", peak.images);
    let client = honest.client();
    eventually("it is ready", SOON, async || {
        (client.get("/api/health/ready").await.status == 200).then_some(())
    })
    .await;
}

/// How long reads took, and how many tasks were completed: all.
async fn use_it(honest: &Attacker, url: &str, end: Instant) -> (Vec<Duration>, usize) {
    let (mut latencies, mut tasks) = (Vec::new(), 0);
    let user = session(honest).await;
    while Instant::now() < end {
        let id = user.accepted(url, "echo it").await;
        loop {
            let fresh = user.reconnected();
            for path in ["/api/health".to_owned(), format!("/api/tasks/{id}")] {
                let begin = Instant::now();
                let answer = fresh.get(&path).await;
                latencies.push(begin.elapsed());
                assert_eq!(answer.status, 200, "{path}: {answer:?}");
            }
            let task = user.task(&id).await;
            match task["status"].as_str() {
                Some("completed") => break,
                Some("failed") => panic!("{task}"),
                _ => sleep(Duration::from_millis(20)).await,
            }
        }
        tasks += 1;
        sleep(Duration::from_millis(100)).await;
    }
    (latencies, tasks)
}

/// In bytes.
#[derive(Default)]
struct Peak {
    memory: u64,
    images: u64,
}

async fn watch_it(service: &Service, launch: &Launch, end: Instant) -> Peak {
    let mut peak = Peak::default();
    while Instant::now() < end {
        peak.images = peak.images.max(Files::of(&launch.data()).images);
        sleep(Duration::from_secs(1)).await;
    }
    peak.memory = Process::of(service.id()).usage().peak;
    peak
}

/// Tries until the service has room for one more session.
async fn session(of: &Attacker) -> Client {
    loop {
        let client = of.client();
        let answer = client.try_send(Method::POST, "/api/auth/session", "").await;
        if let Ok(answer) = answer
            && answer.status == 201
        {
            return client.bearer(answer.json()["access_token"].as_str().unwrap());
        }
        sleep(Duration::from_millis(50)).await;
    }
}

async fn token(of: &Attacker) -> String {
    let session = of
        .client()
        .send(Method::POST, "/api/auth/session", "")
        .await;
    session.json()["access_token"].as_str().unwrap().to_owned()
}

/// Holds so many connections, and replaces them now and then.
async fn hold(attacker: &Attacker, count: usize, says: &[u8]) {
    let mut held = attacker.connections(count, says).await;
    loop {
        sleep(Duration::from_millis(100)).await;
        let oldest = held.len().saturating_sub(count);
        held.drain(..oldest);
        held.extend(attacker.connections(count / 64, says).await);
    }
}

async fn silent(attacker: Attacker) {
    hold(&attacker, CONNECTIONS, b"").await;
}

async fn pings(attacker: Attacker) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() < 500 {
            let stream = attacker.connection(HTTP2).await;
            connections.spawn(keep_alive(stream));
        }
        connections.join_next().await;
    }
}

async fn slow_requests(attacker: Attacker) {
    let says = endless_request(&token(&attacker).await);
    hold(&attacker, REQUESTS + 100, says.as_bytes()).await;
}

/// As slowly as is allowed.
async fn slow_uploads(attacker: Attacker) {
    let user = session(&attacker).await.with("content-type", "image/png");
    let upload = async || {
        let chunks = stream::unfold((), |()| async {
            sleep(Duration::from_secs(1)).await;
            Some((std::io::Result::Ok(vec![0; 9 * 1024]), ()))
        });
        let body = Body::wrap_stream(chunks);
        let _ = user.try_send(Method::POST, "/api/images", body).await;
        sleep(Duration::from_millis(100)).await;
    };
    join_all((0..100).map(async |_| {
        loop {
            upload().await
        }
    }))
    .await;
}

async fn watchers(attacker: Attacker, gated: String) {
    let token = token(&attacker).await;
    let user = attacker.client().bearer(&token);
    let id = user.accepted(&gated, "echo it").await;
    let says = format!(
        "GET /api/tasks/{id}/events HTTP/1.1\r\nhost: localhost\r\n\
         authorization: Bearer {token}\r\n\r\n"
    );
    hold(&attacker, 1000, says.as_bytes()).await;
}

/// By as many users as it takes to fill half of the store: elsewhere than on
/// loopback an address gets no more sessions than a few.
async fn uploads(attacker: Attacker) {
    let picture = pictures::jpeg(2000, 2000);
    let users = (0..10).map(async |_| {
        let user = session(&attacker).await;
        let user = user.with("content-type", "image/jpeg");
        loop {
            let bytes = picture.bytes.clone();
            let _ = user.try_send(Method::POST, "/api/images", bytes).await;
            sleep(Duration::from_millis(200)).await;
        }
    });
    join_all(users).await;
}

async fn broken_uploads(attacker: Attacker) {
    let says = format!(
        "POST /api/images HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         content-type: image/png\r\ncontent-length: 1000000\r\n\r\n",
        token(&attacker).await
    );
    loop {
        let mut stream = attacker.connection(says.as_bytes()).await;
        let _ = stream.write_all(&[0; 10_000]).await;
        sleep(Duration::from_millis(50)).await;
    }
}

async fn questions(attacker: Attacker) {
    let rebound = attacker.client().with("host", "evil.example");
    loop {
        let _ = rebound.try_send(Method::GET, "/", "").await;
        let ready = attacker.client();
        let _ = ready.try_send(Method::GET, "/api/health/ready", "").await;
        sleep(Duration::from_millis(5)).await;
    }
}

async fn bad_models(attacker: Attacker, url: String) {
    let prompts = ["trap now", "eat memory", "loop for ever", "answer nonsense"];
    let users = prompts.map(async |prompt| {
        let user = session(&attacker).await;
        loop {
            let body = serde_json::json!({"original_image_url": url, "refinement_prompt": prompt});
            let body = body.to_string();
            let ask = user.with("content-type", "application/json");
            let _ = ask
                .try_send(Method::POST, "/api/concepts/refine", body)
                .await;
            sleep(Duration::from_millis(500)).await;
        }
    });
    stream::iter(users)
        .for_each_concurrent(None, |user| user)
        .await;
    pending().await
}

//! Everything that one client can do to keep others out, all of it at once for
//! minutes, each from an address of its own.

mod kinds;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use concept_refinement_tests::attacks::Attacker;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::figures::show;
use concept_refinement_tests::latency::{percentile, read};
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::{Launch, Service};
use futures::StreamExt as _;
use futures::future::join_all;
use futures::stream;
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::kinds::{ATTACKS, Gains, Means, Originals, session};
use crate::samples::Files;
use crate::{megabytes, turn};

/// `REFINEMENT_ATTACK_SECONDS` is for trying it.
const TIME: Duration = Duration::from_secs(300);

/// For the requests of everyone else.
const SLOWEST: Duration = Duration::from_millis(100);

/// What may be resident at the peak, and on the disk, in bytes.
const MAX_MEMORY: u64 = 900 << 20;
const MAX_IMAGES: u64 = 400 << 20;
const MAX_STORE: u64 = 128 << 20;
const MAX_STORE_LOG: u64 = 64 << 20;
/// A task is a line, and there are some ten thousand.
const MAX_LOG: usize = 16 << 20;

/// For the end of what the attackers asked for: its downloads have to time out.
const END: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn all_attacks_at_once_shut_nobody_out() {
    let _turn = turn().await;
    let time = std::env::var("REFINEMENT_ATTACK_SECONDS");
    let time = time.map_or(TIME, |it| Duration::from_secs(it.parse().unwrap()));
    let origin = Origin::start();
    // Each accepted task reserves room, and those that wait take a slot.
    let launch = Launch::new()
        .scripted()
        .set("allow-sources", &origin.authority())
        .set("rate-limit", "unlimited")
        .set("concurrency", "1200")
        .set("model-memory", "64MiB")
        .set("model-timeout", "5s")
        .set("max-store", "6GiB")
        .set("upload-bytes", "20MiB");
    let service = launch.start();
    let url = origin.picture(&pictures::png(64, 64));
    let (gated, gate) = origin.gated(&pictures::png(8, 8));
    let silent = Reply::picture(&pictures::png(8, 8)).without_end(10);
    let originals = Originals {
        good: url.clone(),
        gated,
        silent: origin.serve(silent.then_silence()),
    };
    let gains = Arc::new(Gains::default());
    let mut attacks = JoinSet::new();
    for (number, (name, attack)) in (10..).zip(ATTACKS) {
        let means = Means {
            attacker: Attacker::new(&service, number),
            originals: originals.clone(),
            gains: Arc::clone(&gains),
        };
        attacks.spawn(async move {
            attack(means).await;
            panic!("an attack has ended: {name}");
        });
    }
    let honest = Attacker::new(&service, 3);
    let end = Instant::now() + time;
    let users = (0..4).map(|_| use_it(&honest, &url, end));
    let (used, peak) = tokio::join!(join_all(users), watch_it(&service, &launch, end));
    if let Some(ended) = attacks.try_join_next() {
        ended.unwrap();
    }
    attacks.shutdown().await;
    drop(gate);
    let (slow_uploads, ended) = (
        gains.slow_uploads.load(Ordering::Relaxed),
        ends(&gains).await,
    );

    let (mut latencies, mut tasks) = (Vec::new(), 0);
    for (of_user, completed) in used {
        latencies.extend(of_user);
        tasks += completed;
    }
    latencies.sort_unstable();
    let (p50, p99) = (percentile(&latencies, 50), percentile(&latencies, 99));
    show(&format!(
        "all attacks for {time:?}: {} other requests, p50 {p50:.1?} p99 {p99:.1?} at most {:.1?}; \
         {tasks} tasks completed; {:.0} MiB resident at the peak, {:.0} MiB of images, {:.0} MiB of \
         tasks and {:.0} MiB of their log at most; of the attackers {ended} tasks and {slow_uploads} \
         slow uploads",
        latencies.len(),
        percentile(&latencies, 100),
        megabytes(peak.memory),
        megabytes(peak.files.images),
        megabytes(peak.files.store),
        megabytes(peak.files.log),
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
    let Files {
        images, store, log, ..
    } = peak.files;
    assert!(images < MAX_IMAGES, "{images} bytes");
    assert!(store < MAX_STORE, "{store} bytes");
    assert!(log < MAX_STORE_LOG, "{log} bytes");
    assert!(service.log().len() < MAX_LOG, "{}", service.log().len());
    assert!(slow_uploads > 0, "none of the slow uploads was taken");
    let client = honest.client();
    eventually("it is ready", SOON, async || {
        (client.get("/api/health/ready").await.status == 200).then_some(())
    })
    .await;
    let stopped = tokio::task::spawn_blocking(|| service.stop()).await;
    let status = stopped.unwrap().status;
    assert!(status.success(), "{status}");
}

/// Waits for the end of all that the attackers asked for: how much that was.
async fn ends(gains: &Gains) -> usize {
    let tasks = std::mem::take(&mut *gains.tasks.lock().unwrap());
    let ends = stream::iter(&tasks).for_each_concurrent(16, async |(user, id)| {
        eventually("what was accepted ends", END, async || {
            let task = user.task(id).await;
            matches!(task["status"].as_str(), Some("completed" | "failed")).then_some(())
        })
        .await;
    });
    ends.await;
    assert!(!tasks.is_empty(), "the attackers were granted nothing");
    tasks.len()
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
                latencies.push(read(&fresh, &path).await);
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
    files: Files,
}

async fn watch_it(service: &Service, launch: &Launch, end: Instant) -> Peak {
    let mut peak = Peak::default();
    while Instant::now() < end {
        let now = Files::of(&launch.data());
        let most = &mut peak.files;
        most.images = most.images.max(now.images);
        most.store = most.store.max(now.store);
        most.log = most.log.max(now.log);
        sleep(Duration::from_secs(1)).await;
    }
    peak.memory = Process::of(service.id()).usage().peak;
    peak
}

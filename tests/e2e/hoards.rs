//! A hostile model may cost its memory and a stated allowance. It gives back what
//! it took, and nobody else feels it.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::latency::waiting_beside;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Service;

use crate::shared::{new_user, picture_url, scripted_launch};

const MIB: u64 = 1 << 20;

/// Of an instance.
const LIMIT: u64 = 64 * MIB;

/// What an instance may cost besides its memory.
const ALLOWANCE: u64 = 128 * MIB;

/// What is told of a model that makes the host hold too much.
const BEYOND: &str = "the model crashed: it asked the host to hold more for it than it may";

/// What an honest client waits at most, in 99 of 100 requests.
const PROMPT: Duration = Duration::from_millis(100);

/// How much more than before the service may have afterwards: what an allocator
/// keeps for the next time.
const GIVEN_BACK: u64 = 64 * MIB;

const FAILED: &str = "Error in refinement task processing: Image refinement failed: ";

/// An honest client, its task, and the picture that all have refined.
struct Honest {
    client: Client,
    task: String,
    url: String,
}

impl Honest {
    async fn new(service: &Service) -> Self {
        let (client, url) = (new_user(service), picture_url());
        let task = client.refined(&url, "echo it").await;
        let task = task["task_id"].as_str().unwrap().to_owned();
        Self { client, task, url }
    }

    /// Lets a model attack while the client asks for its task. Returns how long the task of the
    /// attack took to fail.
    async fn outlives(
        &self,
        service: &Service,
        prompt: &str,
        reason: &str,
        limit: u64,
    ) -> Duration {
        let process = Process::of(service.id());
        process.reset_peak();
        let before = process.usage().resident;
        let attacker = new_user(service);
        let begin = Instant::now();
        let attack = async {
            let message = attacker.failure(&self.url, prompt).await;
            (message, begin.elapsed())
        };
        let ((message, took), p99) = waiting_beside(attack, &self.client, &self.task).await;
        let cost = process.usage().peak.saturating_sub(before);
        println!(
            "{prompt}: {} MiB, {took:?}, p99 of another {p99:?}: {message}",
            cost / MIB
        );
        assert!(message.starts_with(FAILED), "{prompt}: {message}");
        assert!(message.contains(reason), "{prompt}: {message}");
        assert!(cost < limit + ALLOWANCE, "{prompt}: {cost}");
        assert!(p99 <= PROMPT, "{prompt}: {p99:?}");
        took
    }
}

#[tokio::test]
async fn what_a_model_makes_the_host_hold_is_bounded() {
    let provider = Origin::start();
    let endless = provider.serve(Reply::ok("text/plain", b"an answer").without_end(1));
    let service = scripted_launch()
        .set("model-memory", "64MiB")
        .set("model-timeout", "20s")
        .set("model-url", &format!("http://{}", provider.authority()))
        .start();
    let honest = Honest::new(&service).await;
    let resting = Process::of(service.id()).usage().resident;
    let exchanges = format!("hoard 100 exchanges: {endless}");
    for (prompt, reason) in [
        ("hoard 10000 fields", BEYOND),
        ("hoard 10000 requests", BEYOND),
        ("hoard 10000 errors", BEYOND),
        ("hoard 100000 streams", BEYOND),
        ("hoard 100000 futures", BEYOND),
        ("hoard 100000 timers", BEYOND),
        ("hoard 300 names", BEYOND),
        (&exchanges, "16 are held"),
        ("hoard 1000000000 random bytes", "held"),
        ("hoard 1000 lines", "1000 are held"),
        ("eat memory", "the model crashed"),
    ] {
        honest.outlives(&service, prompt, reason, LIMIT).await;
    }
    let connections = provider.connections();
    assert!((1..=16).contains(&connections), "{connections}");
    eventually("the memory comes back", SOON, async || {
        let resident = Process::of(service.id()).usage().resident;
        (resident < resting + GIVEN_BACK).then_some(())
    })
    .await;
    new_user(&service).completed(&honest.url, "echo it").await;
}

#[tokio::test]
async fn a_string_of_60_mb_fails_the_task_at_once() {
    let service = scripted_launch().set("model-memory", "256MiB").start();
    let honest = Honest::new(&service).await;
    for what in [
        "a refusal",
        "an excuse",
        "an address",
        "a media type",
        "a note",
    ] {
        let prompt = &format!("say 60000000 bytes of {what}");
        let took = honest.outlives(&service, prompt, BEYOND, 256 * MIB).await;
        assert!(took < Duration::from_secs(3), "{prompt}: {took:?}");
    }
    let log = service.log();
    assert!(!log.contains("the processor ended early"), "{log}");
}

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

/// What an attack did to the service.
struct Felt {
    task: serde_json::Value,
    took: Duration,
    /// Beyond what the service had before, in bytes.
    cost: u64,
    p99: Duration,
}

/// Lets a model attack, while an honest client asks for its task.
async fn attacked(service: &Service, url: &str, honest: (&Client, &str), prompt: &str) -> Felt {
    let process = Process::of(service.id());
    process.reset_peak();
    let before = process.usage().resident;
    let attacker = new_user(service);
    let begin = Instant::now();
    let attack = async {
        let task = attacker.refined(url, prompt).await;
        (task, begin.elapsed())
    };
    let ((task, took), p99) = waiting_beside(attack, honest.0, honest.1).await;
    let cost = process.usage().peak.saturating_sub(before);
    Felt {
        task,
        took,
        cost,
        p99,
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
    let url = picture_url();
    let client = new_user(&service);
    let task = client.refined(&url, "echo it").await;
    let honest = (&client, task["task_id"].as_str().unwrap());
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
        let felt = attacked(&service, &url, honest, prompt).await;
        let message = felt.task["error_message"].as_str().unwrap();
        println!(
            "{prompt}: {} MiB, {:?}, p99 of another {:?}: {message}",
            felt.cost / MIB,
            felt.took,
            felt.p99
        );
        assert_eq!(felt.task["status"], "failed", "{prompt}: {}", felt.task);
        assert!(message.starts_with(FAILED), "{prompt}: {message}");
        assert!(message.contains(reason), "{prompt}: {message}");
        assert!(felt.cost < LIMIT + ALLOWANCE, "{prompt}: {}", felt.cost);
        assert!(felt.p99 <= PROMPT, "{prompt}: {:?}", felt.p99);
    }
    let connections = provider.connections();
    assert!((1..=16).contains(&connections), "{connections}");
    eventually("the memory comes back", SOON, async || {
        let resident = Process::of(service.id()).usage().resident;
        (resident < resting + GIVEN_BACK).then_some(())
    })
    .await;
    new_user(&service).completed(&url, "echo it").await;
}

#[tokio::test]
async fn a_string_of_60_mb_fails_the_task_at_once() {
    let service = scripted_launch().set("model-memory", "256MiB").start();
    let url = picture_url();
    let client = new_user(&service);
    let task = client.refined(&url, "echo it").await;
    let honest = (&client, task["task_id"].as_str().unwrap());
    for what in [
        "a refusal",
        "an excuse",
        "an address",
        "a media type",
        "a note",
    ] {
        let prompt = &format!("say 60000000 bytes of {what}");
        let felt = attacked(&service, &url, honest, prompt).await;
        let message = felt.task["error_message"].as_str().unwrap();
        println!("{prompt}: {} MiB, {:?}", felt.cost / MIB, felt.took);
        assert_eq!(felt.task["status"], "failed", "{prompt}");
        assert!(message.starts_with(FAILED), "{prompt}: {message}");
        assert!(message.contains(BEYOND), "{prompt}: {message}");
        assert!(
            felt.took < Duration::from_secs(3),
            "{prompt}: {:?}",
            felt.took
        );
        assert!(felt.cost < 256 * MIB + ALLOWANCE, "{prompt}: {}", felt.cost);
        assert!(felt.p99 <= PROMPT, "{prompt}: {:?}", felt.p99);
    }
    let log = service.log();
    assert!(!log.contains("the processor ended early"), "{log}");
}

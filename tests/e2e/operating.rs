//! What a fault looks like to a user, in the log, to a load balancer and in the
//! metrics. `docs/operating.md` shows what these services said, word for word.

use std::fmt::Write as _;

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{READINESS, SOON, eventually};
use concept_refinement_tests::pictures::{self, padded};
use concept_refinement_tests::port::free_address;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use futures::FutureExt as _;
use futures::future::join_all;
use serde_json::Value;

use crate::metrics::{Metrics, measured_launch, scrape};
use crate::shared::{origin, picture_url, scripted_launch};

const PAGE: &str = include_str!("../../docs/operating.md");

const HEAD: &str = "\
| what fails | the user reads | the log | ready | a metric that changes |
|---|---|---|---|---|
";

/// How many failures in a row make a model unusable.
const FAILURES: usize = 5;

/// What a fault has to show.
struct Fault {
    name: &'static str,
    /// Begins the message of a line of the log.
    message: &'static str,
    /// What readiness says cannot be used.
    unusable: Option<&'static str>,
    /// A sample that is greater than before.
    sample: &'static str,
}

const KEY_REFUSED: Fault = Fault {
    name: "the provider refuses the key",
    message: "failed",
    unusable: Some("model"),
    sample: r#"model_calls_total{outcome="unauthorized"}"#,
};

const PROVIDER_AWAY: Fault = Fault {
    name: "the provider is away",
    message: "failed",
    unusable: Some("model"),
    sample: r#"model_calls_total{outcome="unavailable"}"#,
};

const NAME_UNRESOLVABLE: Fault = Fault {
    name: "the name of an original's address cannot be resolved",
    message: "failed",
    unusable: None,
    sample: r#"tasks_failed_total{step="download"}"#,
};

const PROMPT_REFUSED: Fault = Fault {
    name: "the provider refuses a prompt",
    message: "failed",
    unusable: None,
    sample: r#"model_calls_total{outcome="refused"}"#,
};

const IMAGE_TOO_LARGE: Fault = Fault {
    name: "an original is too large",
    message: "failed",
    unusable: None,
    sample: r#"tasks_failed_total{step="download"}"#,
};

const DISK_FULL: Fault = Fault {
    name: "the disk is full",
    message: "the task store has no room left",
    unusable: Some("tasks"),
    sample: r#"store_errors_total{store="tasks",operation="submit"}"#,
};

const STORE_AWAY: Fault = Fault {
    name: "a store is away (here the images)",
    message: "the image store",
    unusable: Some("images"),
    sample: r#"store_errors_total{store="images",operation="put"}"#,
};

const HOST_KILLED: Fault = Fault {
    name: "a host is killed while it works on a task",
    message: "completed",
    unusable: None,
    sample: "leases_lost_total",
};

/// A service that met a fault.
struct Watched {
    service: Service,
    metrics: Metrics,
    /// It has the service's disk.
    _launch: Launch,
}

impl Watched {
    async fn start(launch: &Launch) -> Self {
        let launch = launch.clone().set("log-format", "json");
        let (service, metrics) = measured_launch(launch.clone()).await;
        Self {
            service,
            metrics,
            _launch: launch,
        }
    }

    fn user(&self, name: &str) -> Client {
        Client::user(self.service.url(), name)
    }

    /// What it says by now and what a user read, as a row of the table.
    async fn row(&self, fault: &Fault, read: &str) -> String {
        let Fault {
            name,
            message,
            unusable,
            sample,
        } = fault;
        let ready = self.ready(*unusable).await;
        let log = eventually(message, SOON, async || {
            self.service
                .log()
                .lines()
                .find_map(|line| told(line, message))
        })
        .await;
        let (_, after) = scrape(&self.metrics).await;
        let full_name = format!("concept_refinement_{sample}");
        let value = after.samples.get(&full_name).copied().unwrap_or_default();
        assert!(value > 0.0, "{name}: {sample} is {value}");
        let usable = "concept_refinement_capability_usable";
        match *unusable {
            Some(capability) => {
                let series = format!("{usable}{{capability=\"{capability}\"}}");
                assert_eq!(after.samples.get(&series), Some(&0.0), "{name}: {series}");
            }
            None => assert_eq!(after.sum(usable, &[]), 4.0, "{name}"),
        }
        format!("| {name} | {read} | {log} | {ready} | `{sample}` |\n")
    }

    /// Both answers, once they are about what cannot be used, and about nothing else: at first a
    /// full disk is in the way of other capabilities, too.
    async fn ready(&self, unusable: Option<&str>) -> String {
        let anybody = Client::new(self.service.url());
        let (status, report) = eventually("readiness", READINESS, async || {
            let judged = anybody.get("/api/health/ready?model").await;
            let report = judged.json()["capabilities"].clone();
            let is_told = match unusable {
                Some(unusable) => {
                    let states = report.as_object().unwrap();
                    let mut states = states.iter();
                    states.all(|(name, state)| (state == "ok") == (name != unusable))
                }
                None => judged.status == 200,
            };
            is_told.then_some((judged.status, report))
        })
        .await;
        let without = anybody.get("/api/health/ready").await.status;
        let Some(capability) = unusable else {
            return without.to_string();
        };
        let sentence = report[capability].as_str().unwrap();
        match without == status {
            true => format!("{status}, `{capability}`: {sentence}"),
            false => format!("{without}; with `?model` {status}, `{capability}`: {sentence}"),
        }
    }
}

/// A line of the log whose message begins so, without what differs from run to run.
fn told(line: &str, message: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let said = line["message"].as_str()?;
    if !said.starts_with(message) {
        return None;
    }
    let mut told = format!("`{} {said}", line["level"].as_str()?);
    for field in ["step", "reason", "attempt"] {
        match &line[field] {
            Value::Null => {}
            value => write!(told, " {field}={value}").unwrap(),
        }
    }
    Some(told + "`")
}

fn launch() -> Launch {
    scripted_launch().embedded()
}

fn with_provider(url: &str) -> Launch {
    launch()
        .set("model", "openai")
        .set("model-url", url)
        .variable("REFINEMENT_MODEL_API_KEY", "sk-hush-1234")
}

fn refusal(answer: &Answer) -> String {
    format!(
        "{}: {}",
        answer.status,
        answer.json()["detail"].as_str().unwrap()
    )
}

/// What the user of a task reads that failed.
async fn failure(client: &Client, url: &str) -> String {
    let task = client.refined(url, "make it lighter").await;
    task["error_message"].as_str().unwrap().to_owned()
}

async fn key_refused() -> (Watched, String) {
    let provider = Provider::answering(|_| Reply::status(401));
    let watched = Watched::start(&with_provider(&provider.url())).await;
    let read = failure(&watched.user("ada"), &picture_url()).await;
    (watched, read)
}

async fn provider_away() -> (Watched, String) {
    let closed = format!("http://{}", free_address());
    let watched = Watched::start(&with_provider(&closed)).await;
    let users = (0..FAILURES).map(async |index| {
        let client = watched.user(&format!("user {index}"));
        failure(&client, &picture_url()).await
    });
    let mut read = join_all(users).await;
    (watched, read.remove(0))
}

async fn name_unresolvable() -> (Watched, String) {
    let watched = Watched::start(&launch()).await;
    let read = failure(&watched.user("ada"), "http://nowhere.invalid/logo.png").await;
    (watched, read)
}

async fn prompt_refused() -> (Watched, String) {
    let body = r#"{"error": {"message": "Your request was rejected by our safety system."}}"#;
    let headers = format!("content-length: {}\r\n", body.len());
    let provider = Provider::answering(move |_| Reply::new(400, &headers, body.as_bytes()));
    let watched = Watched::start(&with_provider(&provider.url())).await;
    let read = failure(&watched.user("ada"), &picture_url()).await;
    (watched, read)
}

async fn image_too_large() -> (Watched, String) {
    let watched = Watched::start(&launch().set("max-image-bytes", "1MiB")).await;
    let large = origin().serve(Reply::ok("image/png", &padded(2 << 20)));
    let read = failure(&watched.user("ada"), &large).await;
    (watched, read)
}

async fn disk_full() -> (Watched, String) {
    const BYTES: u64 = 8 << 20;
    let launch = launch().on_small_disk(BYTES);
    let watched = Watched::start(&launch).await;
    launch.disk().fill();
    let refused = watched
        .user("ada")
        .refine(&picture_url(), "make it lighter")
        .await;
    (watched, refusal(&refused))
}

async fn store_away() -> (Watched, String) {
    let launch = launch();
    let watched = Watched::start(&launch).await;
    let (ada, picture) = (watched.user("ada"), pictures::png(8, 8));
    ada.uploaded(&picture).await;
    let images = launch.data().join("images");
    std::fs::rename(&images, launch.data().join("elsewhere")).unwrap();
    std::fs::write(&images, "in the way").unwrap();
    let refused = ada.upload(picture.media_type, &picture.bytes).await;
    (watched, refusal(&refused))
}

async fn host_killed() -> (Watched, String) {
    let launch = launch();
    let watched = Watched::start(&launch).await;
    let ada = watched.user("ada");
    let id = ada.accepted(&picture_url(), "wait 1000ms").await;
    ada.task_is(&id, "processing").await;
    watched.service.kill();
    let watched = Watched::start(&launch).await;
    let task = watched.user("ada").finished(&id).await;
    let status = task["status"].as_str().unwrap();
    let read = format!("`{status}`, by another host or after a restart");
    (watched, read)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_shows_what_each_fault_looks_like() {
    let mut table = HEAD.to_owned();
    for (fault, met) in [
        (KEY_REFUSED, key_refused().boxed_local()),
        (PROVIDER_AWAY, provider_away().boxed_local()),
        (NAME_UNRESOLVABLE, name_unresolvable().boxed_local()),
        (PROMPT_REFUSED, prompt_refused().boxed_local()),
        (IMAGE_TOO_LARGE, image_too_large().boxed_local()),
        (DISK_FULL, disk_full().boxed_local()),
        (STORE_AWAY, store_away().boxed_local()),
        (HOST_KILLED, host_killed().boxed_local()),
    ] {
        let (watched, read) = met.await;
        table += &watched.row(&fault, &read).await;
    }
    assert!(
        PAGE.contains(&table),
        "docs/operating.md should have:\n{table}"
    );
}

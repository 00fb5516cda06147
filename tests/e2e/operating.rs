//! What a fault looks like to a user, in the log, to a load balancer and in the
//! metrics. `docs/operating.md` shows what these services said, word for word.

use std::fmt::Write as _;
use std::net::TcpListener;

use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{READINESS, SOON, eventually};
use concept_refinement_tests::pictures::{self, padded};
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::join_all;
use serde_json::Value;

use crate::metrics::{Metrics, measured_launch, scrape};
use crate::shared::{origin, scripted_launch};

const PAGE: &str = include_str!("../../docs/operating.md");

const HEAD: &str = "\
| what fails | the user reads | the log | ready | a metric that changes |
|---|---|---|---|---|
";

/// How many failures in a row make a model unusable.
const FAILURES: usize = 5;

/// What a fault has to show.
struct Expected<'a> {
    fault: &'a str,
    /// What a user read, who met it.
    read: &'a str,
    /// Begins the message of a line of the log.
    message: &'a str,
    /// What readiness says cannot be used.
    unusable: Option<&'a str>,
    /// A sample that is greater than before.
    sample: &'a str,
}

struct Watched {
    service: Service,
    metrics: Metrics,
}

impl Watched {
    async fn start(launch: &Launch) -> Self {
        let launch = launch.clone().set("log-format", "json");
        let (service, metrics) = measured_launch(launch).await;
        Self { service, metrics }
    }

    fn user(&self, name: &str) -> Client {
        Client::user(self.service.url(), name)
    }

    /// What it says by now, as a row of the table.
    async fn row(&self, expected: &Expected<'_>) -> String {
        let Expected { fault, read, .. } = expected;
        let ready = self.ready(expected.unusable).await;
        let log = eventually(expected.message, SOON, async || {
            self.service
                .log()
                .lines()
                .find_map(|line| told(line, expected.message))
        })
        .await;
        let (_, after) = scrape(&self.metrics).await;
        let sample = format!("concept_refinement_{}", expected.sample);
        let value = after.samples.get(&sample).copied().unwrap_or_default();
        assert!(value > 0.0, "{fault}: {sample} is {value}");
        format!(
            "| {fault} | {read} | {log} | {ready} | `{}` |\n",
            expected.sample
        )
    }

    /// Both answers, once they are about what cannot be used.
    async fn ready(&self, unusable: Option<&str>) -> String {
        let anybody = Client::new(self.service.url());
        let (status, report) = eventually("readiness", READINESS, async || {
            let judged = anybody.get("/api/health/ready?model").await;
            let report = judged.json()["capabilities"].clone();
            let is_told = match unusable {
                Some(capability) => report[capability] != "ok",
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

fn picture() -> String {
    origin().picture(&pictures::png(8, 8))
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

async fn key_refused() -> String {
    let provider = Provider::answering(|_| Reply::status(401));
    let watched = Watched::start(&with_provider(&provider.url())).await;
    let read = failure(&watched.user("ada"), &picture()).await;
    let expected = Expected {
        fault: "the provider refuses the key",
        read: &read,
        message: "failed",
        unusable: Some("model"),
        sample: r#"model_calls_total{outcome="unauthorized"}"#,
    };
    watched.row(&expected).await
}

async fn provider_away() -> String {
    // Nobody listens where somebody just did.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let watched = Watched::start(&with_provider(&format!("http://{address}"))).await;
    let users = (0..FAILURES).map(async |index| {
        let client = watched.user(&format!("user {index}"));
        failure(&client, &picture()).await
    });
    let read = join_all(users).await;
    let expected = Expected {
        fault: "the provider is away",
        read: read.first().unwrap(),
        message: "failed",
        unusable: Some("model"),
        sample: r#"model_calls_total{outcome="unavailable"}"#,
    };
    watched.row(&expected).await
}

async fn name_unresolvable() -> String {
    let watched = Watched::start(&launch()).await;
    let read = failure(&watched.user("ada"), "http://nowhere.invalid/logo.png").await;
    let expected = Expected {
        fault: "the name of an original's address cannot be resolved",
        read: &read,
        message: "failed",
        unusable: None,
        sample: r#"tasks_failed_total{step="download"}"#,
    };
    watched.row(&expected).await
}

async fn prompt_refused() -> String {
    let body = r#"{"error": {"message": "Your request was rejected by our safety system."}}"#;
    let headers = format!("content-length: {}\r\n", body.len());
    let provider = Provider::answering(move |_| Reply::new(400, &headers, body.as_bytes()));
    let watched = Watched::start(&with_provider(&provider.url())).await;
    let read = failure(&watched.user("ada"), &picture()).await;
    let expected = Expected {
        fault: "the provider refuses a prompt",
        read: &read,
        message: "failed",
        unusable: None,
        sample: r#"model_calls_total{outcome="refused"}"#,
    };
    watched.row(&expected).await
}

async fn image_too_large() -> String {
    let watched = Watched::start(&launch().set("max-image-bytes", "1MiB")).await;
    let large = origin().serve(Reply::ok("image/png", &padded(2 << 20)));
    let read = failure(&watched.user("ada"), &large).await;
    let expected = Expected {
        fault: "an original is too large",
        read: &read,
        message: "failed",
        unusable: None,
        sample: r#"tasks_failed_total{step="download"}"#,
    };
    watched.row(&expected).await
}

async fn disk_full() -> String {
    const BYTES: u64 = 8 << 20;
    let launch = launch().on_small_disk(BYTES);
    let watched = Watched::start(&launch).await;
    launch.disk().fill();
    let refused = watched
        .user("ada")
        .refine(&picture(), "make it lighter")
        .await;
    let read = refusal(&refused);
    let expected = Expected {
        fault: "the disk is full",
        read: &read,
        message: "the task store has no room left",
        unusable: Some("tasks"),
        sample: r#"store_errors_total{store="tasks",operation="submit"}"#,
    };
    watched.row(&expected).await
}

async fn store_away() -> String {
    let launch = launch();
    let watched = Watched::start(&launch).await;
    let (ada, picture) = (watched.user("ada"), pictures::png(8, 8));
    ada.uploaded(&picture).await;
    let images = launch.data().join("images");
    std::fs::rename(&images, launch.data().join("elsewhere")).unwrap();
    std::fs::write(&images, "in the way").unwrap();
    let refused = ada.upload(picture.media_type, &picture.bytes).await;
    let read = refusal(&refused);
    let expected = Expected {
        fault: "a store is away (here the images)",
        read: &read,
        message: "the image store",
        unusable: Some("images"),
        sample: r#"store_errors_total{store="images",operation="put"}"#,
    };
    watched.row(&expected).await
}

async fn host_killed() -> String {
    let launch = launch();
    let watched = Watched::start(&launch).await;
    let ada = watched.user("ada");
    let id = ada.accepted(&picture(), "wait 1000ms").await;
    ada.task_is(&id, "processing").await;
    watched.service.kill();
    let watched = Watched::start(&launch).await;
    let task = watched.user("ada").finished(&id).await;
    let status = task["status"].as_str().unwrap();
    let expected = Expected {
        fault: "a host is killed while it works on a task",
        read: &format!("`{status}`, by another host or after a restart"),
        message: "completed",
        unusable: None,
        sample: "tasks_completed_total",
    };
    watched.row(&expected).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_shows_what_each_fault_looks_like() {
    let mut table = HEAD.to_owned();
    for row in [
        key_refused().await,
        provider_away().await,
        name_unresolvable().await,
        prompt_refused().await,
        image_too_large().await,
        disk_full().await,
        store_away().await,
        host_killed().await,
    ] {
        table += &row;
    }
    assert!(
        PAGE.contains(&table),
        "docs/operating.md should have:\n{table}"
    );
}

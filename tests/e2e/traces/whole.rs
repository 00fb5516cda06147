//! One trace has everything that happened to a task, whichever process it happened in.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::collector::Collector;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};

use super::{PARENT, TRACE, only, traceparent};
use crate::roles::Hosts;
use crate::shared::{new_name, new_user, origin, picture_url, scripted_launch};
use crate::webhooks::{accepted, receiver};

const REQUEST: &str = "POST /api/concepts/refine";

/// With everything that a task may have.
#[tokio::test]
async fn a_trace_begins_with_the_client_and_ends_with_the_webhook() {
    let collector = Collector::start();
    let launch = scripted_launch()
        .set("allow-webhooks", "127.0.0.1")
        .set("log-format", "json")
        .variable(
            "OTEL_RESOURCE_ATTRIBUTES",
            "deployment.environment.name=test",
        );
    let service = collector.of(launch).start();
    let client = new_user(&service).with("traceparent", &traceparent("01"));
    let hook = receiver().hook([Reply::status(500), Reply::status(200)]);
    let task_id = accepted(&client, "echo it", &hook).await;
    let names = [
        REQUEST,
        "submit",
        "queue",
        "attempt",
        "claim",
        "downloading",
        "refining",
        "model",
        "storing-image",
        "storing-concept",
        "webhook",
        "webhook",
    ];
    let spans = collector.trace(TRACE, &names).await;
    let span = |name| only(&spans, name);

    let request = span(REQUEST);
    assert_eq!((&*request.parent, request.kind), (PARENT, SpanKind::Server));
    assert_eq!(request.attribute("http.response.status_code"), Some("202"));
    assert_eq!(request.resource["service.name"], "concept-refinement");
    assert_eq!(request.resource["deployment.environment.name"], "test");
    for (name, parent) in [
        ("submit", REQUEST),
        ("queue", REQUEST),
        ("attempt", REQUEST),
        ("claim", "attempt"),
        ("downloading", "attempt"),
        ("refining", "attempt"),
        ("model", "refining"),
        ("storing-image", "attempt"),
        ("storing-concept", "attempt"),
    ] {
        assert_eq!(span(name).parent, span(parent).id, "{name}");
        assert!(span(name).begin <= span(name).end, "{name}");
        assert!(!span(name).is_error, "{name}");
    }
    for name in ["submit", "queue", "attempt"] {
        let of = span(name).attribute("refinement.task.id");
        assert_eq!(of, Some(&*task_id), "{name}");
    }
    let attempt = span("attempt");
    assert_eq!(attempt.attribute("refinement.attempt"), Some("1"));
    assert_eq!(attempt.attribute("refinement.outcome"), Some("completed"));
    assert!(attempt.links.is_empty());

    let mut webhooks: Vec<_> = spans.iter().filter(|span| span.name == "webhook").collect();
    webhooks.sort_by_key(|span| span.begin);
    for (webhook, (status, is_error)) in webhooks.iter().zip([("500", true), ("200", false)]) {
        assert_eq!(webhook.links, [&*request.id]);
        assert_eq!(webhook.attribute("http.response.status_code"), Some(status));
        assert_eq!(webhook.is_error, is_error);
    }
    // The receiver is told which span it is part of.
    for (delivery, webhook) in receiver().deliveries(&hook).iter().zip(&webhooks) {
        let expected = format!("00-{TRACE}-{}-01", webhook.id);
        assert_eq!(delivery.header("traceparent"), Some(&*expected));
    }
    let log = service.stop().log;
    let completed = log.lines().find(|line| line.contains("\"completed\""));
    let completed: Value = serde_json::from_str(completed.unwrap()).unwrap();
    assert_eq!(completed["task_id"], *task_id);
    assert_eq!(completed["trace_id"], TRACE);
}

/// The bit by which the client says that it records nothing is respected, in later
/// attempts and webhooks too.
#[tokio::test]
async fn what_the_client_does_not_record_is_not_recorded() {
    let collector = Collector::start();
    let launch = scripted_launch().set("allow-webhooks", "127.0.0.1");
    let service = collector.of(launch).start();
    let anybody = new_user(&service);
    let client = anybody.with("traceparent", &traceparent("00"));
    let hook = receiver().hook([Reply::status(200)]);
    let task_id = accepted(&client, "echo it", &hook).await;
    client.finished(&task_id).await;
    eventually("a delivery", SOON, async || {
        receiver().deliveries(&hook).pop()
    })
    .await;
    let delivery = receiver().deliveries(&hook).remove(0);
    let told = delivery.header("traceparent").unwrap();
    assert!(
        told.starts_with(&format!("00-{TRACE}-")) && told.ends_with("-00"),
        "{told}"
    );
    drop(service.stop());
    assert!(collector.spans().iter().all(|span| span.trace_id != TRACE));
}

/// The attempt that died is lost with its process; the next one, all of its stages and the
/// webhook are in the same trace.
#[tokio::test]
async fn one_trace_goes_through_a_kill() {
    let launch = scripted_launch().set("allow-webhooks", "127.0.0.1");
    goes_through_a_kill(&launch, &launch).await;
}

/// Which another host carries on.
#[tokio::test]
async fn one_trace_goes_from_host_to_host() {
    let first = Hosts::with("store")
        .launch
        .set("allow-webhooks", "127.0.0.1")
        .set("public-url", "https://refine.example");
    goes_through_a_kill(&first, &first.elsewhere()).await;
}

async fn goes_through_a_kill(first: &Launch, second: &Launch) {
    let collector = Collector::start();
    let service = collector.of(first.clone()).start();
    let user = new_name();
    let client = Client::user(service.url(), &user).with("traceparent", &traceparent("01"));
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let hook = receiver().hook([Reply::status(200)]);
    let hooked = json!({"webhook_url": hook});
    let id = client.accepted_with(&url, "echo it", &hooked).await;
    let before = collector
        .trace(TRACE, &[REQUEST, "submit", "queue", "claim"])
        .await;
    let request = only(&before, REQUEST);
    let lost = only(&before, "claim").parent.clone();
    service.kill();

    gate.open();
    let service = collector.of(second.clone()).start();
    let client = Client::user(service.url(), &user);
    let finished = client.finished(&id).await;
    assert_eq!(finished["status"], "completed", "{finished}");
    let stages = [
        "downloading",
        "refining",
        "storing-image",
        "storing-concept",
    ];
    let names = [&stages[..], &["attempt", "model", "webhook"]].concat();
    let spans = collector.trace(TRACE, &names).await;
    let attempt = only(&spans, "attempt");
    assert_eq!(attempt.parent, request.id);
    assert_eq!(attempt.links, [&*request.id]);
    assert_eq!(attempt.attribute("refinement.attempt"), Some("2"));
    assert_eq!(attempt.attribute("refinement.outcome"), Some("completed"));
    assert_eq!(only(&spans, "webhook").links, [&*request.id]);
    assert_eq!(only(&spans, "model").parent, only(&spans, "refining").id);
    for stage in stages {
        let mut of_stage = spans.iter().filter(|span| span.name == stage);
        assert!(of_stage.any(|span| span.parent == attempt.id), "{stage}");
    }
    // Nothing hangs in the air but what the dead attempt had begun.
    for span in &spans {
        let parent = &*span.parent;
        let is_known = parent == PARENT || parent == lost || spans.iter().any(|it| it.id == parent);
        assert!(is_known, "{span:?}");
    }
    service.stop();
}

/// The provider is told which span its request is part of, and so is the operator which
/// stage failed.
#[tokio::test]
async fn a_provider_gets_the_context_and_the_span_its_error() {
    let (collector, provider) = (Collector::start(), Provider::start());
    let launch = Launch::new()
        .with_tokens()
        .set("allow-sources", &origin().authority())
        .set("rate-limit", "unlimited")
        .set("model", "openai")
        .set("model-url", &provider.url())
        .variable("REFINEMENT_MODEL_API_KEY", "sk-key");
    let service = collector.of(launch).start();
    let client = new_user(&service).with("traceparent", &traceparent("01"));
    let prompt = provider.prompt([Reply::status(400)]);
    let task = client.refined(&picture_url(), &prompt).await;
    assert_eq!(task["status"], "failed", "{task}");
    let spans = collector.trace(TRACE, &["attempt", "model"]).await;
    let model = only(&spans, "model");
    assert_eq!(model.kind, SpanKind::Client);
    assert_eq!(model.attribute("refinement.model"), Some("openai"));
    assert_eq!(model.attribute("error.type"), Some("refused"));
    let asked = provider.asked(&prompt);
    let expected = format!("00-{TRACE}-{}-01", model.id);
    assert_eq!(asked[0].header("traceparent"), Some(&*expected));
    for name in ["refining", "attempt"] {
        let failed = only(&spans, name);
        assert_eq!(failed.attribute("error.type"), Some("refining"), "{name}");
        assert!(failed.is_error, "{name}");
    }
    assert_eq!(
        only(&spans, "attempt").attribute("refinement.outcome"),
        Some("failed")
    );
}

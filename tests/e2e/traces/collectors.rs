//! Collectors that are slow, broken or away, and what the operator set wrongly.

use std::time::{Duration, Instant};

use concept_refinement_tests::collector::{Collector, sending_to};
use concept_refinement_tests::receiver::nobody;
use concept_refinement_tests::server::Reply;
use concept_refinement_tests::service::Launch;

use super::traceparent;
use crate::shared::{new_user, picture_url, scripted_launch};

/// The last spans may take a second of it.
const STOP: Duration = Duration::from_secs(8);

/// More than a collector of a test would ever hold up.
const TASK: Duration = Duration::from_secs(20);

/// Of a queue that is full after a few spans.
fn small_queue(launch: Launch) -> Launch {
    launch
        .variable("OTEL_BSP_MAX_QUEUE_SIZE", "8")
        .variable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
}

#[tokio::test]
async fn tasks_go_on_and_the_stop_is_quick_whatever_the_collector_does() {
    let hanging =
        Collector::answering(Reply::ok("text/plain", b"").after(Duration::from_secs(600)));
    let failing = Collector::answering(Reply::status(500));
    let trickling = Collector::answering(
        Reply::ok("text/plain", &[b'x'; 1 << 20]).byte_by_byte(Duration::from_millis(20)),
    );
    for (name, url) in [
        ("hangs", hanging.url()),
        ("fails", failing.url()),
        ("trickles", trickling.url()),
        ("is away", nobody()),
        (
            "is in no network",
            "http://collector.invalid:4318".to_owned(),
        ),
    ] {
        let service = sending_to(&url, small_queue(scripted_launch())).start();
        let client = new_user(&service).with("traceparent", &traceparent("01"));
        let begin = Instant::now();
        for _ in 0..5 {
            let task = client.refined(&picture_url(), "echo it").await;
            assert_eq!(task["status"], "completed", "{name}: {task}");
        }
        assert!(begin.elapsed() < TASK, "{name}: {:?}", begin.elapsed());
        let begin = Instant::now();
        let ended = service.stop();
        assert!(begin.elapsed() < STOP, "{name}: {:?}", begin.elapsed());
        assert!(ended.status.success(), "{name}: {}", ended.log);
    }
}

/// Nothing is sent, no thread waits for spans, and nobody is told of a trace.
#[tokio::test]
async fn without_a_collector_there_are_no_traces() {
    let collector = Collector::start();
    for (name, variable, value, warns) in [
        ("disabled", "OTEL_SDK_DISABLED", "true", false),
        ("unusable", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", true),
    ] {
        let launch = sending_to(&collector.url(), scripted_launch());
        let service = launch.variable(variable, value).start();
        let client = new_user(&service).with("traceparent", &traceparent("01"));
        let task = client.refined(&picture_url(), "echo it").await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
        let threads = service.threads();
        let has_thread = threads
            .iter()
            .any(|thread| thread.contains("OpenTelemetry"));
        assert!(!has_thread, "{name}: {threads:?}");
        let log = service.stop().log;
        assert_eq!(log.contains("no traces are sent"), warns, "{name}: {log}");
        assert!(!log.contains("trace_id"), "{name}: {log}");
    }
    assert!(collector.requests().is_empty());
}

#[tokio::test]
async fn the_operator_names_the_service_and_its_credentials() {
    let collector = Collector::start();
    let launch = collector
        .of(scripted_launch())
        .variable("OTEL_SERVICE_NAME", "refinement-eu")
        .variable(
            "OTEL_EXPORTER_OTLP_HEADERS",
            "authorization=Bearer%20of-the-collector",
        )
        .variable("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
        .variable("OTEL_TRACES_SAMPLER_ARG", "0");
    let service = launch.start();
    let anybody = new_user(&service);
    // The ratio is for those who do not say themselves.
    anybody.get("/api/tasks").await;
    let client = anybody.with("traceparent", &traceparent("01"));
    client.get("/api/concepts").await;
    let log = service.stop().log;
    let spans = collector.spans();
    assert_eq!(spans.len(), 1, "{spans:#?}");
    assert_eq!(spans[0].name, "GET /api/concepts");
    assert_eq!(spans[0].resource["service.name"], "refinement-eu");
    for request in collector.requests() {
        assert_eq!(
            request.header("authorization"),
            Some("Bearer of-the-collector")
        );
    }
    assert!(!log.contains("of-the-collector"), "{log}");
}

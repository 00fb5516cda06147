//! What a program gets that embeds the host: its service, and its client.

use std::future::poll_fn;
use std::net::IpAddr;
use std::path::Path;

use bytes::Bytes;
use concept_refinement_host::config::{Quota, Window};
use concept_refinement_host::{
    ClientAddress, ClientError, Components, Config, Host, HostBuilder, RefineRequest, Service,
    TaskEvent,
};
use concept_refinement_tests::artifacts;
use concept_refinement_tests::pictures::{mask, png};
use futures::TryStreamExt as _;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tower_service::Service as _;

/// Listens nowhere. `limit`: refinements a day.
async fn start(data: &Path, limit: u32) -> Host {
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    let config = Config::builder()
        .data_dir(data)
        .rate_limit(Some(Quota {
            limit,
            window: Window::Day,
        }))
        .uploads(3)
        .build()
        .unwrap();
    let components = Components::load(Some(&artifacts::components()), &config).unwrap();
    let builder = HostBuilder::new(config).components(components);
    builder.without_listener().start().await.unwrap()
}

async fn answer(service: &mut Service, request: Request<Full<Bytes>>) -> (StatusCode, Value) {
    poll_fn(|context| {
        let ready: std::task::Poll<Result<(), _>> =
            <Service as tower_service::Service<Request<Full<Bytes>>>>::poll_ready(service, context);
        ready
    })
    .await
    .unwrap();
    let answer: Response<_> = service.call(request).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn session(host: &str, client: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(Method::POST)
        .uri("/api/auth/session")
        .header("host", host)
        .body(Full::default())
        .unwrap();
    if let Some(address) = client {
        let address: IpAddr = address.parse().unwrap();
        request.extensions_mut().insert(ClientAddress(address));
    }
    request
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_has_the_limits_of_a_listener() {
    let data = tempfile::tempdir().unwrap();
    let host = start(data.path(), 10).await;
    let mut service = host.service();

    // As on a listener at a loopback address.
    let (status, _) = answer(&mut service, session("evil.example", None)).await;
    assert_eq!(status, 421);
    let no_host = Request::get("/api/health").body(Full::default()).unwrap();
    assert_eq!(answer(&mut service, no_host).await.0, 400);

    // All requests without an address are of one client.
    let mut refused = 0;
    for _ in 0..31 {
        let (status, _) = answer(&mut service, session("localhost", None)).await;
        refused += u32::from(status == 429);
    }
    assert_eq!(refused, 1);
    for client in ["203.0.113.1", "203.0.114.1"] {
        let (status, _) = answer(&mut service, session("localhost", Some(client))).await;
        assert_eq!(status, 201, "{client}");
    }

    let (_, made) = answer(&mut service, session("localhost", Some("127.0.0.1"))).await;
    let mut large = png(64, 48).bytes;
    large.resize(22 << 20, 0);
    let upload = Request::post("/api/images")
        .header("host", "localhost")
        .header(
            "authorization",
            format!("Bearer {}", made["access_token"].as_str().unwrap()),
        )
        .header("content-type", "image/png")
        .header("content-length", large.len())
        .body(Full::from(large))
        .unwrap();
    assert_eq!(answer(&mut service, upload).await.0, 413);

    host.stop().await;
    let (status, _) = answer(&mut service, session("localhost", None)).await;
    assert_eq!(status, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_in_process_is_a_user_like_others() {
    let data = tempfile::tempdir().unwrap();
    let host = start(data.path(), 2).await;
    let (ada, bob) = (host.client("ada"), host.client("bob"));
    let request = RefineRequest::new("darker").logo_description("a cup");

    let part = mask(64, 48, [0, 0, 32, 48]).bytes;
    let masked = request.clone().mask(part);
    let refined = ada.refine(png(64, 48).bytes, &masked).await.unwrap();
    assert_eq!(refined.format.media_type(), "image/png");
    let id = refined.concept_id.unwrap();
    let concept = ada.concept(&id).await.unwrap();
    assert_eq!(concept.logo_description.as_deref(), Some("a cup"));
    assert_eq!(ada.image(&concept).await.unwrap(), refined.bytes);
    let upload = refined.upload.unwrap();

    // Nobody else's.
    let error = bob.concept(&id).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Api { status: 404, .. }),
        "{error:?}"
    );
    assert_eq!(bob.quota().await.unwrap().remaining, Some(2));
    assert_eq!(ada.quota().await.unwrap().remaining, Some(1));
    let usage = ada.usage().await.unwrap();
    assert_eq!((&*usage.spent, usage.limit), ("0.00", None));

    // Step by step.
    let task = ada.submit(&upload.image_url, &request).await.unwrap();
    let events = ada.watch(&task.task_id).await.unwrap();
    let events: Vec<_> = events.try_collect().await.unwrap();
    let Some(TaskEvent::Changed(last)) = events.last() else {
        panic!("{events:?}");
    };
    assert!(last.is_completed(), "{last:?}");
    let tasks = ada.tasks(None).await.unwrap();
    let ids: Vec<_> = tasks.items.iter().map(|task| &task.task_id).collect();
    assert_eq!(ids, [&task.task_id, &concept.task_id]);

    // The mask is gone, and so is what was uploaded for a refinement that is refused: of the three
    // uploads that are allowed, each of these needs two more.
    let refused = RefineRequest::new("").mask(png(64, 48).bytes);
    for _ in 0..2 {
        let error = ada.refine(png(64, 48).bytes, &refused).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Api { status: 422, .. }),
            "{error:?}"
        );
    }

    // The quota is that of the API, and so are its sentences.
    let error = ada.submit(&upload.image_url, &request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "Rate limit exceeded for /concepts/refine (2/day). Try again later."
    );
    let error = ada
        .submit("ftp://example.com", &RefineRequest::new(""))
        .await;
    let ClientError::Api { field_errors, .. } = error.unwrap_err() else {
        panic!("no problems");
    };
    assert_eq!(
        Vec::from_iter(field_errors.keys()),
        ["original_image_url", "refinement_prompt"]
    );
    ada.delete_upload(&upload.path).await.unwrap();
    ada.delete_me().await.unwrap();
    assert_eq!(ada.concepts(None).await.unwrap().items.len(), 0);
    host.stop().await;
}

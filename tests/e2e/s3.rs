//! Images in S3, as users of the API see it: while it works, while it is away in
//! one way or another, and where it refuses.

use std::net::{SocketAddr, TcpListener};

use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::metadata::marked;
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::s3::{ACCESS_KEY, Kind, SECRET_KEY, shared};
use concept_refinement_tests::server::SERVERS;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tls::{self, TlsPort};

use crate::moving::moving;
use crate::outage;
use crate::unusable::{DISTRUSTED, assert_refused};

struct World {
    service: Service,
    proxy: Proxy,
}

fn world() -> World {
    let server = shared(Kind::S3sFs);
    let (place, proxy) = (server.place(), Proxy::to(server.address()));
    let launch = Launch::new().embedded();
    let service = launch.images_at(&place, proxy.address()).start();
    World { service, proxy }
}

async fn upload(client: &Client, picture: &Picture) -> Answer {
    client.upload(picture.media_type, &picture.bytes).await
}

#[tokio::test]
async fn a_refinement_is_in_the_bucket_and_nowhere_else() {
    for kind in [Kind::S3sFs, Kind::Moto] {
        let place = shared(kind).place();
        let launch = Launch::new().embedded().scripted().with_tokens();
        let launch = launch.images_in(&place);
        let service = launch.start();
        let client = Client::user(service.url(), "ada");
        let picture = pictures::png(64, 64);
        let original = client.uploaded(&picture).await;
        assert_eq!(place.objects(), 1, "{kind:?}");
        let task = client.refined(&original, "echo it").await;
        assert_eq!(task["status"], "completed", "{kind:?}: {task}");
        assert_eq!(place.objects(), 2, "{kind:?}");
        assert!(!launch.data().join("images").exists(), "{kind:?}");

        // Another process finds all of it.
        service.stop();
        let service = launch.start();
        let client = Client::user(service.url(), "ada");
        let task = client.task(task["task_id"].as_str().unwrap()).await;
        let url = task["image_url"].as_str().unwrap();
        let refined = Client::new(service.url()).get(url).await;
        assert_eq!(refined.status, 200, "{kind:?}: {refined:?}");
        assert!(refined.body == marked(&picture), "{kind:?}");
        let concept = task["result_id"].as_str().unwrap();
        let deleted = client.delete(&format!("/api/concepts/{concept}")).await;
        assert_eq!(deleted.status, 204, "{kind:?}");
        assert_eq!(place.objects(), 1, "{kind:?}: the upload is left");
    }
}

/// Whatever way it is away in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_away_calls_are_refused_in_time_and_work_on_its_return() {
    let World { service, proxy } = world();
    let client = Client::session(service.url()).await;
    let picture = pictures::png(64, 64);
    let stored = client.uploaded(&picture).await;
    for mode in outage::MODES {
        proxy.set(mode);
        for attempt in 0..2 {
            let (refused, unread, others, health) = outage::in_time(mode, async {
                tokio::join!(
                    upload(&client, &picture),
                    client.get(&stored),
                    client.get("/api/tasks"),
                    client.get("/api/health"),
                )
            })
            .await;
            assert_eq!(refused.status, 503, "{mode:?} {attempt}: {refused:?}");
            assert_eq!(unread.status, 503, "{mode:?} {attempt}: {unread:?}");
            assert_eq!(others.status, 200, "{mode:?} {attempt}: {others:?}");
            assert_eq!(health.status, 200, "{mode:?} {attempt}: {health:?}");
        }
        outage::degraded(&client, mode, "images", "tasks").await;

        proxy.set(Mode::Pass);
        outage::works_again(async || {
            let answers = [upload(&client, &picture).await, client.get(&stored).await];
            answers[0].status == 201 && answers[1].status == 200
        })
        .await;
        outage::ready(&client).await;
    }
    let log = service.log();
    for secret in [SECRET_KEY, "Signature=", "StringToSign"] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
}

/// A start with it away does not stop, and needs no other start on its return.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_does_not_wait_for_it() {
    let server = shared(Kind::S3sFs);
    for mode in [Mode::Refuse, Mode::Hang] {
        let (place, proxy) = (server.place(), Proxy::to(server.address()));
        proxy.set(mode);
        let launch = Launch::new().embedded();
        let service = launch.images_at(&place, proxy.address()).start();
        let client = Client::session(service.url()).await;
        let picture = pictures::png(64, 64);
        assert_eq!(upload(&client, &picture).await.status, 503, "{mode:?}");
        assert_eq!(client.get("/api/health").await.status, 200, "{mode:?}");
        proxy.set(Mode::Pass);
        outage::works_again(async || upload(&client, &picture).await.status == 201).await;
    }
}

/// A server that permits all but this. It says that the bucket is empty.
fn without(denied: &'static str) -> SocketAddr {
    const EMPTY: &str = "<ListBucketResult><Name>images</Name><KeyCount>0</KeyCount>\
         <MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";
    const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>";
    serve(async move |method: Method, uri: Uri| {
        let right = match method {
            Method::GET if uri.query().is_some() => "s3:ListBucket",
            Method::GET => "s3:GetObject",
            Method::DELETE => "s3:DeleteObject",
            _ => "s3:PutObject",
        };
        let (status, body) = match right {
            right if right == denied => (StatusCode::FORBIDDEN, DENIED),
            "s3:ListBucket" => (StatusCode::OK, EMPTY),
            "s3:DeleteObject" => (StatusCode::NO_CONTENT, ""),
            _ => (StatusCode::OK, ""),
        };
        (status, [("etag", "\"1\"")], body)
    })
}

fn serve<T: 'static>(answer: impl Handler<T, ()>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    SERVERS.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        let router = axum::Router::new().fallback(answer);
        axum::serve(listener, router).await.unwrap();
    });
    address
}

/// Before the first upload fails.
#[test]
fn each_right_that_images_need_is_checked() {
    let place = shared(Kind::S3sFs).place();
    let launch = Launch::new().embedded().images_in(&place);
    let checked = launch.check();
    assert!(checked.status.success(), "{}", checked.log);
    assert_eq!(place.objects(), 0, "nothing of it stays");
    for (denied, expected) in [
        (
            "s3:PutObject",
            "it can be listed, but not written to: s3:PutObject is not permitted",
        ),
        (
            "s3:GetObject",
            "it can be written to, but not read: s3:GetObject is not permitted",
        ),
        (
            "s3:DeleteObject",
            "it can be written to, but not deleted from: s3:DeleteObject is not permitted",
        ),
        ("s3:ListBucket", "its credentials do not permit this"),
    ] {
        let launch = Launch::new().embedded();
        let checked = launch.images_at(&place, without(denied)).check();
        let log = &checked.log;
        assert_eq!(checked.status.code(), Some(1), "{denied}: {log}");
        let mut said = log.lines().filter(|line| line.starts_with("images"));
        let sentence = said.next().unwrap_or_default();
        assert!(sentence.contains(expected), "{denied}: {log}");
        assert!(!log.contains(SECRET_KEY), "{denied}: {log}");
    }
}

/// By `AWS_CA_BUNDLE` and `ca-file`, besides the certificates that the system trusts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_has_to_prove_who_it_is() {
    let place = shared(Kind::S3sFs).place();
    let encrypted = TlsPort::before(place.server());
    let port = encrypted.port();
    let launch = |host: &str, bundle: &str| {
        let launch = Launch::new().embedded().images_in(&place);
        let launch = launch.variable("AWS_ENDPOINT_URL", &format!("https://{host}:{port}"));
        launch.variable("AWS_CA_BUNDLE", tls::file(bundle).to_str().unwrap())
    };
    let trusting = launch("localhost", "authority.pem");
    let authority = tls::file("authority.pem").display().to_string();
    let by_setting = launch("localhost", "other.pem").set("ca-file", &authority);
    for launch in [&trusting, &by_setting] {
        let checked = launch.check();
        assert!(checked.status.success(), "{}", checked.log);
    }
    let service = trusting.start();
    let client = Client::session(service.url()).await;
    let picture = pictures::png(64, 64);
    let stored = client.uploaded(&picture).await;
    assert!(client.get(&stored).await.body == picture.bytes);

    let (source, target) = (Launch::new().embedded(), Launch::new());
    source.start().stop();
    let empty = shared(Kind::S3sFs).place();
    let (url, server) = (empty.url(), empty.server());
    let engines = ["sqlite", url.as_str()];
    let moved = moving(&source.data(), &target.data(), engines, &empty, server)
        .env("AWS_ENDPOINT_URL", format!("https://localhost:{port}"))
        .env("REFINEMENT_CA_FILE", &authority)
        .output()
        .unwrap();
    assert!(moved.status.success(), "{moved:?}");

    let told = "AWS_CA_BUNDLE: the certificates of";
    let missing = ["no file", "localhost", "missing.pem", told];
    for [case, host, bundle, expected] in DISTRUSTED.into_iter().chain([missing]) {
        let secrets = [SECRET_KEY, ACCESS_KEY];
        let launch = launch(host, bundle);
        assert_refused(case, &launch, "images", expected, &secrets);
    }
}

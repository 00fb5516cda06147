//! Images in S3, as users of the API see it: while it works, while it is away in
//! one way or another, and where it refuses.

use std::collections::BTreeSet;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

use axum::handler::Handler;
use axum::http::{Method, StatusCode, Uri};
use concept_refinement_domain::image_path::tag_of;
use concept_refinement_tests::client::{Answer, Client};
use concept_refinement_tests::deadline::{READINESS, SOON, eventually};
use concept_refinement_tests::pictures::{self, Picture};
use concept_refinement_tests::proxy::{Mode, Proxy};
use concept_refinement_tests::s3::{ACCESS_KEY, Kind, Place, SECRET_KEY, shared};
use concept_refinement_tests::server::SERVERS;
use concept_refinement_tests::service::{Launch, Service};
use concept_refinement_tests::tls::{self, TlsPort};
use serde_json::json;

use crate::outage;
use crate::shared::origin;
use crate::unusable::assert_refused;

struct World {
    service: Service,
    proxy: Proxy,
    place: Place,
}

fn world(scripted: bool) -> World {
    let server = shared(Kind::S3sFs);
    let (place, proxy) = (server.place(), Proxy::to(server.address()));
    let launch = Launch::new().embedded();
    let launch = match scripted {
        true => launch
            .scripted()
            .set("allow-sources", &origin().authority()),
        false => launch,
    };
    let service = launch.images_at(&place, proxy.address()).start();
    World {
        service,
        proxy,
        place,
    }
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
        assert!(refined.body == picture.bytes, "{kind:?}");
        let concept = task["result_id"].as_str().unwrap();
        let deleted = client.delete(&format!("/api/concepts/{concept}")).await;
        assert_eq!(deleted.status, 204, "{kind:?}");
        assert_eq!(place.objects(), 1, "{kind:?}: the upload is left");
    }
}

/// What is longer than metadata may be is beside the image, and is written first: if the
/// image never comes, it goes once its task has ended.
#[tokio::test]
async fn what_an_image_that_never_came_has_left_is_removed() {
    let place = shared(Kind::S3sFs).place();
    let launch = Launch::new().embedded().scripted().with_tokens();
    let launch = launch.images_in(&place).set("collect-interval", "1s");
    let service = launch.start();
    let [ada, bob] = ["ada", "bob"].map(|user| Client::user(service.url(), user));
    let url = ada.uploaded(&pictures::png(8, 8)).await;
    let beside = |user: &str, task: &str| format!("refined/{}/{task}-1.json", tag_of(user));
    let long = json!({
        "original_image_url": url, "refinement_prompt": "echo it",
        "theme_description": "é".repeat(1000),
    });
    let whole = ada.post("/api/concepts/refine", &long).await.task_id();
    assert_eq!(ada.finished(&whole).await["status"], "completed");
    let whole = beside("ada", &whole);
    assert!(place.names().contains(&whole), "{:?}", place.names());

    let failed = ada.refined(&url, "refuse: no").await;
    assert_eq!(failed["status"], "failed", "{failed}");
    let deleted = ada.refined(&url, "refuse: no").await;
    let deleted = deleted["task_id"].as_str().unwrap();
    let gone = ada.delete(&format!("/api/tasks/{deleted}")).await;
    assert_eq!(gone.status, 204);
    let bobs = bob.uploaded(&pictures::png(8, 8)).await;
    let under_way = bob.accepted(&bobs, "wait 30000ms").await;
    let left = [failed["task_id"].as_str().unwrap(), deleted].map(|task| beside("ada", task));
    // Nothing is known of the second task: a database may have been lost.
    let kept = [
        whole,
        beside("bob", &under_way),
        beside("ada", "00000000-0000-4000-8000-000000000000"),
    ];
    for name in left.iter().chain(&kept[1..]) {
        place.leave(name, b"{}");
    }
    eventually("what is left is removed", SOON, async || {
        let names = place.names();
        (!left.iter().any(|name| names.contains(name))).then_some(())
    })
    .await;
    let names = place.names();
    assert!(kept.iter().all(|name| names.contains(name)), "{names:?}");
}

/// And at once with the task, however seldom what is left is looked for.
#[tokio::test]
async fn what_an_image_that_never_came_has_left_goes_with_its_task() {
    let (address, names) = without_images();
    let launch = Launch::new().embedded().scripted().with_tokens();
    let launch = launch
        .set("images", "s3://images")
        .variable("AWS_ENDPOINT_URL", &format!("http://{address}"))
        .variable("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .variable("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .set("allow-sources", &origin().authority())
        .set("task-timeout", "3s")
        .set("collect-interval", "1d");
    let service = launch.start();
    let ada = Client::user(service.url(), "ada");
    let request = json!({
        "original_image_url": origin().picture(&pictures::png(8, 8)),
        "refinement_prompt": "echo it", "theme_description": "é".repeat(1000),
    });
    let task = ada.post("/api/concepts/refine", &request).await.task_id();
    let beside = eventually("something stands beside the image", SOON, async || {
        names.lock().unwrap().iter().next().cloned()
    })
    .await;
    assert!(beside.ends_with(&format!("{task}-1.json")), "{beside}");
    let failed = ada.finished(&task).await;
    let error = failed["error_message"].as_str().unwrap();
    assert!(error.contains("Storing refined image failed"), "{failed}");
    eventually("it is gone", SOON, async || {
        names.lock().unwrap().is_empty().then_some(())
    })
    .await;
}

/// Whatever way it is away in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_is_away_calls_are_refused_in_time_and_work_on_its_return() {
    let World { service, proxy, .. } = world(false);
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

/// No task fails for it, and none is done twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_waits_for_its_return() {
    let World {
        service,
        proxy,
        place,
    } = world(true);
    let client = Client::session(service.url()).await;
    let original = origin().picture(&pictures::png(64, 64));
    for (number, mode) in [Mode::Refuse, Mode::Hang, Mode::Reset]
        .into_iter()
        .enumerate()
    {
        proxy.set(mode);
        let id = client.accepted(&original, "echo it").await;
        // By then it has tried to store what the model answered.
        let degraded = async || {
            let ready = client.get("/api/health/ready").await;
            (ready.status == 503).then_some(())
        };
        eventually("degraded", READINESS, degraded).await;
        let task = client.task(&id).await;
        assert_ne!(task["status"], "failed", "{mode:?}: {task}");
        proxy.set(Mode::Pass);
        let task = client.finished(&id).await;
        assert_eq!(task["status"], "completed", "{mode:?}: {task}");
        assert_eq!(place.objects(), number + 1, "{mode:?}");
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

/// A server that permits all but some methods. It says that the bucket is empty.
fn without(denied: &'static [Method]) -> SocketAddr {
    const EMPTY: &str = "<ListBucketResult><Name>images</Name><KeyCount>0</KeyCount>\
         <MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>";
    const DENIED: &str = "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>";
    serve(async move |method: Method| {
        let (status, body) = match method {
            method if denied.contains(&method) => (StatusCode::FORBIDDEN, DENIED),
            Method::GET => (StatusCode::OK, EMPTY),
            Method::DELETE => (StatusCode::NO_CONTENT, ""),
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

/// A server that takes everything but images, and the names of what it has.
fn without_images() -> (SocketAddr, Arc<Mutex<BTreeSet<String>>>) {
    const EMPTY: &str = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";
    let names = Arc::<Mutex<BTreeSet<String>>>::default();
    let stored = Arc::clone(&names);
    let address = serve(async move |method: Method, uri: Uri| {
        let path = uri.path().to_owned();
        let mut stored = stored.lock().unwrap();
        let (status, body) = match method {
            Method::PUT if path.ends_with(".json") => {
                stored.insert(path);
                (StatusCode::OK, "")
            }
            Method::PUT => (StatusCode::INTERNAL_SERVER_ERROR, ""),
            Method::DELETE => {
                stored.remove(&path);
                (StatusCode::NO_CONTENT, "")
            }
            Method::GET if uri.query().is_some() => (StatusCode::OK, EMPTY),
            _ => (StatusCode::NOT_FOUND, ""),
        };
        (status, [("etag", "\"1\"")], body)
    });
    (address, names)
}

/// Before the first upload fails.
#[test]
fn whether_it_may_be_written_is_checked() {
    let place = shared(Kind::S3sFs).place();
    let launch = Launch::new().embedded().images_in(&place);
    let checked = launch.check();
    assert!(checked.status.success(), "{}", checked.log);
    assert_eq!(place.objects(), 0, "nothing of it stays");
    for (denied, expected) in [
        (
            &[Method::PUT],
            "it can be listed, but not written to: s3:PutObject is not permitted",
        ),
        (
            &[Method::DELETE],
            "it can be written to, but not deleted from: s3:DeleteObject is not permitted",
        ),
        (&[Method::GET], "its credentials do not permit this"),
    ] {
        let launch = Launch::new().embedded();
        let checked = launch.images_at(&place, without(denied)).check();
        let log = &checked.log;
        assert_eq!(checked.status.code(), Some(1), "{denied:?}: {log}");
        let mut said = log.lines().filter(|line| line.starts_with("images"));
        let sentence = said.next().unwrap_or_default();
        assert!(sentence.contains(expected), "{denied:?}: {log}");
        assert!(!log.contains(SECRET_KEY), "{denied:?}: {log}");
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

    for (case, host, bundle, expected) in [
        (
            "another authority",
            "localhost",
            "other.pem",
            "nobody who is trusted has signed it",
        ),
        (
            "another name",
            "127.0.0.1",
            "authority.pem",
            "it is for another host name",
        ),
        (
            "no file",
            "localhost",
            "missing.pem",
            "AWS_CA_BUNDLE: the certificates of",
        ),
    ] {
        let secrets = [SECRET_KEY, ACCESS_KEY];
        let launch = launch(host, bundle);
        assert_refused(case, &launch, "images", expected, &secrets);
    }
}

//! Too much at once is refused in good form, and passes.

use std::time::Duration;

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;
use futures::stream;
use reqwest::{Body, Method};

use crate::connections::raw;
use crate::shared::{new_name, new_user, origin, picture_url, scripted_launch};

/// Requests that do not come to an end take all places there are; what comes
/// then is told to try again, until they are gone. Tasks go on meanwhile.
#[tokio::test]
async fn too_many_requests_at_once_are_503_until_some_are_gone() {
    let service = scripted_launch().start();
    let user = new_user(&service);
    let (url, gate) = origin().gated(&pictures::png(8, 8));
    let refined = picture_url();
    let task = user.accepted(&url, &format!("location: {refined}")).await;
    user.task_is(&task, "processing").await;
    // A connection carries at most 128 of them.
    let endless = (0..20).map(|_| Client::http2(service.url()));
    let endless: Vec<_> = endless
        .map(|client| client.bearer(&token(&new_name())))
        .collect();
    let requests = endless.iter().flat_map(|client| {
        (0..120).map(move |_| {
            let client = client.with("content-length", "1000");
            async move {
                loop {
                    let never = stream::pending::<std::io::Result<Vec<u8>>>();
                    let body = Body::wrap_stream(never);
                    let refused = client.send(Method::POST, "/api/images", body).await;
                    assert_eq!(refused.status, 503, "{refused:?}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        })
    });
    let mut requests = join_all(requests);
    let other = new_user(&service);
    let refused = eventually("requests are refused", SOON, async || {
        let answer = other.get("/api/tasks").await;
        (answer.status != 200).then_some(answer)
    });
    let refused = tokio::select! {
        _ = &mut requests => panic!("they came to an end"),
        refused = refused => refused,
    };
    assert_eq!(refused.status, 503, "{refused:?} {}", service.log());
    assert_eq!(refused.error_code(), "SERVICE_UNAVAILABLE");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 0);
    let health = other.get("/api/health").await;
    assert_eq!(health.status, 200, "it needs no place");

    gate.open();
    eventually("the model is asked meanwhile", SOON, async || {
        (!origin().requests(&refined).is_empty()).then_some(())
    })
    .await;
    drop(requests);
    eventually("there is room again", SOON, async || {
        (other.get("/api/tasks").await.status == 200).then_some(())
    })
    .await;
    let task = user.finished(&task).await;
    assert_eq!(task["status"], "completed", "{task}");
}

/// What opens files besides finds some left, however many connections there are.
#[tokio::test]
async fn few_open_files_are_enough() {
    let launch = scripted_launch().with_open_files(512);
    let service = launch.start();
    let mut idle = Vec::new();
    for _ in 0..700 {
        idle.push(raw::connect(&service).await);
    }
    for _ in 0..10 {
        let user = new_user(&service);
        let original = user.uploaded(&pictures::png(64, 64)).await;
        user.completed(&original, "echo it").await;
        let ready = user.get("/api/health/ready").await;
        assert_eq!(ready.status, 200, "{ready:?}");
    }
    drop(idle);
    let log = service.log();
    assert!(log.matches(" WARN ").count() <= 1, "{log}");
}

#[test]
fn too_few_open_files_stop_the_start() {
    let ended = scripted_launch().with_open_files(300).run();
    assert!(!ended.status.success());
    assert!(ended.log.contains("`ulimit -n`"), "{}", ended.log);
}

#[test]
fn too_little_address_space_stops_the_start() {
    let ended = scripted_launch().by(&["prlimit", "--as=8000000000"]).run();
    assert!(!ended.status.success());
    assert!(ended.log.contains("`ulimit -v`"), "{}", ended.log);
}

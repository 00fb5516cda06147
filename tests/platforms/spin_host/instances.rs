//! How long instances live, and who shares them.

use std::time::Duration;

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::service::Service;
use futures::future::join_all;

use crate::spin_host::probe::{Host, answer, answers_to};

/// Set by what goes on after an answer.
async fn is_set(service: &Service) -> bool {
    answer(service, "get key").await == "is value"
}

pub async fn an_instance_is_shared_and_dropped_when_idle(host: Host) {
    let service = host.application().start();
    for expected in ["1", "2", "3"] {
        assert_eq!(answer(&service, "count").await, expected);
    }
    // Sixteen at once are one instance's at most, so that these need another.
    let counting = (0..20).map(|_| answers_to(&service, &["wait 3000", "count"]));
    let counted: Vec<u32> = join_all(counting)
        .await
        .into_iter()
        .map(|answers| answers.unwrap()[1].parse().unwrap())
        .collect();
    let instances = counted
        .iter()
        .filter(|count| matches!(count, 1 | 4))
        .count();
    assert!((2..20).contains(&instances), "{counted:?}");
    // A second without work ends it. Asking keeps it alive, so the wait is long
    // enough, or there is another.
    let mut pause = Duration::from_millis(1500);
    eventually("a new instance", SOON, async || {
        tokio::time::sleep(pause).await;
        pause *= 2;
        (answer(&service, "count").await == "1").then_some(())
    })
    .await;
}

pub async fn a_panic_fails_all_requests_of_its_instance(host: Host) {
    // Which instance takes a request is the platform's to choose, so that it may
    // take another try until both are in one.
    eventually("two in one instance", SOON, async || {
        let service = host.application().start();
        let waiting = answers_to(&service, &["set begun yes", "wait 3000"]);
        let panicking = async {
            eventually("the one that waits", SOON, async || {
                let answers = answers_to(&service, &["get begun"]).await;
                (answers.unwrap()[0] == "is yes").then_some(())
            })
            .await;
            answers_to(&service, &["panic"]).await
        };
        let (waited, panicked) = tokio::join!(waiting, panicking);
        assert_eq!(panicked, Err(500));
        (waited == Err(500)).then_some(())
    })
    .await;
}

pub async fn a_handler_goes_on_after_its_answer(host: Host) {
    let service = host.application().start();
    // Longer than an idle instance lives.
    assert_eq!(answer(&service, "later 2500 key value").await, "later");
    assert!(!is_set(&service).await);
    eventually("what goes on", SOON, async || {
        is_set(&service).await.then_some(())
    })
    .await;
}

pub async fn a_request_timeout_ends_what_goes_on(host: Host) {
    let application = host
        .application()
        .argument("--request-timeout")
        .argument("1");
    let service = application.start();
    assert_eq!(answers_to(&service, &["wait 20000"]).await, Err(500));
    assert_eq!(answer(&service, "later 3000 key value").await, "later");
    assert_eq!(answer(&service, "later 100 other value").await, "later");
    eventually("what is soon done", SOON, async || {
        let done = answer(&service, "get other").await == "is value";
        done.then_some(())
    })
    .await;
    // Only time can tell that something does not happen.
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(!is_set(&service).await);
}

pub async fn a_stop_drops_what_goes_on(host: Host) {
    let application = host.application();
    let service = application.start();
    assert_eq!(answer(&service, "later 1500 key value").await, "later");
    service.stop();
    let service = application.start();
    // Only time can tell that something does not happen.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!is_set(&service).await);
}

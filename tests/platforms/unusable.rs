//! A setting that the processor cannot use, on the platforms of others, where nothing stops
//! the start.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::platform::{Platform, Start, new_user, origin};

/// Its tasks wait until it can be used.
async fn it_is_told_and_no_task_is_lost<P: Platform>() {
    let start = Start::<P>::scripted().set("model-timeout", "soon");
    let service = start.start();
    let ready = Client::new(service.url()).get("/api/health/ready").await;
    let sentence = "The processor cannot use the setting model-timeout.";
    assert_eq!(ready.status, 503, "{ready:?}");
    assert_eq!(ready.json()["capabilities"]["queue"], sentence, "{ready:?}");
    eventually("the log says why", SOON, async || {
        let why = "the setting model-timeout is unusable: must be";
        service.log().contains(why).then_some(())
    })
    .await;
    let client = new_user(&service);
    let url = origin().picture(&pictures::png(8, 8));
    let accepted = client.refine(&url, "echo it").await;
    assert_eq!(accepted.status, 202, "{accepted:?}");

    let start = start.set("model-timeout", "60s").at(&service);
    service.kill();
    let _service = start.start();
    let task = client.reconnected().finished(&accepted.task_id()).await;
    assert_eq!(task["status"], "completed", "{task}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_wasmtime() {
    use concept_refinement_tests::platform::wasmtime::Wasmtime;
    it_is_told_and_no_task_is_lost::<Wasmtime>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_what_is_shaped_like_spin() {
    use concept_refinement_tests::platform::spin::Shaped;
    it_is_told_and_no_task_is_lost::<Shaped>().await;
}

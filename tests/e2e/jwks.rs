//! Tokens of an issuer that publishes its keys: in the component, fetched
//! through the host, from issuers that are slow, down or hostile.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::issuer::{Issuer, Signer, document};
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Launch;
use serde_json::json;

use crate::metrics::{Metrics, measured_launch, scrape};

/// How long an answer may take without any keys: 3 s, and one for a busy machine.
const AWAY: Duration = Duration::from_secs(4);

/// How long it may take until instances without work have ended.
const IDLE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_issuer_that_is_down_at_first_is_asked_again() {
    let issuer = Issuer::that_answers(Reply::status(500));
    let service = Launch::new().with_issuer(issuer.url()).start();
    let client = Client::new(service.url()).bearer(&Signer::ed25519().token("ann"));
    let begin = Instant::now();
    let answer = client.get("/api/tasks").await;
    assert_eq!(answer.status, 503);
    assert_eq!(answer.error_code(), "SERVICE_UNAVAILABLE");
    let again: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=10).contains(&again), "{again}");
    assert_eq!(client.get("/api/health").await.status, 200);
    let unknown = client.without("authorization").get("/api/tasks").await;
    assert_eq!(unknown.status, 401, "that takes no key");
    eventually("the log says why", SOON, async || {
        client.get("/api/health").await;
        let why = "the issuer's keys cannot be fetched: it answered 500";
        service.log().contains(why).then_some(())
    })
    .await;
    issuer.recover();
    eventually("the keys are there", SOON, async || {
        (client.get("/api/tasks").await.status == 200).then_some(())
    })
    .await;
    assert!(begin.elapsed() >= Duration::from_secs(9), "asked too soon");
    let most = 1 + begin.elapsed().as_secs() / 10;
    assert!(issuer.asked() as u64 <= most, "{}", issuer.asked());
}

/// Instances end after half a minute without work, and new ones come with a
/// burst: the keys are the process's, not theirs.
#[tokio::test]
async fn keys_outlive_the_instances_while_the_issuer_is_down() {
    let issuer = Issuer::start();
    let launch = Launch::new().with_issuer(issuer.url());
    let (service, metrics) = measured_launch(launch).await;
    let client = Client::new(service.url()).bearer(&Signer::rsa().token("ann"));
    let begin = Instant::now();
    assert_eq!(client.get("/api/tasks").await.status, 200);
    issuer.answers(Reply::status(500));
    let burst = || (0..200).map(|_| client.get("/api/tasks"));
    for answer in futures::future::join_all(burst()).await {
        assert_eq!(answer.status, 200, "new instances beside the first");
    }
    eventually("all instances have ended", IDLE, async || {
        // That takes half a minute: no need to look all the time.
        tokio::time::sleep(Duration::from_millis(200)).await;
        (instances(&metrics).await == 0.0).then_some(())
    })
    .await;
    for answer in futures::future::join_all(burst()).await {
        assert_eq!(answer.status, 200, "new instances after all have ended");
    }
    let most = 1 + begin.elapsed().as_secs() / 60;
    assert!(issuer.asked() as u64 <= most, "{}", issuer.asked());
}

/// How many instances of the API there are.
async fn instances(metrics: &Metrics) -> f64 {
    let (_, read) = scrape(metrics).await;
    read.sum("concept_refinement_instances", &[("component", "api")])
}

/// Each of several instances reads the set, which is fetched once.
#[tokio::test]
async fn a_burst_waits_for_a_slow_issuer_and_a_key_that_is_skipped_is_logged_once() {
    let mut keys = document();
    let all = keys["keys"].as_array_mut().unwrap();
    all.push(json!({"kty": "RSA", "kid": "short", "n": "AQAB", "e": "AQAB"}));
    all.push(json!({"kty": "EC", "kid": "other", "crv": "P-521"}));
    let reply = Reply::ok("application/json", keys.to_string().as_bytes());
    // So slowly that a burst needs several instances.
    let issuer = Issuer::that_answers(reply.after(Duration::from_secs(1)));
    let launch = Launch::new().with_issuer(issuer.url());
    let (service, metrics) = measured_launch(launch).await;
    let client = Client::new(service.url()).bearer(&Signer::rsa().token("ann"));
    let burst = (0..500).map(|_| client.get("/api/tasks"));
    for answer in futures::future::join_all(burst).await {
        assert_eq!(answer.status, 200);
    }
    let instances = instances(&metrics).await;
    assert!(instances > 1.0, "{instances}");
    assert_eq!(issuer.asked(), 1, "once for all instances");
    let log = service.stop().log;
    for line in [
        "a key of the issuer is skipped, kid short: its numbers are weak",
        "a key of the issuer is skipped, kid other: it is neither RSA nor EC",
    ] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
}

/// Other documents and failures are in the tables of the host's cache and of the API's.
#[tokio::test]
async fn a_hostile_issuer_gets_nowhere() {
    let elsewhere = Origin::start();
    let (json, keys) = ("application/json", document().to_string());
    let sent = |body: &[u8]| Reply::new(200, "content-type: application/json\r\n", body);
    let whole = Reply::ok(json, keys.as_bytes());
    let there = elsewhere.serve(whole.clone());
    let large = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300 << 10));
    let pause = Duration::from_millis(100);
    let cases = [
        ("a redirect", Reply::redirect(302, &there)),
        ("no set", Reply::ok(json, b"[]")),
        ("too much", Reply::ok(json, large.as_bytes())),
        ("no end", sent(keys.as_bytes()).then_again()),
        ("a trickle", sent(b"{").then_trickle(pause)),
        ("silence", Reply::raw(b"").then_silence()),
        ("half of it", whole.without_end(10)),
    ];
    let checks = cases.map(|(name, reply)| async move {
        let issuer = Issuer::that_answers(reply);
        let service = Launch::new().with_issuer(issuer.url()).start();
        let client = Client::new(service.url()).bearer(&Signer::p256().token("ann"));
        let begin = Instant::now();
        let answer = client.get("/api/tasks").await;
        assert_eq!(answer.status, 503, "{name}");
        assert_eq!(answer.error_code(), "SERVICE_UNAVAILABLE", "{name}");
        assert!(begin.elapsed() < AWAY, "{name}: {:?}", begin.elapsed());
        assert_eq!(client.get("/api/health").await.status, 200, "{name}");
        assert!(issuer.asked() > 0, "{name}");
    });
    // A few at a time: each has a process of its own.
    let checks = futures::stream::iter(checks);
    futures::StreamExt::for_each_concurrent(checks, 3, |check| check).await;
    assert_eq!(elsewhere.connections(), 0, "redirects are not followed");
}

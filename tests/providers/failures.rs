//! Whatever a provider does, its one task fails with the right sentence.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures;
use concept_refinement_tests::provider::Provider;
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Service;
use concept_refinement_tests::stand_in::openai::OpenAi;
use concept_refinement_tests::stand_in::{ALL, BadAnswer, StandIn as _};
use futures::future::join_all;
use futures::{StreamExt as _, stream};
use serde_json::json;
use tokio::net::TcpSocket;

use crate::chains;
use crate::pairs::{FAILED, Pair, pairs, refined, started};

fn status(status: u16, headers: &str, body: &str) -> Reply {
    let headers = format!("{headers}content-length: {}\r\n", body.len());
    Reply::new(status, &headers, body.as_bytes())
}

/// What any provider can do on the wire. What its statuses and its words lead to is in the
/// tables of `components/models/provider`.
fn cases(pair: &Pair, forbidden: &Origin) -> Vec<BadAnswer> {
    let key = pair.stand_in.key();
    let png = pictures::png(50, 40).bytes;
    let half = &png[..png.len() / 2];
    let length = format!("content-length: {}\r\n", png.len());
    let said = json!({"error": {"message": format!("No logos, {key}.\nTraceback")}}).to_string();
    let elsewhere = forbidden.picture(&pictures::png(8, 8));
    let endless_json = Reply::new(200, "", b"{\"a\": [                  ").then_again();
    let too_large = "the provider's answer is larger than 50 MiB";
    let improper = "the provider did not answer properly";
    let any = [
        (
            "401",
            status(401, "", &said),
            1,
            "the provider refused the key",
        ),
        (
            "400",
            status(400, "", &said),
            1,
            "the provider answered 400: No logos, ***",
        ),
        (
            "429",
            status(429, "", &said),
            3,
            "the provider answered 429: No logos, ***",
        ),
        (
            "a redirect",
            Reply::redirect(307, &elsewhere),
            1,
            "the provider answered with a redirect, which is not followed",
        ),
        (
            "an early end",
            Reply::new(200, &length, half),
            3,
            "the provider's answer broke off",
        ),
        (
            "an endless image",
            Reply::new(200, "", &png).then_again(),
            1,
            too_large,
        ),
        ("endless JSON", endless_json, 1, too_large),
        (
            "no HTTP",
            Reply::raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
            3,
            improper,
        ),
        ("nothing at all", Reply::raw(b""), 3, improper),
        (
            "half a head",
            Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-"),
            3,
            improper,
        ),
    ];
    let any = any.map(|(name, reply, times, sentence)| BadAnswer::of(name, reply, times, sentence));
    let own = pair.stand_in.bad_answers(&pair.provider, &elsewhere);
    any.into_iter().chain(own).collect()
}

/// Some answers never end: so many of them are read in time.
const AT_ONCE: usize = 32;

#[tokio::test]
async fn a_bad_answer_fails_its_task_with_the_right_sentence() {
    let forbidden = Origin::start();
    let cases = pairs().iter().flat_map(|pair| {
        let cases = cases(pair, &forbidden).into_iter();
        cases.map(move |case| (pair, case))
    });
    let cases = stream::iter(cases);
    let tried = cases.for_each_concurrent(AT_ONCE, async |(pair, case)| {
        let (label, name, provider) = (pair.label(), case.name, &pair.provider);
        let prompt = provider.prompt([case.reply]);
        let (_, task) = pair.refined(&prompt).await;
        assert_eq!(task["status"], "failed", "{label}, {name}: {task}");
        let expected = format!("{FAILED}{}", case.sentence);
        assert_eq!(task["error_message"], expected, "{label}, {name}");
        assert_eq!(provider.asked(&prompt).len(), case.times, "{label}, {name}");
    });
    tried.await;
    assert_eq!(forbidden.connections(), 0);

    // All that was said of it, at the level that says most.
    for pair in pairs() {
        let (label, log) = (pair.label(), pair.service.log());
        assert!(log.contains("DEBUG"), "{label}: too little was logged");
        let (_, credentials) = pair.stand_in.credentials();
        let (_, credentials) = credentials.split_once(' ').unwrap_or(("", &credentials));
        for secret in [pair.stand_in.key(), credentials, "hush"] {
            assert!(!log.contains(secret), "{label}: {secret} was logged");
        }
    }
}

/// A hang is not tried again.
#[tokio::test]
async fn a_provider_that_hangs_fails_its_task_in_time() {
    let picture = pictures::png(50, 40);
    join_all(ALL.iter().map(async |stand_in| {
        let label = stand_in.label();
        let provider = stand_in.start();
        let launch = stand_in.launch(&provider.url()).set("model-timeout", "1s");
        let service = started(launch).await;
        let half = picture.bytes.len() / 2;
        let head = "content-type: image/png\r\n";
        for (name, reply) in [
            ("at once", Reply::raw(b"").then_silence()),
            ("after the head", Reply::new(200, head, b"").then_silence()),
            (
                "in the middle",
                Reply::new(200, head, &picture.bytes[..half]).then_silence(),
            ),
            ("in a message", Reply::new(400, "", b"{").then_silence()),
        ] {
            let prompt = provider.prompt([reply]);
            let (_, task) = refined(&service, &prompt).await;
            let expected = format!("{FAILED}the model did not answer within 1 seconds");
            assert_eq!(task["error_message"], expected, "{label}, {name}");
            assert_eq!(provider.asked(&prompt).len(), 1, "{label}, {name}");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_told() {
    // A port that is taken, so that nobody gets it, and on which nobody listens.
    let silent = TcpSocket::new_v4().unwrap();
    silent.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    join_all(ALL.iter().map(async |stand_in| {
        let service = started(stand_in.launch(&url)).await;
        let (_, task) = refined(&service, "make it lighter").await;
        let expected = format!("{FAILED}the provider cannot be connected to");
        assert_eq!(task["error_message"], expected, "{}", stand_in.label());
    }))
    .await;
}

/// One more than the failures in a row that judge a model.
const ASKERS: usize = 6;

/// So much later than a task may take that it is not tried again.
const LATER: &str = "retry-after: 3600\r\n";

/// Each of another user, for whom these providers answer so.
async fn fails(service: &Service, providers: &[&Provider], code: u16) {
    for _ in 0..ASKERS {
        let reply = || [status(code, LATER, "")];
        let prompt = providers[0].prompt(reply());
        for provider in &providers[1..] {
            provider.answers(&prompt, reply());
        }
        let (_, task) = refined(service, &prompt).await;
        assert_eq!(task["status"], "failed", "{code}: {task}");
        let times = providers.iter().map(|provider| provider.times(&prompt));
        assert_eq!(times.sum::<usize>(), providers.len(), "{code}");
    }
}

/// Whoever is asked too much is well. Whoever is overloaded is not.
#[tokio::test]
async fn a_rate_limit_does_not_make_the_model_unusable() {
    let (first, second) = (Provider::start(), Provider::start());
    let alone = OpenAi.launch(&first.url());
    let chain = "fallback(openai, automatic1111)";
    let chain = chains::launch(chain, &first.url(), &second.url());
    for (name, launch, providers) in [
        ("alone", alone, &[&first][..]),
        ("a chain", chain, &[&first, &second]),
    ] {
        let service = started(launch).await;
        let anybody = Client::new(service.url());
        fails(&service, providers, 429).await;
        let ready = anybody.get("/api/health/ready?model").await;
        assert_eq!(ready.status, 200, "{name}: {ready:?}");
        assert_eq!(ready.json()["capabilities"]["model"], "ok", "{name}");

        fails(&service, providers, 503).await;
        is_unusable(&service).await;
    }
}

async fn is_unusable(service: &Service) {
    let anybody = Client::new(service.url());
    eventually("its failures judge it", SOON, async || {
        let ready = anybody.get("/api/health/ready?model").await;
        (ready.status == 503).then_some(())
    })
    .await;
}

/// It may be the only user there is.
#[tokio::test]
async fn a_provider_that_fails_a_single_user_makes_the_model_unusable() {
    let provider = Provider::start();
    let service = started(OpenAi.launch(&provider.url())).await;
    let client = Client::session(service.url()).await;
    let original = client.uploaded(&pictures::png(40, 30)).await;
    for _ in 0..ASKERS {
        let prompt = provider.prompt([status(503, LATER, "")]);
        let task = client.refined(&original, &prompt).await;
        assert_eq!(task["status"], "failed", "{task}");
    }
    is_unusable(&service).await;
}

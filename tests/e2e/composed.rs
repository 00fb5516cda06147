//! A composed component on our host: each of its parts reaches what it would
//! reach by itself. The rest of what it does is tested in `platforms`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Composed, Config, Resolver, Serving};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::issuer::{Issuer, Signer};
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::tokens::{AUDIENCE, ISSUER, SECRET};
use concept_refinement_tests::{artifacts, pictures, reaper};
use futures::future::{BoxFuture, ready};

use crate::originals::FAILED;
use crate::shared::new_name;

/// Every name leads to this machine.
struct Inside;

impl Resolver for Inside {
    fn resolve(&self, _: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        Box::pin(ready(Ok(vec![(Ipv4Addr::LOCALHOST, port).into()])))
    }
}

/// The composition of the tests' model.
async fn start(settings: &[(&str, &str)]) -> (Serving, String) {
    let data = reaper::scratch("composed");
    let mut values = Values::new();
    let own = [
        ("listen", "127.0.0.1:0"),
        ("data-dir", data.to_str().unwrap()),
        ("rate-limit", "unlimited"),
        ("allow-sources", "allowed.test"),
    ];
    for (name, value) in own.iter().chain(settings) {
        values.set(table::find(name).unwrap(), *value);
    }
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    let component = std::fs::read(artifacts::test_composed("standalone")).unwrap();
    let serving = Composed::new(Config::new(values).unwrap(), component)
        .resolver(Arc::new(Inside))
        .start()
        .await
        .unwrap();
    let base = format!("http://{}", serving.address());
    (serving, base)
}

/// The URL of a picture at an origin that has this name.
fn named(name: &str, origin: &Origin) -> String {
    let url = origin.picture(&pictures::png(8, 8));
    let path = url.rsplit('/').next().unwrap();
    format!("http://{name}.test:{}/{path}", origin.port())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_is_for_the_model() {
    let (provider, allowed) = (Origin::start(), Origin::start());
    let original = named("allowed", &allowed);
    let refined = named("provider", &provider);
    let (serving, base) = start(&[
        ("auth", "secret"),
        ("jwt-secret", SECRET),
        ("model-url", &refined),
    ])
    .await;
    let task = async |url: &str, prompt: &str| {
        let user = Client::user(&base, &new_name());
        user.refined(url, prompt).await
    };
    let done = task(&original, "echo it").await;
    assert_eq!(done["status"], "completed", "{done}");
    let other = task(&refined, "echo it").await;
    let reason = format!("{FAILED}the address is not public");
    assert_eq!(other["error_message"], reason);
    assert_eq!(provider.connections(), 0);

    // The model asks its provider, and may answer with a URL of it.
    for (prompt, expected) in [
        (format!("fetch: {refined}"), Some("fetched with status 200")),
        (
            format!("fetch: {original}"),
            Some("not fetched: ErrorCode::HttpRequestDenied"),
        ),
        (format!("location: {refined}"), None),
    ] {
        let task = task(&original, &prompt).await;
        let message = task["error_message"].as_str();
        let ends = expected.map(|end| message.is_some_and(|message| message.ends_with(end)));
        match ends {
            Some(ends) => assert!(ends, "{prompt}: {task}"),
            None => assert_eq!(task["status"], "completed", "{prompt}: {task}"),
        }
    }
    serving.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_issuer_is_for_the_api() {
    let (issuer, allowed) = (Issuer::start(), Origin::start());
    let original = named("allowed", &allowed);
    let picture = issuer.origin().picture(&pictures::png(8, 8));
    let (serving, base) = start(&[
        ("auth", "jwks"),
        ("jwks-url", issuer.url()),
        ("jwt-audience", AUDIENCE),
        ("jwt-issuer", ISSUER),
    ])
    .await;
    let user = Client::new(&base).bearer(&Signer::rsa().token(&new_name()));
    let done = user.refined(&original, "echo it").await;
    assert_eq!(done["status"], "completed", "{done}");
    assert!(issuer.asked() >= 1, "the api asks for the keys");

    let refused = user.refine(&picture, "echo it").await;
    assert_eq!(refused.status, 422, "{refused:?}");
    let by_name = picture.replace("127.0.0.1", "issuer.test");
    let redirect = allowed.serve(Reply::redirect(302, &picture));
    let redirect = redirect.replace("127.0.0.1", "allowed.test");
    for (url, prompt, reason) in [
        (&by_name, "echo it", "the address is not public"),
        (&redirect, "echo it", "must point to a public address"),
        (
            &original,
            &*format!("fetch: {picture}"),
            "not fetched: ErrorCode::HttpRequestDenied",
        ),
        (
            &original,
            &*format!("location: {picture}"),
            "must point to a public address",
        ),
    ] {
        let task = user.refined(url, prompt).await;
        let message = task["error_message"].as_str().unwrap_or_default();
        assert!(message.ends_with(reason), "{url}, {prompt}: {task}");
    }
    // Each instance may ask for the keys, and nobody connects for anything else.
    assert_eq!(issuer.origin().requests(&picture), [""; 0]);
    assert_eq!(issuer.origin().connections(), issuer.asked());
    serving.stop().await;
}

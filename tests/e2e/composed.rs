//! A composed component on our host: each of its parts reaches what it would
//! reach by itself. The rest of what it does is tested in `platforms`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use concept_refinement_host::config::{Values, table};
use concept_refinement_host::{Composed, Config, Resolver};
use concept_refinement_tests::client::Client;
use concept_refinement_tests::server::Origin;
use concept_refinement_tests::tokens::SECRET;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn provider_and_issuer_are_for_those_who_ask_them() {
    let (provider, issuer, allowed) = (Origin::start(), Origin::start(), Origin::start());
    let picture = pictures::png(8, 8);
    let path = |url: String| url.rsplit('/').next().unwrap().to_owned();
    let of = |name: &str, origin: &Origin| {
        let path = path(origin.picture(&picture));
        format!("http://{name}.test:{}/{path}", origin.port())
    };
    let original = of("allowed", &allowed);
    let refined = of("provider", &provider);
    let keys = of("issuer", &issuer).replace("http", "https");

    let data = reaper::scratch("composed");
    let mut values = Values::new();
    for (name, value) in [
        ("listen", "127.0.0.1:0"),
        ("data-dir", data.to_str().unwrap()),
        ("rate-limit", "unlimited"),
        ("auth", "secret"),
        ("jwt-secret", SECRET),
        ("jwks-url", &keys),
        ("model-url", &refined),
        ("allow-sources", "allowed.test"),
    ] {
        values.set(table::find(name).unwrap(), value);
    }
    std::os::unix::fs::symlink(artifacts::compiled(), data.join("compiled")).unwrap();
    let component = std::fs::read(artifacts::test_composed("standalone")).unwrap();
    let serving = Composed::new(Config::new(values).unwrap(), component)
        .resolver(Arc::new(Inside))
        .start()
        .await
        .unwrap();
    let base = format!("http://{}", serving.address());

    let task = async |url: &str, prompt: &str| {
        let user = Client::user(&base, &new_name());
        user.refined(url, prompt).await
    };
    let done = task(&original, "echo it").await;
    assert_eq!(done["status"], "completed", "{done}");
    for url in [&refined, &keys] {
        let task = task(url, "echo it").await;
        let reason = format!("{FAILED}the address is not public");
        assert_eq!(task["error_message"], reason, "{url}");
    }
    assert_eq!((provider.connections(), issuer.connections()), (0, 0));

    // The model asks its provider, and may answer with a URL of it.
    for (prompt, expected) in [
        (format!("fetch: {refined}"), Some("fetched with status 200")),
        (
            format!("fetch: {original}"),
            Some("not fetched: ErrorCode::HttpRequestDenied"),
        ),
        (
            format!("fetch: http://issuer.test:{}/", issuer.port()),
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
    assert_eq!(issuer.connections(), 0);
    serving.stop().await;
}

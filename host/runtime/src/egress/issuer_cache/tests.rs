use std::sync::atomic::{AtomicUsize, Ordering};

use concept_refinement_capability::tls::Trust;
use concept_refinement_domain::issuer_keys::MAX_BYTES;
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::egress::resolver;
use crate::egress::{Egress, Grant, Network, Origin};
use wasmtime_wasi_http::{WasiBody, WasiHttpHooks as _};

const OLD: &str = r#"{"keys":[]}"#;
const NEW: &str = r#"{"keys":[{"kid":"new"}]}"#;

/// How the issuer reacts to a request.
#[derive(Clone)]
enum Does {
    Say(String),
    /// Holds its answer back until the behaviour changes.
    Wait,
}

struct Issuer {
    url: String,
    does: watch::Sender<Does>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(does: Does) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/keys?of=all", listener.local_addr().unwrap());
        let (does, doing) = watch::channel(does);
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut doing = doing.clone();
                tokio::spawn(async move {
                    let _ = stream.read(&mut [0; 4096]).await;
                    let does = doing.wait_for(|does| matches!(does, Does::Say(_))).await;
                    let Ok(Does::Say(text)) = does.map(|does| does.clone()) else {
                        return;
                    };
                    let _ = stream.write_all(text.as_bytes()).await;
                });
            }
        });
        Self { url, does, asked }
    }

    fn does(&self, does: Does) {
        self.does.send_replace(does);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    async fn told(&self, egress: &Egress) -> Result<(u16, String), String> {
        ask(egress, "GET", &self.url).await
    }

    fn egress(&self) -> Egress {
        let origin = Origin::of(&self.url.parse().unwrap()).unwrap();
        let network = Network::new(resolver::system(), &Trust::default()).unwrap();
        Egress::new(Grant::Origin(origin), &network).caching(self.url.parse().unwrap())
    }
}

fn ok(document: &str) -> Does {
    let length = document.len();
    Does::Say(format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{document}"
    ))
}

fn status(status: u16) -> Does {
    Does::Say(format!("HTTP/1.1 {status} \r\ncontent-length: 2\r\n\r\nno"))
}

/// Asks like an instance of the API; returns status and body, or the error.
async fn ask(egress: &Egress, method: &str, url: &str) -> Result<(u16, String), String> {
    let request = http::Request::builder()
        .method(method)
        .uri(url)
        .body(WasiBody::default())
        .unwrap();
    let processed = Box::new(std::future::ready(Ok(())));
    let sent = egress.clone().send_request(request, None, processed);
    let (response, _) = Box::into_pin(sent)
        .await
        .map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    Ok((status, String::from_utf8(body.to_vec()).unwrap()))
}

fn cached(document: &str) -> Result<(u16, String), String> {
    Ok((200, document.to_owned()))
}

/// Lets time pass with no fetch in progress.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[test]
fn a_request_waits_for_a_fetch_that_is_due_within_a_second() {
    for (is_cached, since_fetch, expected) in [
        (false, None, Some(0)),
        (false, Some(8_999), None),
        (false, Some(9_000), Some(1_000)),
        (false, Some(10_000), Some(0)),
        (true, Some(58_999), None),
        (true, Some(59_001), Some(999)),
        (true, Some(60_000), Some(0)),
    ] {
        let since = since_fetch.map(Duration::from_millis);
        let expected = expected.map(Duration::from_millis);
        assert_eq!(delay(is_cached, since), expected, "{is_cached}, {since:?}");
    }
}

#[tokio::test]
async fn one_asks_for_all_and_again_after_a_minute() {
    let issuer = Issuer::start(ok(OLD)).await;
    let egress = issuer.egress();
    let all = join_all((0..50).map(|_| issuer.told(&egress))).await;
    assert!(all.iter().all(|answer| *answer == cached(OLD)), "{all:?}");
    issuer.does(ok(NEW));
    pass(50).await;
    assert_eq!(issuer.told(&egress).await, cached(OLD));
    assert_eq!(issuer.asked(), 1);
    pass(10).await;
    let all = join_all((0..50).map(|_| issuer.told(&egress))).await;
    assert!(all.iter().all(|answer| *answer == cached(NEW)), "{all:?}");
    assert_eq!(issuer.asked(), 2);
}

/// So that its faults are told once, however many instances there are.
#[tokio::test]
async fn only_the_first_answer_with_a_document_is_new() {
    let issuer = Issuer::start(ok(OLD)).await;
    let egress = issuer.egress();
    let is_known = async || {
        let request = http::Request::get(&issuer.url).body(WasiBody::default());
        let processed = Box::new(std::future::ready(Ok(())));
        let sent = egress
            .clone()
            .send_request(request.unwrap(), None, processed);
        let (response, _) = Box::into_pin(sent).await.unwrap();
        response.headers().contains_key(KNOWN_HEADER)
    };
    assert!(!is_known().await);
    assert!(is_known().await);
    pass(60).await;
    assert!(is_known().await, "fetched again, and the same");
    issuer.does(ok(NEW));
    pass(60).await;
    assert!(!is_known().await);
    assert!(is_known().await);
    issuer.does(status(500));
    pass(60).await;
    assert!(is_known().await);
    assert_eq!(issuer.asked(), 4);
}

#[tokio::test]
async fn a_failure_replaces_nothing_that_is_cached() {
    let large = "x".repeat(MAX_BYTES);
    let large = format!(r#"{{"keys":[],"x":"{large}"}}"#);
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{";
    for (name, failure) in [
        ("an error", status(500)),
        ("a redirect", status(302)),
        ("no JSON", ok("<html>")),
        ("no set", ok("[]")),
        ("too much", ok(&large)),
        ("half of it", Does::Say(half.to_owned())),
        ("no HTTP", Does::Say("\x16\x03\x01".to_owned())),
    ] {
        let issuer = Issuer::start(ok(OLD)).await;
        let egress = issuer.egress();
        assert_eq!(issuer.told(&egress).await, cached(OLD), "{name}");
        issuer.does(failure);
        for asked in 2..4 {
            pass(60).await;
            for _ in 0..3 {
                assert_eq!(issuer.told(&egress).await, cached(OLD), "{name}");
            }
            assert_eq!(issuer.asked(), asked, "{name}");
        }
        issuer.does(ok(NEW));
        pass(60).await;
        assert_eq!(issuer.told(&egress).await, cached(NEW), "{name}");
    }
}

#[tokio::test]
async fn without_a_document_the_failure_is_everybodys_for_ten_seconds() {
    let no_http = Error::HttpProtocolError.to_string();
    for (name, failure, expected) in [
        ("an error", status(500), Ok((500, String::new()))),
        ("no set", ok("[]"), cached("[]")),
        (
            "no HTTP",
            Does::Say("\x16\x03\x01".to_owned()),
            Err(no_http),
        ),
    ] {
        let issuer = Issuer::start(failure).await;
        let egress = issuer.egress();
        let all = join_all((0..20).map(|_| issuer.told(&egress))).await;
        let is_same = all.iter().all(|answer| *answer == expected);
        assert!(is_same, "{name}: {all:?}");
        issuer.does(ok(OLD));
        pass(5).await;
        assert_eq!(issuer.told(&egress).await, expected, "{name}");
        assert_eq!(issuer.asked(), 1, "{name}");
        pass(5).await;
        assert_eq!(issuer.told(&egress).await, cached(OLD), "{name}");
        assert_eq!(issuer.asked(), 2, "{name}");
    }
}

#[tokio::test]
async fn a_silent_issuer_is_not_waited_for_while_something_is_cached() {
    let issuer = Issuer::start(ok(OLD)).await;
    let egress = issuer.egress();
    assert_eq!(issuer.told(&egress).await, cached(OLD));
    issuer.does(Does::Wait);
    pass(60).await;
    let begin = Instant::now();
    let both = tokio::join!(issuer.told(&egress), issuer.told(&egress));
    assert_eq!(both, (cached(OLD), cached(OLD)));
    assert!(begin.elapsed() < REFRESH_TIMEOUT + Duration::from_secs(1));
    // What comes at last is cached all the same.
    issuer.does(ok(NEW));
    assert_eq!(issuer.told(&egress).await, cached(NEW));
    assert_eq!(issuer.asked(), 2);
}

#[tokio::test]
async fn whoever_asked_first_may_go() {
    let issuer = Issuer::start(Does::Wait).await;
    let egress = issuer.egress();
    let first = timeout(Duration::from_millis(50), issuer.told(&egress));
    assert!(first.await.is_err());
    let second = issuer.told(&egress);
    issuer.does(ok(OLD));
    assert_eq!(second.await, cached(OLD));
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn nothing_else_is_cached() {
    let issuer = Issuer::start(ok(OLD)).await;
    let egress = issuer.egress();
    let other = issuer.url.replace("all", "some");
    for (method, url) in [("GET", &other), ("POST", &issuer.url), ("GET", &other)] {
        let told = ask(&egress, method, url).await;
        assert_eq!(told, cached(OLD), "{method} {url}");
    }
    assert_eq!(issuer.asked(), 3);
    assert_eq!(issuer.told(&egress).await, cached(OLD));
    assert_eq!(issuer.asked(), 4);
    let part = format!("{}#x", issuer.url);
    assert_eq!(ask(&egress, "GET", &part).await, cached(OLD));
    assert_eq!(issuer.asked(), 4);
    // Another process has a cache of its own.
    assert_eq!(ask(&issuer.egress(), "GET", &issuer.url).await, cached(OLD));
    assert_eq!(issuer.asked(), 5);
}

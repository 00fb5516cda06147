use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;

use concept_refinement_capability::tls::Trust;
use concept_refinement_domain::address::is_public;
use concept_refinement_domain::original::AllowedSources;
use futures::future::{BoxFuture, ready};
use parking_lot::Mutex;
use tokio::net::TcpListener;

use super::*;
use crate::egress::connect;
use crate::egress::resolver::{self, Resolver};
use crate::egress::tests::fakes::{OK, Server};

/// Returns its answers one after the other, then none.
struct Scripted {
    answers: Mutex<VecDeque<Vec<SocketAddr>>>,
    questions: Mutex<Vec<String>>,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            questions: Mutex::default(),
        })
    }
}

impl Resolver for Scripted {
    fn resolve(&self, host: &str, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        self.questions.lock().push(host.to_owned());
        let answer = self.answers.lock().pop_front();
        Box::pin(ready(
            answer.ok_or_else(|| io::Error::other("no such name")),
        ))
    }
}

fn client(grant: Grant, resolver: Arc<dyn Resolver>) -> Client {
    Client::new(grant, &Network::new(resolver, &Trust::default()).unwrap())
}

async fn ask(client: &Client, url: &str) -> Result<http::Response<WasiBody>, Error> {
    ask_within(client, url, CONNECT_TIMEOUT).await
}

async fn ask_within(
    client: &Client,
    url: &str,
    connect: Duration,
) -> Result<http::Response<WasiBody>, Error> {
    let request = http::Request::get(url)
        .header("host", "rebinding.example")
        .body(WasiBody::default())
        .unwrap();
    let options = RequestOptions {
        connect_timeout: Some(connect),
        ..RequestOptions::default()
    };
    client.send(request, Some(options)).await
}

fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().unwrap()).unwrap()
}

fn public(allowed: &str, provider: Option<&str>) -> Grant {
    Grant::Public {
        allowed: AllowedSources::parse(allowed).unwrap(),
        providers: provider.map(origin).into_iter().collect(),
    }
}

#[tokio::test]
async fn an_address_that_is_not_permitted_sees_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    for host in ["localhost", "127.0.0.1"] {
        let refused = connect::connect(&*resolver::system(), host, port, is_public).await;
        assert!(
            matches!(refused, Err(Error::DestinationIpProhibited)),
            "{host}: {refused:?}"
        );
    }
    // The first connection that the listener sees is the permitted one.
    let resolver = resolver::system();
    let (connected, accepted) = tokio::join!(
        connect::connect(&*resolver, "127.0.0.1", port, |_| true),
        listener.accept()
    );
    let connected = connected.unwrap().local_addr().unwrap();
    assert_eq!(accepted.unwrap().1, connected);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_dns_error() {
    let resolver = resolver::system();
    let unresolved = connect::connect(&*resolver, "no-such-host.invalid", 80, |_| true).await;
    assert!(
        matches!(unresolved, Err(Error::DnsError { .. })),
        "{unresolved:?}"
    );
}

/// Two servers on one port; only the first is an allowed source.
async fn permitted_and_forbidden() -> (Server, Server, Grant) {
    let permitted = Server::start_at("127.0.0.2:0", &[OK]).await;
    let forbidden =
        Server::start_at(&format!("127.0.0.1:{}", permitted.address.port()), &[OK]).await;
    (permitted, forbidden, public("127.0.0.2/32", None))
}

#[tokio::test]
async fn a_resolver_that_changes_its_mind_gains_nothing() {
    let (permitted, forbidden, grant) = permitted_and_forbidden().await;
    let url = format!("http://rebinding.example:{}/", permitted.address.port());
    let (good, bad) = (permitted.address, forbidden.address);
    let resolver = Scripted::new([vec![good], vec![bad], vec![bad, good], vec![]]);
    let client = client(grant, Arc::clone(&resolver) as _);

    // The connection uses the checked address; there is no second lookup.
    assert_eq!(ask(&client, &url).await.unwrap().status(), 200);
    assert_eq!(resolver.questions.lock().len(), 1);
    let refused = ask(&client, &url).await;
    assert!(matches!(refused, Err(Error::DestinationIpProhibited)));
    // Of several addresses, the permitted ones.
    assert_eq!(ask(&client, &url).await.unwrap().status(), 200);
    let nowhere = ask(&client, &url).await;
    assert!(matches!(nowhere, Err(Error::DestinationNotFound)));
    let unresolved = ask(&client, &url).await;
    assert!(matches!(unresolved, Err(Error::DnsError { .. })));

    assert_eq!(*resolver.questions.lock(), ["rebinding.example"; 5]);
    assert_eq!((permitted.connections(), forbidden.connections()), (2, 0));
}

#[tokio::test]
async fn an_address_in_another_form_is_judged_as_itself() {
    let (permitted, forbidden, grant) = permitted_and_forbidden().await;
    let port = permitted.address.port();
    let forms = [
        "::ffff:127.0.0.1",
        "::1",
        "::",
        "0.0.0.0",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ];
    let answers = forms.map(|form| vec![SocketAddr::new(form.parse().unwrap(), port)]);
    let client = client(grant, Scripted::new(answers));
    for form in forms {
        let refused = ask(&client, &format!("http://rebinding.example:{port}/")).await;
        assert!(
            matches!(refused, Err(Error::DestinationIpProhibited)),
            "{form}"
        );
    }
    assert_eq!(forbidden.connections(), 0);
}

/// A resolver that never answers delays a request only up to the connect
/// timeout.
#[tokio::test]
async fn a_name_server_that_is_silent_is_not_waited_for() {
    struct Silent;
    impl Resolver for Silent {
        fn resolve(&self, _: &str, _: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
            Box::pin(std::future::pending())
        }
    }
    let client = client(public("", None), Arc::new(Silent));
    let limit = Duration::from_millis(20);
    let late = ask_within(&client, "http://rebinding.example/", limit).await;
    assert!(matches!(late, Err(Error::ConnectionTimeout)));
}

#[tokio::test]
async fn informational_responses_have_an_end() {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    const HINTS: &[u8] = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    const CASES: [(&[&[u8]], &[u8]); 2] = [(&[CONTINUE], CONTINUE), (&[HINTS], HINTS)];
    for (first, again) in CASES {
        let url = Server::start_endless("127.0.0.1:0", first, again)
            .await
            .url();
        let client = client(Grant::Origin(origin(&url)), resolver::system());
        let begin = Instant::now();
        assert!(ask(&client, &url).await.is_err());
        assert!(begin.elapsed() < SILENCE_TIMEOUT / 2);
    }
}

#[tokio::test]
async fn an_answer_has_an_end_in_bytes_and_in_time() {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
    let endless = Server::start_endless("127.0.0.1:0", &[HEAD], b"0123456789abcdef").await;
    let url = endless.url();
    let grant = Grant::Origin(origin(&url));
    let client = client(grant, resolver::system());
    for (name, bytes, time, expected) in [
        (
            "in bytes",
            100_000,
            60_000,
            "HttpResponseBodySize(Some(100000))",
        ),
        ("in time", u64::MAX, 200, "HttpResponseTimeout"),
    ] {
        let bounds = Bounds {
            bytes,
            time: Duration::from_millis(time),
        };
        let client = Client {
            bounds,
            ..client.clone()
        };
        let response = ask(&client, &url).await.unwrap();
        let mut body = response.into_body();
        let mut read = 0;
        let error = loop {
            match body.frame().await.unwrap() {
                Ok(frame) => read += frame.data_ref().unwrap().len() as u64,
                Err(error) => break error,
            }
        };
        assert_eq!(format!("{error:?}"), expected, "{name}");
        assert!(read <= bytes, "{name}: {read}");
    }
}

#[test]
fn a_request_names_its_path_and_goes_to_a_host_alone() {
    let path = |text: &str| {
        let uri = http::Uri::builder().scheme("http").authority("a.example");
        target(&uri.path_and_query(text).build().unwrap()).to_string()
    };
    for (text, expected) in [
        ("/", "/"),
        ("#", "/"),
        ("?n=1", "/?n=1"),
        ("/v1?n=1", "/v1?n=1"),
    ] {
        assert_eq!(path(text), expected, "{text}");
    }
    for (method, url, expected) in [
        (Method::GET, "http://a.example/", "Ok(80)"),
        (Method::POST, "https://a.example:8443/", "Ok(8443)"),
        (
            Method::GET,
            "http://b.example@a.example/",
            "Err(HttpRequestUriInvalid)",
        ),
        (
            Method::CONNECT,
            "http://a.example/",
            "Err(HttpRequestMethodInvalid)",
        ),
    ] {
        let request = http::Request::builder().method(method).uri(url);
        let sent = destination(&request.body(()).unwrap()).map(|origin| origin.port);
        assert_eq!(format!("{sent:?}"), expected, "{url}");
    }
}

#[test]
fn what_failed_before_it_was_connected_was_not_sent() {
    let broken = || io::Error::other("broken");
    for (error, expected) in [
        (Error::HttpRequestDenied, true),
        (Error::DnsTimeout, true),
        (Error::DestinationIpProhibited, true),
        (Error::ConnectionRefused, true),
        (Error::ConnectionTimeout, true),
        (Error::Connect(broken()), true),
        (Error::Tls(broken()), true),
        (Error::ConnectionReadTimeout, false),
        (Error::ConnectionTerminated, false),
        (Error::HttpResponseTimeout, false),
        (Error::HttpResponseIncomplete, false),
        (Error::HttpProtocolError, false),
    ] {
        assert_eq!(is_unsent(&error), expected, "{error}");
    }
}

//! Behind a proxy: what its headers change, and that nobody else's do.

use std::net::{IpAddr, SocketAddr};

use concept_refinement_tests::client::{Answer, Client, http};
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::Launch;
use reqwest::{Method, Version};

use crate::connections::raw;
use crate::shared::{local, proxied};

/// The sessions that one address gets at once.
const AT_ONCE: usize = 30;

/// A client that the proxy on this machine speaks for.
fn forwarded(address: &str) -> Client {
    Client::new(proxied().url()).with("x-forwarded-for", address)
}

async fn session(client: &Client) -> Answer {
    client.send(Method::POST, "/api/auth/session", "").await
}

#[tokio::test]
async fn the_origin_is_what_the_proxy_was_asked_for() {
    let browser = forwarded("203.0.113.1")
        .with("x-forwarded-proto", "https")
        .with("x-forwarded-host", "refine.example");
    let answer = session(&browser).await;
    assert_eq!(answer.status, 201);
    let cookie = answer.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    assert!(answer.header("strict-transport-security").is_some());
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();

    let browser = browser.cookie(&token);
    let picture = pictures::png(8, 8);
    let url = browser.uploaded(&picture).await;
    assert!(
        url.starts_with("https://refine.example/api/images/"),
        "{url}"
    );
    let path = url.trim_start_matches("https://refine.example");
    assert_eq!(browser.get(path).await.body, picture.bytes);

    for (origin, status) in [
        ("https://refine.example", 201),
        ("http://refine.example", 403),
        ("https://evil.example", 403),
        (proxied().url(), 403),
    ] {
        let upload = browser.with("origin", origin);
        let answer = upload.upload("image/png", &picture.bytes).await;
        assert_eq!(answer.status, status, "{origin}");
    }
    // Ours, by the name that the proxy answers to.
    browser.completed(&url, "make it lighter").await;
}

#[tokio::test]
async fn what_a_stranger_claims_is_not_heard() {
    let stranger = Client::new(local().url())
        .with("x-forwarded-for", "203.0.113.1")
        .with("x-forwarded-proto", "https")
        .with("x-forwarded-host", "evil.example")
        .with("forwarded", "for=203.0.113.1;proto=https;host=evil.example");
    let answer = session(&stranger).await;
    let cookie = answer.header("set-cookie").unwrap();
    assert!(!cookie.contains("Secure"), "{cookie}");
    assert_eq!(answer.header("strict-transport-security"), None);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let url = stranger.bearer(&token).uploaded(&pictures::png(8, 8)).await;
    assert!(url.starts_with(local().url()), "{url}");
}

#[tokio::test]
async fn one_address_gets_so_many_sessions() {
    let client = forwarded("203.0.113.2");
    for number in 0..AT_ONCE {
        assert_eq!(session(&client).await.status, 201, "{number}");
    }
    for claim in ["203.0.113.2", "198.51.100.1, 203.0.113.2"] {
        let answer = session(&forwarded(claim)).await;
        assert_eq!(answer.status, 429, "{claim}");
        assert_eq!(answer.error_code(), "RATE_LIMIT_EXCEEDED", "{claim}");
        let again: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=120).contains(&again), "{again}");
    }
    assert_eq!(client.get("/api/health").await.status, 200, "only sessions");
    let unknown = client.get("/api/auth/session").await;
    assert_eq!(unknown.status, 405, "only those that are made");
    let neighbour = forwarded("203.0.113.3");
    assert_eq!(session(&neighbour).await.status, 201);
    // This machine is not limited.
    let here = Client::new(local().url());
    for number in 0..AT_ONCE + 10 {
        assert_eq!(session(&here).await.status, 201, "{number}");
    }
}

/// Else everybody behind it would be this machine.
#[tokio::test]
async fn a_proxy_that_nobody_named_is_limited_and_the_log_says_what_to_set() {
    let service = Launch::new().start();
    let proxy = Client::new(service.url());
    for number in 0..AT_ONCE {
        let client = proxy.with("x-forwarded-for", &format!("203.0.113.{number}"));
        assert_eq!(session(&client).await.status, 201, "{number}");
    }
    let client = proxy.with("x-forwarded-for", "203.0.113.200");
    assert_eq!(session(&client).await.status, 429);
    assert_eq!(session(&proxy).await.status, 201, "without the header");
    let log = service.log();
    assert_eq!(log.matches("set trusted-proxies").count(), 1, "{log}");
}

/// A web page whose name leads to this machine (DNS rebinding) is refused, and so
/// is nobody else.
#[tokio::test]
async fn a_local_service_answers_to_local_names() {
    let service = Launch::new()
        .set("public-url", "https://refine.example")
        .set("trusted-proxies", "127.0.0.2")
        .start();
    let here = Client::new(service.url());
    let proxy = Client::from_address(service.url(), IpAddr::from([127, 0, 0, 2]));
    let port = service.url().rsplit(':').next().unwrap();
    for (name, client, host, status) in [
        ("rebound", &here, &*format!("evil.example:{port}"), 421),
        ("localhost", &here, &format!("localhost:{port}"), 201),
        ("the public name", &here, "refine.example", 201),
        ("by a proxy", &proxy, "whatever.example", 201),
    ] {
        let client = client.with("host", host);
        let answer = session(&client).await;
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        if status == 421 {
            assert_eq!(answer.error_code(), "MISDIRECTED_REQUEST", "{name}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains("`public-url`"), "{detail}");
            assert_eq!(answer.header("set-cookie"), None, "{name}");
        }
        for path in ["/api/health", "/api/health/ready"] {
            assert_eq!(client.get(path).await.status, 200, "{name}: {path}");
        }
        let page = client.get("/").await.status;
        assert_eq!(page == 200, status == 201, "{name}: {page}");
    }
    let log = service.log();
    assert_eq!(log.matches("set public-url").count(), 1, "{log}");
}

/// HTTP/1.0 knows no Host.
#[tokio::test]
async fn a_request_without_a_host_is_answered() {
    for (request, status) in [
        ("GET / HTTP/1.0\r\n\r\n", " 200 "),
        ("GET / HTTP/1.1\r\n\r\n", " 400 "),
        ("GET / HTTP/1.0\r\nhost: evil.example\r\n\r\n", " 421 "),
    ] {
        let heard = raw::exchange(local(), request.as_bytes()).await;
        let heard = String::from_utf8_lossy(&heard);
        let line = heard.lines().next().unwrap();
        assert!(line.contains(status), "{request:?}: {line}");
    }
}

/// What a request says otherwise than by a Host header is no way around.
#[tokio::test]
async fn a_name_in_the_target_counts() {
    for (target, status) in [
        ("http://localhost/", " 200 "),
        ("http://evil.example/", " 421 "),
        ("http://evil.example:80/api/tasks", " 421 "),
    ] {
        let request =
            format!("GET {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let heard = raw::exchange(local(), request.as_bytes()).await;
        let heard = String::from_utf8_lossy(&heard);
        let line = heard.lines().next().unwrap();
        assert!(line.contains(status), "{target}: {line}");
    }
    // Over HTTP/2 it is the authority.
    let address: SocketAddr = local().url()["http://".len()..].parse().unwrap();
    for (name, status) in [("app.localhost", 200), ("evil.example", 421)] {
        let client = http()
            .no_proxy()
            .http2_prior_knowledge()
            .resolve(name, address);
        let url = format!("http://{name}:{}/", address.port());
        let answer = client.build().unwrap().get(url).send().await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        assert_eq!(answer.status(), status, "{name}");
    }
}

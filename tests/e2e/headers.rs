//! The header fields by which a browser protects whoever looks, on what the
//! component answers and on what the host does.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use reqwest::Method;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::shared::{local, new_user, scripted};

const ALWAYS: [(&str, &str); 3] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
];

fn policy(headers: &HeaderMap) -> &str {
    headers["content-security-policy"].to_str().unwrap()
}

#[tokio::test]
async fn every_answer_is_protected() {
    let user = new_user(scripted());
    let anybody = Client::new(scripted().url());
    let url = user.uploaded(&pictures::png(8, 8)).await;
    for (name, answer) in [
        ("health", anybody.get("/api/health").await),
        ("a list", user.get("/api/tasks").await),
        ("401", anybody.get("/api/tasks").await),
        ("404", anybody.get("/nothing").await),
        ("405", anybody.delete("/api/tasks").await),
        ("422", user.get("/api/tasks?limit=x").await),
        ("HEAD", user.head("/api/tasks").await),
        (
            "a session",
            Client::new(local().url())
                .send(Method::POST, "/api/auth/session", "")
                .await,
        ),
    ] {
        for (header, value) in ALWAYS {
            assert_eq!(answer.header(header), Some(value), "{name}: {header}");
        }
        let expected = "default-src 'none'; frame-ancestors 'none'";
        assert_eq!(policy(&answer.headers), expected, "{name}");
        let resource = answer.header("cross-origin-resource-policy");
        assert_eq!(resource, Some("same-origin"), "{name}");
        assert_eq!(answer.header("strict-transport-security"), None, "{name}");
    }
    let image = anybody.get(&url).await;
    assert_eq!(image.status, 200);
    for (header, value) in ALWAYS {
        assert_eq!(image.header(header), Some(value), "{header}");
    }
    let expected = "default-src 'none'; sandbox; frame-ancestors 'none'";
    assert_eq!(policy(&image.headers), expected);
    let resource = image.header("cross-origin-resource-policy");
    assert_eq!(resource, Some("cross-origin"));
}

#[tokio::test]
async fn a_page_runs_only_its_own_files() {
    let browser = Client::new(scripted().url()).with("accept", "text/html,*/*;q=0.8");
    for (path, status) in [("/", 200), ("/docs", 200), ("/nothing", 404)] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert_eq!(
            page.header("content-type"),
            Some("text/html; charset=utf-8")
        );
        for (header, value) in ALWAYS {
            assert_eq!(page.header(header), Some(value), "{path}: {header}");
        }
        let policy = policy(&page.headers);
        assert!(policy.starts_with("default-src 'self'; "), "{policy}");
        assert!(!policy.contains("unsafe-"), "{policy}");
        for part in [
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "object-src 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
    }
    // Programs are answered as anywhere else.
    let program = Client::new(scripted().url());
    for answer in [
        program.get("/nothing").await,
        browser.get("/api/nothing").await,
    ] {
        assert_eq!(
            (answer.status, answer.error_code()),
            (404, "NOT_FOUND".into())
        );
    }
}

#[tokio::test]
async fn what_the_host_answers_is_protected_as_well() {
    let address = scripted().url().trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /api/health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    for line in [
        "x-content-type-options: nosniff",
        "x-frame-options: DENY",
        "referrer-policy: same-origin",
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "cache-control: no-store",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
}

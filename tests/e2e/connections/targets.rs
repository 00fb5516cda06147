//! Request lines, heads and expectations that are seldom seen.

use concept_refinement_tests::tokens::token;
use tokio::io::AsyncWriteExt as _;

use super::{assert_quick, raw};
use crate::shared::{new_name, scripted};

/// Closes the connection after it, so that all answers are heard.
const LAST: &str = "GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn each_request_line_has_its_answer() {
    let long = "x".repeat(40 << 10);
    let many = "x: y\r\n".repeat(2000);
    let host = "host: localhost\r\n";
    let too_much = [
        format!("GET /{long} HTTP/1.1\r\n{host}\r\n"),
        format!("{long} / HTTP/1.1\r\n{host}\r\n"),
        long.clone(),
        format!("GET / HTTP/1.1\r\n{host}x: {long}\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{many}\r\n"),
    ];
    let malformed = [
        "GET /api/health HTTP/3.0",
        "GET /api/health http/1.1",
        "GET  /api/health HTTP/1.1",
        "GET /api/ health HTTP/1.1",
        "GET /api/\0 HTTP/1.1",
        "GET /api/\thealth HTTP/1.1",
        "GET HTTP/1.1",
    ];
    let malformed = malformed.map(|line| format!("{line}\r\n{host}\r\n"));
    let others = [
        "GET /api/health\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03\r\n\r\n",
        "\0\0\0\0\r\n\r\n",
        "EHLO mail.example\r\n\r\n",
    ];
    let too_much = too_much.map(|request| (request, &[400, 414, 431][..]));
    let others = malformed.into_iter().chain(others.map(str::to_owned));
    let others = others.map(|request| (request, &[400][..]));
    for (request, allowed) in too_much.into_iter().chain(others) {
        let name = &request[..request.len().min(40)];
        let heard = raw::exchange(scripted(), request.as_bytes()).await;
        let statuses = raw::statuses(&heard);
        let refused = matches!(statuses[..], [status] if allowed.contains(&status));
        assert!(refused || statuses.is_empty(), "{name}: {statuses:?}");
        assert_quick(scripted(), name).await;
    }
    // What is unusual, but well-formed, is answered as anything else; and so is
    // what comes after it.
    let of_websocket = "GET /api/health HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    let of_http2 = "GET /api/health HTTP/1.1\r\nconnection: upgrade, http2-settings\r\n\
        upgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__";
    let escaped = "GET /api/images/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1";
    for (name, expected) in [
        ("GET http://elsewhere.example/api/health HTTP/1.1", 200),
        ("GET http://localhost/nothing HTTP/1.1", 404),
        ("BREW /api/health HTTP/1.1", 405),
        ("TRACE /api/health HTTP/1.1\r\ncookie: x", 405),
        ("OPTIONS * HTTP/1.1", 404),
        (of_websocket, 200),
        (of_http2, 200),
        ("GET /api/health HTTP/1.1\r\nhost: b", 400),
        ("GET /api/../../etc/passwd HTTP/1.1", 404),
        (escaped, 401),
        ("GET //api/health HTTP/1.1", 404),
    ] {
        let request = format!("{name}\r\nhost: localhost\r\n\r\n");
        let heard = raw::exchange(scripted(), format!("{request}{LAST}").as_bytes()).await;
        assert_eq!(raw::statuses(&heard), [expected, 200], "{name}");
        let told = String::from_utf8_lossy(&heard);
        assert!(!told.contains("101 switching"), "{name}");
    }
    for host in ["a/b", "b@a"] {
        let request = format!("GET /api/health HTTP/1.1\r\nhost: {host}\r\n\r\n{LAST}");
        let heard = raw::exchange(scripted(), request.as_bytes()).await;
        assert_eq!(raw::statuses(&heard), [400, 200], "{host}");
    }
}

/// The service is no proxy: there is no tunnel to anywhere.
#[tokio::test]
async fn nothing_is_tunnelled() {
    for target in [
        "a:443",
        "127.0.0.1:22",
        "/",
        "http://a/",
        "http://localhost/",
    ] {
        let request =
            format!("CONNECT {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        let heard = raw::exchange(scripted(), request.as_bytes()).await;
        let statuses = raw::statuses(&heard);
        let refused = matches!(statuses[..], [400 | 404 | 405 | 421]);
        assert!(refused, "{target}: {statuses:?}");
    }
}

/// Who waits to be asked for the body is asked only if it is wanted.
#[tokio::test]
async fn a_body_is_asked_for_where_it_is_wanted() {
    let head = |credentials: &str| {
        format!(
            "POST /api/concepts/refine HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{credentials}\
             content-type: application/json\r\ncontent-length: 2\r\nexpect: 100-continue\r\n\r\n"
        )
    };
    let mut stream = raw::connect(scripted()).await;
    let user = format!("authorization: Bearer {}\r\n", token(&new_name()));
    stream.write_all(head(&user).as_bytes()).await.unwrap();
    raw::until(&mut stream, "HTTP/1.1 100 Continue\r\n\r\n").await;
    stream.write_all(b"{}").await.unwrap();
    assert_eq!(raw::statuses(&raw::rest(&mut stream).await), [422]);

    // Nobody says a word more, and the connection ends.
    let heard = raw::exchange(scripted(), head("").as_bytes()).await;
    assert_eq!(raw::statuses(&heard), [401]);
}

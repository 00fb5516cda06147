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
    for (name, request, allowed) in [
        (
            "a long target",
            format!("GET /{long} HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            &[400, 414, 431][..],
        ),
        (
            "a long method",
            format!("{long} / HTTP/1.1\r\nhost: localhost\r\n\r\n"),
            &[400, 431],
        ),
        ("a long line without an end", long.clone(), &[400, 414, 431]),
        (
            "a long header",
            format!("GET / HTTP/1.1\r\nhost: localhost\r\nx: {long}\r\n\r\n"),
            &[400, 431],
        ),
        (
            "many headers",
            format!("GET / HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"),
            &[400, 431],
        ),
        ("no version", "GET /api/health\r\n\r\n".to_owned(), &[400]),
        (
            "another version",
            "GET /api/health HTTP/3.0\r\nhost: localhost\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "in small letters",
            "GET /api/health http/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "two spaces",
            "GET  /api/health HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "a space in the target",
            "GET /api/ health HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "NUL in the target",
            "GET /api/\0 HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "a tab in the target",
            "GET /api/\thealth HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "no target",
            "GET HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            &[400],
        ),
        (
            "TLS",
            "\x16\x03\x01\x02\0\x01\0\x01\u{7c}\x03\x03\r\n\r\n".to_owned(),
            &[400],
        ),
        ("no method", "\0\0\0\0\r\n\r\n".to_owned(), &[400]),
        (
            "another protocol",
            "EHLO mail.example\r\n\r\n".to_owned(),
            &[400],
        ),
    ] {
        let heard = raw::exchange(scripted(), request.as_bytes()).await;
        let statuses = raw::statuses(&heard);
        let refused = matches!(statuses[..], [status] if allowed.contains(&status));
        assert!(refused || statuses.is_empty(), "{name}: {statuses:?}");
        assert_quick(scripted(), name).await;
    }
    // What is unusual, but well-formed, is answered as anything else; and so is
    // what comes after it.
    for (name, request, expected) in [
        (
            "absolute form",
            "GET http://elsewhere.example/api/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
            200,
        ),
        (
            "absolute form, nothing there",
            "GET http://localhost/nothing HTTP/1.1\r\nhost: localhost\r\n\r\n",
            404,
        ),
        (
            "a method of its own",
            "BREW /api/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
            405,
        ),
        (
            "TRACE",
            "TRACE /api/health HTTP/1.1\r\nhost: localhost\r\ncookie: x\r\n\r\n",
            405,
        ),
        (
            "asterisk form",
            "OPTIONS * HTTP/1.1\r\nhost: localhost\r\n\r\n",
            404,
        ),
        (
            "to WebSocket",
            "GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            200,
        ),
        (
            "to HTTP/2",
            "GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n\r\n",
            200,
        ),
        (
            "two hosts",
            "GET /api/health HTTP/1.1\r\nhost: localhost\r\nhost: b\r\n\r\n",
            400,
        ),
        (
            "a host with a path",
            "GET /api/health HTTP/1.1\r\nhost: a/b\r\n\r\n",
            400,
        ),
        (
            "a host with a user",
            "GET /api/health HTTP/1.1\r\nhost: b@a\r\n\r\n",
            400,
        ),
        (
            "a path out of the root",
            "GET /api/../../etc/passwd HTTP/1.1\r\nhost: localhost\r\n\r\n",
            404,
        ),
        (
            "an encoded path out of it",
            "GET /api/images/%2e%2e%2f%2e%2e%2fetc%2fpasswd HTTP/1.1\r\nhost: localhost\r\n\r\n",
            401,
        ),
        (
            "two slashes",
            "GET //api/health HTTP/1.1\r\nhost: localhost\r\n\r\n",
            404,
        ),
    ] {
        let heard = raw::exchange(scripted(), format!("{request}{LAST}").as_bytes()).await;
        assert_eq!(raw::statuses(&heard), [expected, 200], "{name}");
        let told = String::from_utf8_lossy(&heard);
        assert!(!told.contains("101 switching"), "{name}");
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

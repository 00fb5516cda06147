//! Request smuggling: requests with an ambiguous end. Each contains a request
//! that would delete a task, which must never be executed.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;

use super::{assert_quick, raw};
use crate::shared::{new_name, origin, scripted};

/// What becomes of a request, and of its connection.
#[derive(Debug)]
enum Becomes {
    /// Answered with 400 or not at all, and closed.
    Refused,
    /// Answered with one of these, and closed with that.
    Ends(&'static [u16]),
    /// Answered so, one after the other.
    Answered(&'static [u16]),
}

use Becomes::{Answered, Ends, Refused};

struct Victim {
    client: Client,
    token: String,
    id: String,
}

impl Victim {
    async fn new() -> Self {
        let name = new_name();
        let client = Client::user(scripted().url(), &name);
        let url = origin().picture(&pictures::png(8, 8));
        let task = client.refined(&url, "instant").await;
        let id = task["task_id"].as_str().unwrap().to_owned();
        let token = token(&name);
        Self { client, token, id }
    }

    /// The request that must not be found.
    fn hidden(&self) -> String {
        let Self { token, id, .. } = self;
        format!(
            "DELETE /api/tasks/{id} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             connection: close\r\n\r\n"
        )
    }

    async fn check(&self, name: &str, request: &[u8], becomes: Becomes) {
        let heard = raw::exchange(scripted(), request).await;
        let statuses = raw::statuses(&heard);
        match becomes {
            Refused => assert!(
                matches!(statuses[..], [] | [400 | 431]),
                "{name}: {statuses:?}"
            ),
            Ends(expected) => {
                let one = matches!(statuses[..], [status] if expected.contains(&status));
                assert!(one || statuses.is_empty(), "{name}: {statuses:?}");
            }
            Answered(expected) => assert_eq!(statuses, expected, "{name}"),
        }
        let task = self.client.get(&format!("/api/tasks/{}", self.id)).await;
        assert_eq!(task.status, 200, "{name}: the hidden request was found");
        assert_quick(scripted(), name).await;
    }
}

/// A request without credentials, with these header lines and this body.
fn post(headers: &str, body: &str) -> String {
    format!("POST /api/concepts/refine HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n{body}")
}

#[tokio::test]
async fn lengths_that_contradict_are_refused() {
    let victim = Victim::new().await;
    let hidden = victim.hidden();
    let length = hidden.len();
    for (name, headers) in [
        (
            "two lengths",
            "content-length: 0\r\ncontent-length: 5".to_owned(),
        ),
        ("a list of lengths", "content-length: 0, 5".to_owned()),
        ("a signed length", "content-length: +0".to_owned()),
        ("a negative length", "content-length: -1".to_owned()),
        ("a hexadecimal length", "content-length: 0x0".to_owned()),
        (
            "a length with a space in it",
            "content-length: 0 0".to_owned(),
        ),
        ("no length at all", "content-length:".to_owned()),
        ("a fractional length", "content-length: 0.0".to_owned()),
        (
            "a huge length",
            "content-length: 99999999999999999999999999".to_owned(),
        ),
        (
            "the largest length",
            "content-length: 18446744073709551615".to_owned(),
        ),
        (
            "a space before the colon",
            format!("content-length : {length}"),
        ),
        (
            "a tab before the colon",
            format!("content-length\t: {length}"),
        ),
        ("a folded length", format!("content-length:\r\n {length}")),
        (
            "folded into another",
            format!("x: y\r\n content-length: {length}"),
        ),
        ("NUL in a name", "content\0-length: 0".to_owned()),
        ("NUL in a value", "x: a\0b".to_owned()),
        ("CR in a value", "x: a\rcontent-length: 0".to_owned()),
        ("no colon", "content-length 0".to_owned()),
        ("an empty name", ": 0".to_owned()),
        ("a name in quotes", "\"content-length\": 0".to_owned()),
        ("another coding", "transfer-encoding: identity".to_owned()),
        ("gzip alone", "transfer-encoding: gzip".to_owned()),
        (
            "chunked and then gzip",
            "transfer-encoding: chunked, gzip".to_owned(),
        ),
        (
            "gzip and then chunked",
            "transfer-encoding: gzip, chunked".to_owned(),
        ),
        (
            "chunked twice",
            "transfer-encoding: chunked, chunked".to_owned(),
        ),
        (
            "two codings",
            "transfer-encoding: chunked\r\ntransfer-encoding: identity".to_owned(),
        ),
        (
            "two more",
            "transfer-encoding: identity\r\ntransfer-encoding: chunked".to_owned(),
        ),
        ("nearly chunked", "transfer-encoding: xchunked".to_owned()),
        (
            "chunked in quotes",
            "transfer-encoding: \"chunked\"".to_owned(),
        ),
        (
            "chunked with a parameter",
            "transfer-encoding: chunked;q=1".to_owned(),
        ),
        (
            "chunked after a control character",
            "transfer-encoding: \x0bchunked".to_owned(),
        ),
        (
            "chunked with NUL",
            "transfer-encoding: chunked\0".to_owned(),
        ),
        (
            "a space before chunked's colon",
            "transfer-encoding : chunked".to_owned(),
        ),
        (
            "a folded coding",
            "transfer-encoding:\r\n chunked".to_owned(),
        ),
        (
            "a comma before chunked",
            "transfer-encoding: , chunked".to_owned(),
        ),
    ] {
        let request = post(&headers, &format!("0\r\n\r\n{hidden}"));
        victim.check(name, request.as_bytes(), Refused).await;
    }
    let old = format!(
        "POST / HTTP/1.0\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    );
    victim
        .check("chunked in HTTP/1.0", old.as_bytes(), Refused)
        .await;
    let first = format!("GET / HTTP/1.1\r\n content-length: 5\r\nhost: localhost\r\n\r\n{hidden}");
    victim
        .check("a space before the first header", first.as_bytes(), Refused)
        .await;
}

/// Of a length and a coding the coding counts, and the connection is not used
/// again (RFC 9112, 6.3).
#[tokio::test]
async fn a_length_beside_a_coding_ends_the_connection() {
    let victim = Victim::new().await;
    let hidden = victim.hidden();
    for (name, headers) in [
        (
            "length first",
            "content-length: 5\r\ntransfer-encoding: chunked",
        ),
        (
            "coding first",
            "transfer-encoding: chunked\r\ncontent-length: 5",
        ),
        (
            "in capitals",
            "Content-Length: 5\r\nTRANSFER-ENCODING: CHUNKED",
        ),
        (
            "a length that is none",
            "transfer-encoding: chunked\r\ncontent-length: x",
        ),
    ] {
        let request = post(headers, &format!("0\r\n\r\n{hidden}"));
        victim
            .check(name, request.as_bytes(), Ends(&[400, 401]))
            .await;
    }
}

/// Where the chunks are read, and where nobody wants them.
#[tokio::test]
async fn bad_chunks_end_the_connection() {
    let victim = Victim::new().await;
    let hidden = victim.hidden();
    let flood = "x".repeat(20 << 10);
    let many = "1;a=b\r\nx\r\n".repeat(10_000);
    let trailers = "x: y\r\n".repeat(4096);
    let mut checks = Vec::new();
    let victim = &victim;
    let with = format!(
        "content-type: application/json\r\nauthorization: Bearer {}\r\ntransfer-encoding: chunked",
        victim.token
    );
    for (name, chunks) in [
        ("no number", "zz\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("no size", "\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("a negative size", "-2\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("a signed size", "+2\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("a size with 0x", "0x2\r\n{}\r\n0\r\n\r\n".to_owned()),
        (
            "a size beyond 64 bits",
            "10000000000000002\r\n{}\r\n0\r\n\r\n".to_owned(),
        ),
        (
            "the largest size",
            "ffffffffffffffff\r\n{}\r\n0\r\n\r\n".to_owned(),
        ),
        (
            "a space before the size",
            " 2\r\n{}\r\n0\r\n\r\n".to_owned(),
        ),
        ("two sizes", "2 3\r\n{}\r\n0\r\n\r\n".to_owned()),
        ("bare line feeds", "2\n{}\n0\n\n".to_owned()),
        ("a bare carriage return", "2\r{}\r\n0\r\n\r\n".to_owned()),
        ("more than it says", "2\r\n{}x\r\n0\r\n\r\n".to_owned()),
        ("less than it says", "3\r\n{}\r\n0\r\n\r\n".to_owned()),
        (
            "an extension with a line feed",
            "2;a\nb\r\n{}\r\n0\r\n\r\n".to_owned(),
        ),
        (
            "an extension without an end",
            format!("2;{flood}\r\n{{}}\r\n0\r\n\r\n"),
        ),
        ("many extensions", format!("{many}0\r\n\r\n")),
        ("many trailers", format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n")),
        (
            "a large trailer",
            format!("2\r\n{{}}\r\n0\r\nx: {flood}\r\n\r\n"),
        ),
        (
            "a trailer with a space before its colon",
            "2\r\n{}\r\n0\r\nx : y\r\n\r\n".to_owned(),
        ),
    ] {
        let body = format!("{chunks}{hidden}");
        let read = (post(&with, &body), Ends(&[400, 413, 422, 431]));
        let unread = post("transfer-encoding: chunked", &body);
        for (request, becomes) in [read, (unread, Ends(&[400, 401]))] {
            // What nobody wants is read for a while: all of them at once.
            checks.push(async move { victim.check(name, request.as_bytes(), becomes).await });
        }
    }
    join_all(checks).await;
}

/// What is well-formed is read as it is meant, to its last byte.
#[tokio::test]
async fn what_a_body_holds_is_no_request() {
    let victim = Victim::new().await;
    let hidden = victim.hidden();
    let length = hidden.len();
    let last = "GET /api/health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let chunked = format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    let with = format!(
        "content-type: application/json\r\nauthorization: Bearer {}\r\n",
        victim.token
    );
    let get = |headers: &str, body: &str| {
        format!("GET /api/health HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n\r\n{body}{last}")
    };
    for (name, request, becomes) in [
        ("two in one piece", get("x: y", ""), Answered(&[200, 200])),
        (
            "a body that a GET has",
            get(&format!("content-length: {length}"), &hidden),
            Answered(&[200, 200]),
        ),
        (
            "chunks that a GET has",
            get("transfer-encoding: chunked", &chunked),
            Answered(&[200, 200]),
        ),
        (
            "a body that is read",
            post(
                &format!("{with}content-length: {length}"),
                &format!("{hidden}{last}"),
            ),
            Answered(&[422, 200]),
        ),
        (
            "chunks that are read",
            post(
                &format!("{with}transfer-encoding: chunked"),
                &format!("{chunked}{last}"),
            ),
            Answered(&[422, 200]),
        ),
        (
            "trailers",
            post(
                &format!("{with}transfer-encoding: chunked"),
                &format!(
                    "2\r\n{{}}\r\n0\r\ntransfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n{last}"
                ),
            ),
            Answered(&[422, 200]),
        ),
        (
            "an extension",
            post(
                &format!("{with}transfer-encoding: chunked"),
                &format!("2;a=\"b\"\r\n{{}}\r\n000\r\n\r\n{last}"),
            ),
            Answered(&[422, 200]),
        ),
        (
            "the same length twice",
            post(
                &format!("{with}content-length: 2\r\ncontent-length: 2"),
                &format!("{{}}{last}"),
            ),
            Answered(&[422, 200]),
        ),
        (
            "empty lines before it",
            format!("\r\n\r\n{last}"),
            Answered(&[200]),
        ),
    ] {
        victim.check(name, request.as_bytes(), becomes).await;
    }
}

//! Request smuggling: requests with an ambiguous end. Each contains a request
//! that would delete a task, which must never be executed.

use concept_refinement_tests::client::Client;
use concept_refinement_tests::tokens::token;
use futures::future::join_all;

use super::{assert_quick, raw};
use crate::shared::{new_name, picture_url, scripted};

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
        let task = client.refined(&picture_url(), "instant").await;
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
    let lengths = [
        "0, 5",
        "+0",
        "-1",
        "0x0",
        "0 0",
        "",
        "0.0",
        "99999999999999999999999999",
        "18446744073709551615",
        "0\r\ncontent-length: 5",
    ];
    let codings = [
        "identity",
        "gzip",
        "chunked, gzip",
        "gzip, chunked",
        "chunked, chunked",
        "chunked\r\ntransfer-encoding: identity",
        "identity\r\ntransfer-encoding: chunked",
        "xchunked",
        "\"chunked\"",
        "chunked;q=1",
        "\x0bchunked",
        "chunked\0",
        ", chunked",
    ];
    let ill_formed = [
        format!("content-length : {length}"),
        format!("content-length\t: {length}"),
        format!("content-length:\r\n {length}"),
        format!("x: y\r\n content-length: {length}"),
        "content\0-length: 0".to_owned(),
        "x: a\0b".to_owned(),
        "x: a\rcontent-length: 0".to_owned(),
        "content-length 0".to_owned(),
        ": 0".to_owned(),
        "\"content-length\": 0".to_owned(),
        "transfer-encoding : chunked".to_owned(),
        "transfer-encoding:\r\n chunked".to_owned(),
    ];
    let lengths = lengths.map(|length| format!("content-length: {length}"));
    let codings = codings.map(|coding| format!("transfer-encoding: {coding}"));
    for headers in lengths.iter().chain(&codings).chain(&ill_formed) {
        let request = post(headers, &format!("0\r\n\r\n{hidden}"));
        victim.check(headers, request.as_bytes(), Refused).await;
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
    for headers in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
        "Content-Length: 5\r\nTRANSFER-ENCODING: CHUNKED",
        "transfer-encoding: chunked\r\ncontent-length: x",
    ] {
        let request = post(headers, &format!("0\r\n\r\n{hidden}"));
        let becomes = Ends(&[400, 401]);
        victim.check(headers, request.as_bytes(), becomes).await;
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
    // What a chunk of two bytes is called, and what comes in its place.
    let sizes = [
        ("no number", "zz"),
        ("no size", ""),
        ("a negative size", "-2"),
        ("a signed size", "+2"),
        ("a size with 0x", "0x2"),
        ("a size beyond 64 bits", "10000000000000002"),
        ("the largest size", "ffffffffffffffff"),
        ("a space before the size", " 2"),
        ("two sizes", "2 3"),
        ("less than it says", "3"),
        ("an extension with a line feed", "2;a\nb"),
        ("an extension without an end", &format!("2;{flood}")),
    ];
    let sizes = sizes.map(|(name, size)| (name, format!("{size}\r\n{{}}\r\n0\r\n\r\n")));
    let others = [
        ("bare line feeds", "2\n{}\n0\n\n".to_owned()),
        ("a bare carriage return", "2\r{}\r\n0\r\n\r\n".to_owned()),
        ("more than it says", "2\r\n{}x\r\n0\r\n\r\n".to_owned()),
        ("many extensions", format!("{many}0\r\n\r\n")),
    ];
    let trailers = [
        ("many trailers", trailers),
        ("a large trailer", format!("x: {flood}\r\n")),
        (
            "a trailer with a space before its colon",
            "x : y\r\n".to_owned(),
        ),
    ];
    let trailers = trailers.map(|(name, lines)| (name, format!("2\r\n{{}}\r\n0\r\n{lines}\r\n")));
    for (name, chunks) in sizes.into_iter().chain(others).chain(trailers) {
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
    let get = "GET /api/health HTTP/1.1\r\nhost: localhost\r\n";
    let read = format!(
        "POST /api/concepts/refine HTTP/1.1\r\nhost: localhost\r\n\
         content-type: application/json\r\nauthorization: Bearer {}\r\n",
        victim.token
    );
    let of_length = format!("content-length: {length}\r\n\r\n{hidden}");
    let chunked = format!("transfer-encoding: chunked\r\n\r\n{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    let trailers = "2\r\n{}\r\n0\r\ntransfer-encoding: chunked\r\ncontent-length: 9\r\n\r\n";
    let trailers = format!("transfer-encoding: chunked\r\n\r\n{trailers}");
    let extension = "transfer-encoding: chunked\r\n\r\n2;a=\"b\"\r\n{}\r\n000\r\n\r\n";
    let twice = "content-length: 2\r\ncontent-length: 2\r\n\r\n{}";
    let unread: &[u16] = &[200, 200];
    let unprocessed: &[u16] = &[422, 200];
    for (name, begin, rest, statuses) in [
        ("two in one piece", get, "x: y\r\n\r\n", unread),
        ("a body that a GET has", get, &of_length, unread),
        ("chunks that a GET has", get, &chunked, unread),
        ("a body that is read", &read, &of_length, unprocessed),
        ("chunks that are read", &read, &chunked, unprocessed),
        ("trailers", &read, &trailers, unprocessed),
        ("an extension", &read, extension, unprocessed),
        ("the same length twice", &read, twice, unprocessed),
        ("empty lines before it", "", "\r\n\r\n", &[200]),
    ] {
        let request = format!("{begin}{rest}{last}");
        let becomes = Answered(statuses);
        victim.check(name, request.as_bytes(), becomes).await;
    }
}

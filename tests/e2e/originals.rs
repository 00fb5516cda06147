//! Originals by URL: what an origin can do on the wire. What files and statuses lead to is
//! in the tables of the processor, from where none is fetched in `forbidden`.

use std::sync::LazyLock;
use std::time::Duration;

use concept_refinement_tests::deadline::{SOON, eventually};
use concept_refinement_tests::pictures::{self};
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Service;
use futures::future::join_all;
use serde_json::Value;
use tokio::net::TcpSocket;

use crate::shared::{new_user, origin, scripted_launch};

pub const FAILED: &str = "Error in refinement task processing: Failed to download original image: ";

/// A port of this machine that is taken, so that nobody gets it, and on which
/// nobody listens.
pub static SILENT_PORT: LazyLock<(TcpSocket, u16)> = LazyLock::new(|| {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
});

/// With little time and small limits.
pub fn service() -> &'static Service {
    static SERVICE: LazyLock<Service> = LazyLock::new(|| {
        let sources = format!("{},127.0.0.1:{}", origin().authority(), SILENT_PORT.1);
        scripted_launch()
            .set("allow-sources", &sources)
            .set("download-timeout", "2s")
            .set("max-image-bytes", "64KiB")
            .start()
    });
    &SERVICE
}

/// The task of a user of its own, once it is finished.
pub async fn refined(url: &str) -> Value {
    new_user(service()).refined(url, "echo it").await
}

#[tokio::test]
async fn a_bad_original_fails_its_task_with_the_right_sentence() {
    let png = pictures::png(100, 100).bytes;
    let (half, _) = png.split_at(png.len() / 2);
    let length = |length: usize| format!("content-type: image/png\r\ncontent-length: {length}\r\n");
    let many_headers = format!("x-many: {}\r\n", "x".repeat(1000)).repeat(1000);
    let pause = Duration::from_millis(250);
    let origin = Origin::start();
    let sent = |headers: &str, body: &[u8]| Reply::new(200, headers, body);
    let chunked = |body: &[u8]| sent("transfer-encoding: chunked\r\n", body);
    let whole = sent(&length(png.len()), half);
    // Of which the last kilobyte is a chunk.
    let endless = [&b"3f9\r\n"[..], &[0; 0x3f9], b"\r\n"].concat();
    let gzip = "transfer-encoding: gzip, chunked\r\n";
    let websocket = "upgrade: websocket\r\nconnection: upgrade\r\n";
    let two_lengths = "content-length: 5\r\ncontent-length: 6\r\n";
    let far = format!("/{}", "x".repeat(3000));
    let nowhere = b"HTTP/1.1 302 Found\r\nlocation: http://b\xfccher.example/\r\n\r\n";
    let continues = b"HTTP/1.1 100 Continue\r\n\r\n";
    let header = b"HTTP/1.1 200 OK\r\nx-header: y\r\n";
    let long = "must be at most 2048 characters";
    let large = "the file is larger than 64 KiB";
    let no_image = "the file is not an image";
    let improper = "did not answer properly";
    let late = "the download took longer than 2 seconds";
    let cases = [
        ("the file ended before", whole.clone()),
        (large, sent("", &png).then_again()),
        (large, chunked(&endless_chunks(&png)).then_again()),
        (no_image, sent(gzip, b"2\r\nhi\r\n0\r\n\r\n")),
        (no_image, chunked(&endless).then_again()),
        ("the file is cut short", sent(&length(half.len()), &png)),
        ("the file", chunked(b"\xff\xff\xff\xff\r\n")),
        ("the file", chunked(b"ffffffffffffffff\r\nab")),
        ("the address answered 101", Reply::new(101, websocket, b"")),
        (long, Reply::redirect(302, &far)),
        ("redirects to nowhere", Reply::raw(nowhere)),
        (improper, sent("content-length: many\r\n", &png)),
        (improper, sent(two_lengths, &png)),
        (improper, Reply::raw(continues).then_again()),
        (improper, Reply::raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
        (improper, Reply::raw(b"")),
        (improper, Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-")),
        (improper, sent(&many_headers, &png)),
        (improper, Reply::raw(header).then_again()),
        (late, whole.clone().then_trickle(pause)),
        (late, Reply::ok("image/png", &png).byte_by_byte(pause)),
        (late, Reply::redirect(302, "/").byte_by_byte(pause)),
        (late, Reply::raw(b"").then_silence()),
        (late, sent(&length(png.len()), b"").then_silence()),
        (late, whole.then_silence()),
    ];
    let service = scripted_launch()
        .set(
            "allow-sources",
            &format!("{},{}", origin.authority(), self::origin().authority()),
        )
        .set("download-timeout", "2s")
        .set("max-image-bytes", "64KiB")
        .start();
    let bad = cases.into_iter().enumerate();
    let bad = bad.map(async |(number, (reason, reply))| {
        let name = format!("{number}, {reason}");
        let url = origin.serve(reply);
        let message = new_user(&service).failure(&url, "echo it").await;
        assert!(message.starts_with(FAILED), "{name}: {message}");
        assert!(message.contains(reason), "{name}: {message}");
        assert!(message.chars().count() <= 1000, "{name}: {message}");
        assert!(!message.contains("127.0.0.1"), "{name}: {message}");
    });
    let well = async {
        let url = self::origin().picture(&pictures::png(20, 20));
        let user = new_user(&service);
        for _ in 0..10 {
            user.completed(&url, "echo it").await;
        }
    };
    tokio::join!(join_all(bad), well);
    // Whoever is not listened to any more is let go of.
    eventually("the connections end", SOON, async || {
        (origin.open_connections() == 0).then_some(())
    })
    .await;
    let peak = service.usage().peak;
    assert!(peak < 400 << 20, "{} MiB", peak >> 20);
}

fn all_of(length: usize) -> String {
    format!("content-range: bytes 0-{}/{length}\r\n", length - 1)
}

/// An image in a chunk, and a chunk that can be repeated: it is a kilobyte with
/// all that belongs to it.
fn endless_chunks(png: &[u8]) -> Vec<u8> {
    let size = format!("{:x}\r\n", png.len());
    let again = [&b"3f9\r\n"[..], &[0; 0x3f9], b"\r\n"].concat();
    [size.as_bytes(), png, b"\r\n", &again].concat()
}

#[tokio::test]
async fn an_origin_that_is_only_odd_is_understood() {
    let png = pictures::png(100, 100).bytes;
    let chunks = [
        format!("{:x}\r\n", png.len()).as_bytes(),
        &png,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let more = [&png[..], b"and something after its end"].concat();
    let sent = |headers: &str, body: &[u8]| Reply::new(200, headers, body);
    let coded = |codings: &str| sent(&format!("content-encoding: {codings}\r\n"), &png);
    let early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    let early = [&early[..], b"HTTP/1.1 200 OK\r\n\r\n", &png].concat();
    let older = [&b"HTTP/1.0 200 OK\r\n\r\n"[..], &png].concat();
    let ok = Reply::ok("image/png", &png);
    let cases = [
        ("no length", sent("", &png)),
        ("an older version", Reply::raw(&older)),
        ("words in advance", Reply::raw(&early)),
        ("slowly", ok.clone().slowly(Duration::from_millis(50))),
        ("chunks", sent("transfer-encoding: chunked\r\n", &chunks)),
        ("another type", Reply::ok("text/plain", &png)),
        ("a redirect in no encoding", {
            origin().serve_at("/caf%E9.png", ok);
            Reply::raw(b"HTTP/1.1 302 Found\r\nlocation: /caf\xe9.png\r\n\r\n")
        }),
        ("bytes after the image", Reply::ok("image/png", &more)),
        ("identity", coded("identity")),
        ("identity twice", coded("identity, identity")),
        ("an empty coding", coded("\r\ncontent-encoding: identity")),
        ("a coding of S3's clients", coded("aws-chunked")),
        ("a coding that is none", coded("utf-8")),
        ("as changed on the way", Reply::new(203, "", &png)),
        ("as a part without a place", Reply::new(206, "", &png)),
        ("as all", Reply::new(206, &all_of(png.len()), &png)),
    ];
    let tasks = cases.map(async |(name, reply)| {
        let task = refined(&origin().serve(reply)).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
    });
    join_all(tasks).await;
}

/// Of `hops` redirects, the last one to the address.
pub fn redirects(hops: usize, address: &str) -> String {
    let statuses = [301, 302, 303, 307, 308];
    statuses
        .into_iter()
        .cycle()
        .take(hops)
        .fold(address.to_owned(), |next, status| {
            origin().serve(Reply::redirect(status, &next))
        })
}

/// Who asks tells the origin nothing of themselves.
#[tokio::test]
async fn an_origin_learns_nothing_of_the_user() {
    let url = origin().picture(&pictures::png(20, 20));
    let client = new_user(service()).with("referer", "http://secret.example/");
    client.refined(&url, "echo it").await;
    let requests = origin().requests(&url);
    assert_eq!(requests.len(), 1);
    let head = requests[0].to_lowercase();
    for word in [
        "authorization",
        "cookie",
        "referer",
        "x-forwarded",
        "user 1",
    ] {
        assert!(!head.contains(word), "{head}");
    }
    assert!(
        head.contains(&format!("host: {}\r\n", origin().authority())),
        "{head}"
    );
}

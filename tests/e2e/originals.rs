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
    let silence = Reply::raw(b"").then_silence();
    let pause = Duration::from_millis(250);
    let origin = Origin::start();
    let cases = [
        (
            "an early end",
            Reply::new(200, &length(png.len()), half),
            "the file ended before",
        ),
        (
            "endless",
            Reply::new(200, "", &png).then_again(),
            "the file is larger than 64 KiB",
        ),
        (
            "compressed on the way",
            Reply::new(
                200,
                "transfer-encoding: gzip, chunked\r\n",
                b"2\r\nhi\r\n0\r\n\r\n",
            ),
            "the file is not an image",
        ),
        (
            "more than declared",
            Reply::new(200, &length(half.len()), &png),
            "the file is cut short",
        ),
        (
            "a length that is none",
            Reply::new(200, "content-length: many\r\n", &png),
            "did not answer properly",
        ),
        (
            "two lengths",
            Reply::new(200, "content-length: 5\r\ncontent-length: 6\r\n", &png),
            "did not answer properly",
        ),
        (
            "another protocol",
            Reply::new(101, "upgrade: websocket\r\nconnection: upgrade\r\n", b""),
            "the address answered 101",
        ),
        (
            "chunks without an end",
            // The last kilobyte is a chunk.
            Reply::new(
                200,
                "transfer-encoding: chunked\r\n",
                &[&b"3f9\r\n"[..], &[0; 0x3f9], b"\r\n"].concat(),
            )
            .then_again(),
            "the file is not an image",
        ),
        (
            "an image in chunks without an end",
            Reply::new(200, "transfer-encoding: chunked\r\n", &endless_chunks(&png)).then_again(),
            "the file is larger than 64 KiB",
        ),
        (
            "chunks that are none",
            Reply::new(
                200,
                "transfer-encoding: chunked\r\n",
                b"\xff\xff\xff\xff\r\n",
            ),
            "the file",
        ),
        (
            "a chunk that is larger than anything",
            Reply::new(
                200,
                "transfer-encoding: chunked\r\n",
                b"ffffffffffffffff\r\nab",
            ),
            "the file",
        ),
        (
            "one word in advance after the other",
            Reply::raw(b"HTTP/1.1 100 Continue\r\n\r\n").then_again(),
            "did not answer properly",
        ),
        (
            "a byte now and then",
            Reply::new(200, &length(png.len()), half).then_trickle(pause),
            "the download took longer than 2 seconds",
        ),
        (
            "a head byte by byte",
            Reply::ok("image/png", &png).byte_by_byte(pause),
            "the download took longer than 2 seconds",
        ),
        (
            "a redirect byte by byte",
            Reply::redirect(302, "/").byte_by_byte(pause),
            "the download took longer than 2 seconds",
        ),
        (
            "a redirect without an end",
            Reply::redirect(302, &format!("/{}", "x".repeat(3000))),
            "must be at most 2048 characters",
        ),
        (
            "a redirect to a URL that is none",
            Reply::raw(b"HTTP/1.1 302 Found\r\nlocation: http://b\xfccher.example/\r\n\r\n"),
            "redirects to nowhere",
        ),
        (
            "no HTTP",
            Reply::raw(b"SSH-2.0-OpenSSH_9.2\r\n"),
            "did not answer properly",
        ),
        ("nothing at all", Reply::raw(b""), "did not answer properly"),
        (
            "half a head",
            Reply::raw(b"HTTP/1.1 200 OK\r\ncontent-"),
            "did not answer properly",
        ),
        (
            "a huge head",
            Reply::new(200, &many_headers, &png),
            "did not answer properly",
        ),
        (
            "an endless head",
            Reply::raw(b"HTTP/1.1 200 OK\r\nx-header: y\r\n").then_again(),
            "did not answer properly",
        ),
        (
            "silence",
            silence,
            "the download took longer than 2 seconds",
        ),
        (
            "silence after the head",
            Reply::new(200, &length(png.len()), b"").then_silence(),
            "the download took longer than 2 seconds",
        ),
        (
            "silence in the middle",
            Reply::new(200, &length(png.len()), half).then_silence(),
            "the download took longer than 2 seconds",
        ),
    ];
    let service = scripted_launch()
        .set(
            "allow-sources",
            &format!("{},{}", origin.authority(), self::origin().authority()),
        )
        .set("download-timeout", "2s")
        .set("max-image-bytes", "64KiB")
        .start();
    let bad = cases.into_iter().map(async |(name, reply, reason)| {
        let url = origin.serve(reply);
        let task = new_user(&service).refined(&url, "echo it").await;
        assert_eq!(task["status"], "failed", "{name}: {task}");
        let message = task["error_message"].as_str().unwrap();
        assert!(message.starts_with(FAILED), "{name}: {message}");
        assert!(message.contains(reason), "{name}: {message}");
        assert!(message.chars().count() <= 1000, "{name}: {message}");
        assert!(!message.contains("127.0.0.1"), "{name}: {message}");
    });
    let well = async {
        let url = self::origin().picture(&pictures::png(20, 20));
        let user = new_user(&service);
        for _ in 0..10 {
            let task = user.refined(&url, "echo it").await;
            assert_eq!(task["status"], "completed", "beside bad ones: {task}");
        }
    };
    tokio::join!(join_all(bad), well);
    // Whoever is not listened to any more is let go of.
    eventually("the connections end", SOON, async || {
        (origin.open_connections() == 0).then_some(())
    })
    .await;
    let peak = service.peak_memory();
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
    let cases = [
        ("no length", Reply::new(200, "", &png)),
        (
            "an older version",
            Reply::raw(&[&b"HTTP/1.0 200 OK\r\n\r\n"[..], &png].concat()),
        ),
        (
            "words in advance",
            Reply::raw(
                &[
                    &b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"
                        [..],
                    b"HTTP/1.1 200 OK\r\n\r\n",
                    &png,
                ]
                .concat(),
            ),
        ),
        (
            "slowly",
            Reply::ok("image/png", &png).slowly(Duration::from_millis(50)),
        ),
        (
            "chunks",
            Reply::new(200, "transfer-encoding: chunked\r\n", &chunks),
        ),
        ("another type", Reply::ok("text/plain", &png)),
        ("a redirect in no encoding", {
            origin().serve_at("/caf%E9.png", Reply::ok("image/png", &png));
            Reply::raw(b"HTTP/1.1 302 Found\r\nlocation: /caf\xe9.png\r\n\r\n")
        }),
        ("bytes after the image", Reply::ok("image/png", &more)),
        (
            "identity",
            Reply::new(200, "content-encoding: identity\r\n", &png),
        ),
        (
            "identity twice",
            Reply::new(200, "content-encoding: identity, identity\r\n", &png),
        ),
        (
            "an empty coding",
            Reply::new(
                200,
                "content-encoding: \r\ncontent-encoding: identity\r\n",
                &png,
            ),
        ),
        (
            "a coding of S3's clients",
            Reply::new(200, "content-encoding: aws-chunked\r\n", &png),
        ),
        (
            "a coding that is none",
            Reply::new(200, "content-encoding: utf-8\r\n", &png),
        ),
        ("as changed on the way", Reply::new(203, "", &png)),
        ("as a part without a place", Reply::new(206, "", &png)),
        (
            "as a part that is all",
            Reply::new(206, &all_of(png.len()), &png),
        ),
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

//! Originals by URL: what is fetched, from where, and what is said of the rest.

use std::sync::LazyLock;

use concept_refinement_tests::pictures::{self, png_that_claims};
use concept_refinement_tests::server::{Origin, Reply};
use concept_refinement_tests::service::Service;
use futures::future::join_all;
use serde_json::Value;
use tokio::net::TcpSocket;

use crate::shared::{new_user, origin, scripted, scripted_launch};

const FAILED: &str = "Error in refinement task processing: Failed to download original image: ";

/// A port of this machine that is taken, so that nobody gets it, and on which
/// nobody listens.
static SILENT_PORT: LazyLock<(TcpSocket, u16)> = LazyLock::new(|| {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
});

/// With little time and small limits.
fn service() -> &'static Service {
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
async fn refined(url: &str) -> Value {
    new_user(service()).refined(url, "echo it").await
}

#[tokio::test]
async fn a_bad_original_fails_its_task_with_the_right_sentence() {
    let png = pictures::png(100, 100).bytes;
    let (half, _) = png.split_at(png.len() / 2);
    let length = |length: usize| format!("content-type: image/png\r\ncontent-length: {length}\r\n");
    let many_headers = format!("x-many: {}\r\n", "x".repeat(1000)).repeat(1000);
    let silence = Reply::raw(b"").then_silence();
    let cases = [
        ("not there", Reply::status(404), "the address answered 404"),
        (
            "not allowed",
            Reply::status(403),
            "the address answered 403",
        ),
        ("broken", Reply::status(500), "the address answered 500"),
        (
            "no content",
            Reply::new(204, "", b""),
            "the address answered 204",
        ),
        (
            "not changed",
            Reply::new(304, "", b""),
            "the address answered 304",
        ),
        ("empty", Reply::ok("image/png", b""), "the file is empty"),
        (
            "text",
            Reply::ok("image/png", b"This is no image."),
            "the file is not an image",
        ),
        (
            "a page",
            Reply::ok("text/html", b"<html></html>"),
            "the file is not an image",
        ),
        (
            "SVG",
            Reply::ok("image/svg+xml", b"<svg/>"),
            "the file is not an image",
        ),
        (
            "half a PNG",
            Reply::ok("image/png", half),
            "the file is cut short",
        ),
        (
            "an early end",
            Reply::new(200, &length(png.len()), half),
            "the file ended before",
        ),
        (
            "an early end, no length",
            Reply::new(200, "", half),
            "the file is cut short",
        ),
        (
            "declared too large",
            Reply::new(200, &length(70_000), b""),
            "the file is larger than 64 KiB",
        ),
        (
            "declared huge",
            Reply::new(200, &length(1 << 60), b""),
            "the file is larger than 64 KiB",
        ),
        (
            "endless",
            Reply::new(200, "", &png).then_again(),
            "the file is larger than 64 KiB",
        ),
        (
            "too many pixels",
            Reply::ok("image/png", &png_that_claims(1001, 1000)),
            "more than 1000000 pixels",
        ),
        (
            "a bomb",
            Reply::ok("image/png", &png_that_claims(60_000, 60_000)),
            "more than 1000000 pixels",
        ),
        (
            "compressed",
            Reply::new(200, "content-encoding: gzip\r\n", &png),
            "compressed",
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
        ("nowhere", Reply::new(302, "", b""), "redirects to nowhere"),
    ];
    let tasks = cases.map(async |(name, reply, reason)| {
        let url = origin().serve(reply);
        let task = refined(&url).await;
        assert_eq!(task["status"], "failed", "{name}: {task}");
        let message = task["error_message"].as_str().unwrap();
        assert!(message.starts_with(FAILED), "{name}: {message}");
        assert!(message.contains(reason), "{name}: {message}");
        assert!(message.chars().count() <= 1000, "{name}: {message}");
        assert!(!message.contains("127.0.0.1"), "{name}: {message}");
    });
    join_all(tasks).await;
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
            "chunks",
            Reply::new(200, "transfer-encoding: chunked\r\n", &chunks),
        ),
        ("another type", Reply::ok("text/plain", &png)),
        ("bytes after the image", Reply::ok("image/png", &more)),
        (
            "identity",
            Reply::new(200, "content-encoding: identity\r\n", &png),
        ),
    ];
    let tasks = cases.map(async |(name, reply)| {
        let task = refined(&origin().serve(reply)).await;
        assert_eq!(task["status"], "completed", "{name}: {task}");
    });
    join_all(tasks).await;
}

/// Each chunk reaches the pipeline by itself, and takes no more memory there
/// than its bytes.
#[tokio::test]
async fn an_original_in_thousands_of_pieces_is_as_good() {
    let png = pictures::png(20, 20).bytes;
    let file = [&png[..], &vec![0; 1_000_000]].concat();
    let mut chunks: Vec<u8> = file
        .chunks(200)
        .flat_map(|piece| [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())
        .collect();
    chunks.extend(b"0\r\n\r\n");
    let reply = Reply::new(200, "transfer-encoding: chunked\r\n", &chunks);
    let client = new_user(scripted());
    let task = client.refined(&origin().serve(reply), "echo it").await;
    assert_eq!(task["status"], "completed", "{task}");
    let image = client.get(task["image_url"].as_str().unwrap()).await;
    assert!(image.body == file, "other bytes");
}

/// Of `hops` redirects, the last one to the address.
fn redirects(hops: usize, address: &str) -> String {
    let statuses = [301, 302, 303, 307, 308];
    statuses
        .into_iter()
        .cycle()
        .take(hops)
        .fold(address.to_owned(), |next, status| {
            origin().serve(Reply::redirect(status, &next))
        })
}

#[tokio::test]
async fn three_redirects_are_followed_and_a_fourth_is_not() {
    let image = origin().picture(&pictures::png(20, 20));
    let relative = format!("/{}?query", image.rsplit('/').next().unwrap());
    let tasks = [
        (redirects(1, &image), None),
        (redirects(3, &image), None),
        (origin().serve(Reply::redirect(302, &relative)), None),
        (redirects(4, &image), Some("redirects more than 3 times")),
        (
            origin().serve_at("/loop", Reply::redirect(302, "/loop")),
            Some("redirects more than 3 times"),
        ),
    ]
    .map(async |(url, problem)| {
        let task = refined(&url).await;
        let message = task["error_message"].as_str();
        match problem {
            None => assert_eq!(task["status"], "completed", "{task}"),
            Some(problem) => assert!(message.unwrap().contains(problem), "{task}"),
        }
    });
    join_all(tasks).await;
}

#[tokio::test]
async fn a_redirect_leads_to_no_forbidden_place() {
    let forbidden = Origin::start();
    let picture = forbidden.picture(&pictures::png(20, 20));
    let port = forbidden.port();
    let cases = [
        (picture.clone(), "public address"),
        (format!("http://localhost:{port}/0"), "public address"),
        (format!("//127.1:{port}/0"), "public address"),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/0"),
            "public address",
        ),
        (
            "http://169.254.169.254/latest/meta-data/".to_owned(),
            "public address",
        ),
        ("http://user@example.com/".to_owned(), "user information"),
        ("file:///etc/passwd".to_owned(), "http or https"),
        ("javascript:alert(1)".to_owned(), "http or https"),
        ("ftp://example.com/a.png".to_owned(), "http or https"),
        (
            format!("http://127.0.0.1:{}/", SILENT_PORT.1),
            "cannot be connected to",
        ),
    ];
    let tasks = cases.map(async |(location, problem)| {
        for hops in [1, 3] {
            let task = refined(&redirects(hops, &location)).await;
            let message = task["error_message"].as_str().unwrap();
            assert!(message.starts_with(FAILED), "{location}: {message}");
            assert!(message.contains(problem), "{location}: {message}");
        }
    });
    join_all(tasks).await;
    assert_eq!(forbidden.connections(), 0);
}

/// A name shows only when it is resolved that it is this machine's.
#[tokio::test]
async fn a_name_of_this_machine_is_found_out_when_it_is_resolved() {
    let forbidden = Origin::start();
    let names = std::fs::read_to_string("/etc/hosts").unwrap_or_default();
    let mut names: Vec<&str> = names
        .lines()
        .filter_map(|line| line.split('#').next())
        .filter(|line| line.starts_with("127.") || line.starts_with("::1"))
        .flat_map(|line| line.split_whitespace().skip(1))
        .filter(|name| *name != "localhost" && !name.ends_with(".localhost"))
        .collect();
    names.push("nowhere.invalid");
    let tasks = names.into_iter().map(async |name| {
        let task = refined(&format!("http://{name}:{}/0", forbidden.port())).await;
        let message = task["error_message"].as_str().unwrap();
        let known = [
            "the address is not public",
            "the name of the address cannot be resolved",
            "the download took longer than 2 seconds",
        ];
        let is_known = known.iter().any(|reason| message.contains(reason));
        assert!(is_known, "{name}: {message}");
    });
    join_all(tasks).await;
    assert_eq!(forbidden.connections(), 0);
}

#[tokio::test]
async fn what_can_be_seen_not_to_be_public_is_refused_at_once() {
    let forbidden = Origin::start();
    let port = forbidden.port();
    let at_port = [
        "127.0.0.1",
        "127.1",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "１２７.0.0.1",
        "127。0。0。1",
        "127.255.255.254",
        "0.0.0.0",
        "0",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "a.b.localhost.",
        "lo%63alhost",
        "[::1]",
        "[::]",
        "[0:0:0:0:0:0:0:1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ]
    .map(|host| format!("http://{host}:{port}/0"));
    let elsewhere = [
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/",
        "http://100.64.0.1/",
        "http://192.0.0.1/",
        "http://192.0.2.1/",
        "http://198.18.0.1/",
        "http://198.51.100.1/",
        "http://203.0.113.1/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
        "http://[100::1]/",
        "http://user@example.com/",
        "http://user:password@example.com/",
        "http://:password@example.com/",
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "gopher://example.com/",
        "example.com",
        "//example.com/a.png",
        "http://",
        "http:///",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://exa mple.com/",
        "http://[::1",
        "http://.../",
        "",
    ]
    .map(str::to_owned);
    let client = new_user(service());
    for url in at_port.into_iter().chain(elsewhere) {
        let answer = client.refine(&url, "echo it").await;
        assert_eq!(answer.status, 422, "{url}: {answer:?}");
        assert_eq!(answer.error_code(), "VALIDATION_ERROR");
        let errors = &answer.json()["field_errors"];
        assert!(errors["original_image_url"].is_array(), "{url}: {errors}");
    }
    assert_eq!(forbidden.connections(), 0);
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

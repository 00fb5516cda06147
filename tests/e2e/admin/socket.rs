//! The socket in the data directory: the service's own user needs no token there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::deadline::SOON;
use concept_refinement_tests::pictures;
use concept_refinement_tests::service::{Launch, Service};
use futures::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::{TOKEN, act, entries, failed, operator, read};
use crate::shared::{new_user, scripted_launch};

/// Far shorter than what a silent client is waited for.
const QUICK: Duration = Duration::from_secs(4);

/// Silent connections, more than there are places for.
const SILENT: usize = 200;

/// Requests at once.
const MANY: usize = 40;

/// Longer than any of them may hold out.
const AT_LAST: Duration = Duration::from_secs(30);

fn launch() -> Launch {
    scripted_launch().embedded()
}

/// A service, and its data directory.
fn start(launch: Launch) -> (Service, PathBuf) {
    (launch.start(), launch.data())
}

async fn connect(data: &Path) -> UnixStream {
    UnixStream::connect(data.join("control")).await.unwrap()
}

/// Asks for a backup, and nothing else.
async fn backup(data: &Path) -> UnixStream {
    let mut stream = connect(data).await;
    stream.write_all(b"backup").await.unwrap();
    stream.shutdown().await.unwrap();
    stream
}

async fn assert_quick(data: &Path, meanwhile: &str) {
    let begin = Instant::now();
    let queue = Client::on_socket(data).get("/admin/v1/queue").await;
    assert_eq!(queue.status, 200, "{meanwhile}");
    assert!(
        begin.elapsed() < QUICK,
        "{meanwhile}: {:?}",
        begin.elapsed()
    );
}

/// What is answered to these bytes.
async fn exchange(data: &Path, says: &[u8], is_all: bool) -> Vec<u8> {
    let mut stream = connect(data).await;
    // It may be refused before it is all sent.
    let _ = stream.write_all(says).await;
    if is_all {
        let _ = stream.shutdown().await;
    }
    let mut heard = Vec::new();
    // Who is cut off while it still speaks may hear that in place of an answer.
    let ended = timeout(AT_LAST, stream.read_to_end(&mut heard)).await;
    assert!(
        ended.is_ok(),
        "still open: {:?}",
        String::from_utf8_lossy(says)
    );
    heard
}

#[tokio::test]
async fn its_own_user_needs_no_token_there() {
    let (service, data) = start(super::attended(launch()));
    let socket = data.join("control");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "{mode:o}");

    let own = Client::on_socket(&data);
    let user = new_user(&service);
    let (id, _) = failed(&user).await;
    // Nor has it a name there, and a token changes nothing.
    for client in [
        own.clone(),
        own.with("host", "evil.example"),
        own.bearer("wrong"),
        own.bearer(super::READ_TOKEN),
        own.bearer(TOKEN),
    ] {
        let task = read(&client, &format!("tasks/{id}")).await;
        assert_eq!(task["metadata"]["refinement_prompt"], "echo it", "{task}");
    }
    let deleted = super::delete(&own, &id, "from%20here").await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    let entries = entries(&operator(&service).await, |_| true).await;
    let uid = fs::metadata(&socket).unwrap();
    let actor = format!("uid {}", std::os::unix::fs::MetadataExt::uid(&uid));
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["actor"], actor, "{entries:?}");

    // The socket goes with its service.
    assert!(service.stop().status.success());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_backup_is_sent_beside_requests() {
    let (service, data) = start(launch());
    let user = new_user(&service);
    failed(&user).await;
    let kept = Client::on_socket(&data);
    assert_eq!(kept.get("/admin/v1/queue").await.status, 200);

    let mut backup = backup(&data).await;
    let mut first = vec![0; 512];
    backup.read_exact(&mut first).await.unwrap();
    // As an archive begins.
    assert!(first.windows(5).any(|part| part == b"ustar"), "{first:?}");
    // It has begun, and is not read.
    assert_quick(&data, "a backup").await;
    assert_eq!(kept.get("/admin/v1/queue").await.status, 200);
    let mut rest = Vec::new();
    backup.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.is_empty());
    assert!(service.stop().status.success());
}

/// More backups than there are places on the socket: one is sent, few wait, the others are
/// told so, and commands go on.
#[tokio::test]
async fn backups_take_no_place_of_other_commands() {
    let (service, data) = start(launch());
    let user = new_user(&service);
    let picture = pictures::Picture {
        // More than a socket holds.
        bytes: pictures::padded(1 << 20),
        ..pictures::png(8, 8)
    };
    user.uploaded(&picture).await;
    let mut asked = join_all((0..MANY).map(|_| backup(&data))).await;
    assert_quick(&data, "many backups").await;
    // One after the other, as long as nothing is refused.
    let heard = join_all(asked.iter_mut().map(async |backup| {
        let mut heard = Vec::new();
        timeout(SOON, backup.read_to_end(&mut heard))
            .await
            .unwrap()
            .unwrap();
        String::from_utf8_lossy(&heard).contains("other backups wait")
    }));
    let refused = heard
        .await
        .into_iter()
        .filter(|is_refused| *is_refused)
        .count();
    assert!((1..MANY).contains(&refused), "{refused}");
    assert!(MANY - refused >= 4, "{refused}");
    assert!(service.stop().status.success());
}

/// Who says what nobody understands, or nothing, or too much.
#[tokio::test]
async fn nonsense_is_refused_and_the_service_goes_on() {
    let (service, data) = start(launch());
    let long = "x".repeat(40 << 10);
    let large = format!(r#"{{"reason":"{}"}}"#, "x".repeat(70 << 10));
    let json =
        "POST /admin/v1/queue/pause HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n";
    let chunked = format!(
        "{json}transfer-encoding: chunked\r\nconnection: close\r\n\r\n{:x}\r\n{large}\r\n0\r\n\r\n",
        large.len()
    );
    let declared = format!(
        "{json}content-length: {}\r\nconnection: close\r\n\r\n{large}",
        large.len()
    );
    let half = format!("{json}content-length: 1000\r\n\r\n{{\"reason\":");
    let get = "GET /admin/v1/queue HTTP/1.1\r\n";
    let half_a_head = format!("{get}hos");
    let long_header = format!("{get}x: {long}\r\n\r\n");
    let many_headers = format!("{get}{}\r\n", "x: y\r\n".repeat(1000));
    let unknown: &[&str] = &["no such request"];
    // Who says that this is all, and who is silent then, and what they hear.
    let ended: [(&[u8], &[&str]); 11] = [
        (b"", &[""]),
        (b"\0\xff\xfe\x80", unknown),
        (b"restore", unknown),
        (b"backup please", unknown),
        (b"get / http/1.1\r\n\r\n", unknown),
        (long.as_bytes(), &["no such request", ""]),
        (b"BACKUP\r\n\r\n", &["HTTP/1.1 400", ""]),
        (half_a_head.as_bytes(), &["HTTP/1.1 400", ""]),
        (long_header.as_bytes(), &["HTTP/1.1 431", ""]),
        (many_headers.as_bytes(), &["HTTP/1.1 431", ""]),
        (half.as_bytes(), &["HTTP/1.1 422", "HTTP/1.1 400", ""]),
    ];
    let silent: [(&[u8], &[&str]); 6] = [
        (b"", &[""]),
        (b"\0\xff", &[""]),
        (half_a_head.as_bytes(), &["HTTP/1.1 408", ""]),
        (half.as_bytes(), &["HTTP/1.1 408"]),
        (declared.as_bytes(), &["HTTP/1.1 413"]),
        (chunked.as_bytes(), &["HTTP/1.1 413"]),
    ];
    let ended = ended.map(|(says, expected)| (says, true, expected));
    let silent = silent.map(|(says, expected)| (says, false, expected));
    let cases = ended.into_iter().chain(silent);
    let cases = cases.map(async |(says, is_all, expected)| {
        let heard = exchange(&data, says, is_all).await;
        let heard = String::from_utf8_lossy(&heard).into_owned();
        let name = String::from_utf8_lossy(&says[..says.len().min(40)]);
        let is_expected = expected.iter().any(|expected| match expected.is_empty() {
            true => heard.is_empty(),
            false => heard.contains(expected),
        });
        assert!(is_expected, "{name:?}, all: {is_all}: {heard:?}");
        assert_quick(&data, &name).await;
    });
    timeout(SOON, join_all(cases)).await.unwrap();
    let queue = read(&Client::on_socket(&data), "queue").await;
    assert_eq!(queue["paused"], false, "{queue}");
    assert!(!service.log().contains("panicked"), "{}", service.log());
    assert!(service.stop().status.success());
}

/// Those who came first and say nothing give way.
#[tokio::test]
async fn silent_connections_keep_nobody_waiting() {
    let (service, data) = start(launch());
    let silent = join_all((0..SILENT).map(|_| connect(&data))).await;
    let begin = Instant::now();
    let asked = (0..MANY).map(async |_| {
        let own = Client::on_socket(&data);
        assert_eq!(own.get("/admin/v1/queue").await.status, 200);
    });
    join_all(asked).await;
    assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());
    drop(silent);
    assert!(service.stop().status.success());
}

/// Whatever is half said.
#[tokio::test]
async fn no_connection_delays_a_stop() {
    let (mut service, data) = start(super::attended(launch()));
    let admin = service.admin().await;
    let admin = admin.trim_start_matches("http://");
    let json = "POST /admin/v1/queue/pause HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
        content-length: 1000\r\n\r\n{";
    let mut streams = Vec::new();
    let mut others = Vec::new();
    for says in ["", "GET", "back", json] {
        let mut stream = connect(&data).await;
        stream.write_all(says.as_bytes()).await.unwrap();
        streams.push(stream);
        let mut stream = tokio::net::TcpStream::connect(admin).await.unwrap();
        stream.write_all(says.as_bytes()).await.unwrap();
        others.push(stream);
    }
    let kept = Client::on_socket(&data);
    assert_eq!(act(&kept, "queue/pause", "to stop").await.status, 200);
    let begin = Instant::now();
    service.terminate();
    let ended = tokio::task::spawn_blocking(|| service.ended())
        .await
        .unwrap();
    assert!(ended.status.success(), "{}", ended.log);
    assert!(begin.elapsed() < QUICK, "{:?}", begin.elapsed());
    drop((streams, others));
}

//! Slow and vanished clients, all at the same time, since each timeout takes
//! its time; meanwhile others are served.

use std::time::{Duration, Instant};

use concept_refinement_tests::client::Client;
use concept_refinement_tests::pictures;
use concept_refinement_tests::process::Process;
use concept_refinement_tests::service::Service;
use concept_refinement_tests::tokens::token;
use futures::future::{join, join_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::{assert_quick, http2, raw};
use crate::shared::{new_name, new_user, scripted_launch};

/// How long any of them may hold out. The longest limit is 60 s.
const AT_LAST: Duration = Duration::from_secs(100);

/// A body that does not come at 1 KiB/s is waited for half a minute.
const CUT_OFF: Duration = Duration::from_secs(45);

/// Many of each kind.
const EACH: usize = 20;

const IDLE: usize = 500;

/// Connections by HTTP/2, and what each of them asks for at once.
const DEAF: usize = 3;
const STREAMS: u32 = 100;

/// What a client sends, and whether it continues with a byte now and then.
struct Sluggard {
    says: String,
    /// What it says every second.
    then: &'static [u8],
    /// What it may be answered before it is cut off.
    answers: &'static [u16],
}

impl Sluggard {
    /// Speaks until nobody listens. How long that took.
    async fn speak(&self, service: &Service) -> Duration {
        let begin = Instant::now();
        let mut stream = raw::connect(service).await;
        stream.write_all(self.says.as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.split();
        let mut heard = Vec::new();
        let speaking = async {
            loop {
                sleep(Duration::from_secs(1)).await;
                if writer.write_all(self.then).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::select! {
            ended = timeout(AT_LAST, reader.read_to_end(&mut heard)) => {
                assert!(ended.is_ok(), "{}: never cut off", self.says);
            }
            () = speaking => {}
        }
        // Over HTTP/2 there are frames that say good-bye.
        if heard.starts_with(b"HTTP/1") {
            for status in raw::statuses(&heard) {
                assert!(self.answers.contains(&status), "{}: {status}", self.says);
            }
        }
        begin.elapsed()
    }
}

/// What an upload by a user of its own is answered that sends so many bytes a
/// second, and how long that takes.
async fn uploaded_at(service: &Service, pace: usize, image: &[u8]) -> (Vec<u16>, Duration) {
    let begin = Instant::now();
    let mut stream = raw::connect(service).await;
    let head = format!(
        "POST /api/images HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\
         connection: close\r\ncontent-type: image/png\r\ncontent-length: {}\r\n\r\n",
        token(&new_name()),
        image.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (mut reader, mut writer) = stream.split();
    let mut heard = Vec::new();
    let sending = async {
        for piece in image.chunks(pace) {
            if writer.write_all(piece).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = timeout(AT_LAST, reader.read_to_end(&mut heard)) => {
            assert!(ended.is_ok(), "at {pace} bytes a second: never answered");
        }
        () = sending => {}
    }
    (raw::statuses(&heard), begin.elapsed())
}

/// What is sent too slowly is cut off, and a slow line is no reason to be.
async fn assert_paced(service: &Service) {
    let (large, small) = (pictures::padded(1 << 20), pictures::padded(80 << 10));
    let (too_slow, slow) = tokio::join!(
        uploaded_at(service, 1 << 9, &large),
        uploaded_at(service, 2 << 10, &small),
    );
    assert_eq!(too_slow.0, [422], "{:?}", too_slow.1);
    assert!(too_slow.1 < CUT_OFF, "{:?}", too_slow.1);
    assert_eq!(slow.0, [201], "{:?}", slow.1);
    assert!(slow.1 > too_slow.1, "{:?}", slow.1);
}

/// Asks for a large image, and reads nothing of it.
async fn open_without_reading(service: &Service, target: &str) -> TcpStream {
    let mut stream = raw::connect(service).await;
    let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n").repeat(20);
    stream.write_all(request.as_bytes()).await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_their_time_keeps_nobody_waiting() {
    let launch = scripted_launch().set("max-image-bytes", "20MiB");
    let service = launch.set("max-image-pixels", "50000000").start();
    let user = new_user(&service);
    let image = user.uploaded(&pictures::noise(1600)).await;
    let target = image.trim_start_matches(service.url()).to_owned();
    let connected = Process::of(service.id()).usage().handles;

    let credentials = format!("authorization: Bearer {}\r\n", token(&new_name()));
    let json = format!("{credentials}content-type: application/json\r\n");
    let refine = "POST /api/concepts/refine HTTP/1.1\r\nhost: localhost\r\n";
    let upload = "POST /api/images HTTP/1.1\r\nhost: localhost\r\n";
    let http2 = "PRI * HTTP/2.0\r\n\r\n";
    let kind = |says: &str, then: &'static [u8], answers: &'static [u16]| Sluggard {
        says: says.to_owned(),
        then,
        answers,
    };
    let read = |rest: &str, then| kind(&format!("{refine}{json}{rest}"), then, &[422]);
    let no_image = "content-type: image/png\r\ncontent-length: 1000\r\n\r\n\u{7f}PNG";
    let no_image = format!("{upload}{credentials}{no_image}");
    let kinds = [
        kind(
            "GET /api/health HTTP/1.1\r\nhost: localhost\r\nx: ",
            b"x",
            &[408],
        ),
        kind("G", b"E", &[400, 408]),
        kind(refine, b"", &[408]),
        kind(http2, b"", &[]),
        kind(&format!("{http2}SM\r\n\r\n"), b"", &[]),
        read("content-length: 100\r\n\r\n", b""),
        read("content-length: 1000\r\n\r\n{", b" "),
        read("content-length: 60000\r\n\r\n{", &[b' '; 512]),
        read("transfer-encoding: chunked\r\n\r\n3e8\r\n{", b" "),
        // A body that nobody wants.
        kind(
            &format!("{refine}content-length: 1000\r\n\r\n{{"),
            b" ",
            &[401],
        ),
        // An upload that is none, and stops.
        kind(&no_image, b"", &[415]),
    ];

    let mut idle = Vec::new();
    for _ in 0..IDLE {
        idle.push(raw::connect(&service).await);
    }
    assert_quick(&service, "500 idle connections").await;
    let readers = join_all((0..EACH).map(|_| open_without_reading(&service, &target))).await;
    assert_quick(&service, "and readers that do not read").await;
    let mut deaf: JoinSet<()> = (0..DEAF)
        .map(|_| {
            let address = service.url().trim_start_matches("http://");
            let (address, target) = (address.parse().unwrap(), target.clone());
            async move { http2::deaf(address, &target, STREAMS).await }
        })
        .collect();
    assert_quick(&service, "over HTTP/2 as well").await;
    // They are gone, but nobody was told: their answers go nowhere.
    let mut gone = Vec::new();
    for _ in 0..EACH {
        let mut stream = raw::connect(&service).await;
        let request = format!("GET {target} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        gone.push(stream);
    }
    assert_quick(&service, "and clients that vanished").await;

    let speaking = kinds.iter().map(|kind| {
        let speakers = (0..EACH).map(|_| kind.speak(&service));
        async move { (&kind.says, join_all(speakers).await) }
    });
    let others = async {
        let other = new_user(&service);
        let picture = pictures::noise(40);
        let mut slowest = Duration::ZERO;
        loop {
            assert_quick(&service, "and all kinds of slow ones").await;
            let begin = Instant::now();
            let upload = other.uploaded(&picture).await;
            let read = Client::new(service.url()).get(&upload).await;
            assert_eq!(read.body, picture.bytes);
            slowest = slowest.max(begin.elapsed());
            assert!(slowest < super::QUICK, "{slowest:?}");
            other.delete(upload.split('?').next().unwrap()).await;
            sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        (ended, ()) = join(join_all(speaking), assert_paced(&service)) => {
            for (name, times) in ended {
                let slowest = times.into_iter().max().unwrap();
                assert!(slowest < Duration::from_secs(75), "{name}: {slowest:?}");
            }
        }
        () = others => {}
    }

    // In the end nothing is kept of any of them.
    drop((gone, idle));
    let begin = Instant::now();
    loop {
        let handles = Process::of(service.id()).usage().handles;
        if handles <= connected + DEAF + 5 {
            break;
        }
        assert!(
            begin.elapsed() < AT_LAST,
            "{handles} handles, once {connected}"
        );
        sleep(Duration::from_millis(100)).await;
    }
    assert!(deaf.try_join_next().is_none(), "their connections are well");
    drop((readers, deaf));
    assert_quick(&service, "afterwards").await;
    assert!(!service.log().contains("panicked"), "{}", service.log());
}

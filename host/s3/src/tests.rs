//! What is made of what a server answers, by a server that answers what a test
//! wants.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use concept_refinement_capability::OpenError;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::room::Room;
use concept_refinement_capability::tls::Trust;
use concept_refinement_domain::capability::{ErrorKind, ImageLength, ImageLimit, ImageLimits};
use concept_refinement_domain::session::IS_ANONYMOUS;
use concept_refinement_embedded::tasks::SqliteTasks;
use futures::TryFutureExt as _;
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use super::*;

const SECRET: &str = "a-secret-key";

/// How a server answers requests of a method.
#[derive(Clone, Copy)]
enum Reply {
    /// A status, and what follows the head.
    Says(u16, &'static str),
    /// The head of a longer body, and no more of it.
    CutsOff,
    Hangs,
}

const LISTED: Reply = Reply::Says(
    200,
    "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>",
);
const STORED: Reply = Reply::Says(200, "");
const MISSING: Reply = Reply::Says(404, "");
const SLOW_DOWN: Reply = Reply::Says(503, "<Error><Code>SlowDown</Code></Error>");

/// The requests of a method are answered so, one after the other; the last reply
/// again and again. Those of `LIST` are for lists.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<HashMap<String, usize>>>,
}

impl Server {
    async fn start(replies: &[(&'static str, &'static [Reply])]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let replies: Arc<HashMap<_, _>> = Arc::new(replies.iter().copied().collect());
        let asked = Arc::<Mutex<HashMap<String, usize>>>::default();
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (replies, counted) = (Arc::clone(&replies), Arc::clone(&counted));
                tokio::spawn(async move {
                    let choose = |method: &str| {
                        let mut counted = counted.lock();
                        let count = counted.entry(method.to_owned()).or_default();
                        *count += 1;
                        let replies = replies.get(method).copied().unwrap_or(&[Reply::Hangs]);
                        replies[(*count - 1).min(replies.len() - 1)]
                    };
                    answer(stream, choose).await
                });
            }
        });
        Self { address, asked }
    }

    fn asked(&self, method: &str) -> usize {
        *self.asked.lock().get(method).unwrap_or(&0)
    }

    async fn open(&self) -> Result<S3Images, OpenError> {
        self.open_by(Arc::default()).await
    }

    async fn open_by(&self, clock: Arc<ManualClock>) -> Result<S3Images, OpenError> {
        let endpoint = format!("http://{}", self.address);
        let environment = move |name: &str| match name {
            "AWS_ENDPOINT_URL" => Some(endpoint.clone()),
            "AWS_ACCESS_KEY_ID" => Some("key".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some(SECRET.to_owned()),
            _ => None,
        };
        let tasks = SqliteTasks::in_memory(Default::default(), clock.clone()).unwrap();
        let options = Options {
            signing: Signing {
                key: vec![],
                ttl: Duration::from_secs(1),
                public_url: None,
            },
            upload_reservations: Arc::new(tasks),
            memory: 0,
        };
        let room = Arc::<Room>::default();
        S3Images::open(
            "s3://images",
            &environment,
            Trust::default(),
            options,
            &room,
            clock,
        )
        .await
    }
}

/// One request after the other.
async fn answer(mut stream: TcpStream, choose: impl Fn(&str) -> Reply) -> Option<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head.split_once("content-length: ").map(|(_, rest)| rest);
        let length = length.and_then(|rest| rest.lines().next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        stream.read_exact(&mut body).await.ok()?;
        let method = match head.contains("list-type=2") {
            true => "LIST".to_owned(),
            false => head.split(' ').next()?.to_uppercase(),
        };
        let text = match choose(&method) {
            Reply::Says(status, body) => {
                let length = body.len();
                let etag = "etag: \"x\"\r\nlast-modified: Sat, 21 Nov 2026 12:00:00 GMT\r\n";
                format!("HTTP/1.1 {status} X\r\n{etag}content-length: {length}\r\n\r\n{body}")
            }
            Reply::CutsOff => {
                let metadata = "content-type: image/png\r\netag: \"x\"\r\n\
                     last-modified: Sat, 21 Nov 2026 12:00:00 GMT\r\n\
                     x-amz-meta-created-at: 1\r\nx-amz-meta-owner: ada\r\n";
                let hash = "07".repeat(32);
                let head = format!("HTTP/1.1 200 X\r\n{metadata}x-amz-meta-sha256: {hash}\r\n");
                let cut = format!("{head}content-length: 1000\r\n\r\nhalf");
                stream.write_all(cut.as_bytes()).await.ok()?;
                return None;
            }
            Reply::Hangs => futures::future::pending().await,
        };
        stream.write_all(text.as_bytes()).await.ok()?;
    }
}

fn image(limits: Option<ImageLimits>) -> NewImage {
    NewImage {
        kind: ImageKind::Upload,
        name: "a".into(),
        owner: "ada".into(),
        media_type: "image/png".into(),
        length: ImageLength::Exactly(5),
        metadata: vec![],
        limits,
    }
}

async fn put(images: &S3Images) -> Result<StoredOrNot, CapabilityError> {
    let contents = stream::iter([Ok(Bytes::from_static(b"image"))]);
    images.put(image(None), contents.boxed()).await
}

#[tokio::test]
async fn what_lasts_stops_a_start_and_what_may_pass_does_not() {
    let error = |code| -> &'static str {
        Box::leak(
            format!("<Error><Code>{code}</Code><StringToSign>x</StringToSign></Error>").into(),
        )
    };
    let refused = Some("credentials are refused");
    for (status, code, expected) in [
        (404, "NoSuchBucket", Some("no such bucket")),
        (403, "InvalidAccessKeyId", refused),
        (403, "SignatureDoesNotMatch", refused),
        (
            400,
            "ExpiredToken",
            Some("session token (AWS_SESSION_TOKEN) has expired"),
        ),
        (403, "AccessDenied", Some("do not permit this")),
        (
            403,
            "RequestTimeTooSkewed",
            Some("the clock of this machine"),
        ),
        (301, "PermanentRedirect", Some("another region")),
        (400, "AuthorizationHeaderMalformed", Some("another region")),
        (503, "SlowDown", None),
        (500, "InternalError", None),
        (502, "", None),
    ] {
        let body = match code {
            "" => "Bad gateway",
            code => error(code),
        };
        let replies = Box::leak(Box::new([Reply::Says(status, body)]));
        let server = Server::start(&[("LIST", replies)]).await;
        let opened = server.open().await.map(drop);
        let opened = opened.map_err(|error| error.to_string());
        match expected {
            None => assert_eq!(opened, Ok(()), "{code}"),
            Some(expected) => {
                let sentence = opened.unwrap_err();
                assert!(sentence.contains(expected), "{code}: {sentence}");
                assert!(
                    sentence.starts_with("s3://images cannot"),
                    "{code}: {sentence}"
                );
                for secret in [SECRET, "StringToSign"] {
                    assert!(!sentence.contains(secret), "{code}: {sentence}");
                }
            }
        }
    }
}

/// It asks for patience, as it does in earnest, and is asked again.
#[tokio::test]
async fn who_is_asked_to_slow_down_tries_again_and_not_for_ever() {
    let server = Server::start(&[
        ("LIST", &[LISTED]),
        ("PUT", &[SLOW_DOWN, SLOW_DOWN, STORED]),
    ]);
    let server = server.await;
    let images = server.open().await.unwrap();
    assert!(matches!(put(&images).await, Ok(StoredOrNot::Stored(_))));
    assert_eq!(server.asked("PUT"), 3);

    let server = Server::start(&[("LIST", &[LISTED]), ("PUT", &[SLOW_DOWN])]).await;
    let images = server.open().await.unwrap();
    let begin = Instant::now();
    let refused = put(&images).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    let elapsed = begin.elapsed();
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
    assert_eq!(server.asked("PUT"), 3);
}

#[tokio::test]
async fn what_hangs_is_given_up_in_time() {
    let server = Server::start(&[("LIST", &[LISTED, Reply::Hangs])]).await;
    let images = server.open().await.unwrap();
    let begin = Instant::now();
    let path = "uploads/0123456789abcdef0123456789abcdef/a.png";
    let outcomes: [Result<(), CapabilityError>; 6] = tokio::join!(
        put(&images).map_ok(drop),
        images.stat(path).map_ok(drop),
        images.get(path, None).map_ok(drop),
        images.delete(path),
        images.check(),
        images.has_uploads("ada").map_ok(drop),
    )
    .into();
    for outcome in outcomes {
        assert_eq!(outcome.unwrap_err().kind, ErrorKind::Unavailable);
    }
    let elapsed = begin.elapsed();
    assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
}

/// By a proxy before the bucket, a policy, or a store that is full.
#[tokio::test]
async fn a_bucket_that_can_only_be_listed_cannot_be_used() {
    const DENIED: Reply = Reply::Says(403, "<Error><Code>AccessDenied</Code></Error>");
    const FULL: Reply = Reply::Says(507, "");
    let cases: [(&str, &'static [Reply], &'static [Reply]); 3] = [
        ("not written to", &[DENIED, DENIED, STORED], &[STORED]),
        // Each is sent three times.
        (
            "full",
            &[FULL, FULL, FULL, FULL, FULL, FULL, STORED],
            &[STORED],
        ),
        ("not read", &[STORED], &[DENIED, DENIED, STORED]),
    ];
    for (name, puts, gets) in cases {
        let server = Server::start(&[
            ("LIST", &[LISTED]),
            ("PUT", puts),
            ("GET", gets),
            ("DELETE", &[STORED]),
        ])
        .await;
        let images = server.open().await.unwrap();
        let asked = || ["PUT", "GET", "DELETE"].map(|method| server.asked(method));
        assert_eq!(images.check().await, Ok(()), "{name}");
        assert_eq!(asked(), [0, 0, 0], "{name}: nothing has failed");

        let path = "uploads/0123456789abcdef0123456789abcdef/a.png";
        let stored = put(&images).await.is_ok();
        let read = images.get(path, None).await.is_ok();
        assert!(!(stored && read), "{name}");
        let refused = images.check().await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable, "{name}");
        assert_eq!(images.check().await, Ok(()), "{name}");
        let after = asked();
        assert_eq!(after[2], 2, "{name}: a probe leaves nothing behind");
        assert_eq!(images.check().await, Ok(()), "{name}");
        assert_eq!(asked(), after, "{name}: it works again");
    }
}

/// A user may ask for any range.
#[tokio::test]
async fn a_range_outside_of_an_image_is_no_fault_of_the_bucket() {
    const OUTSIDE: Reply = Reply::Says(416, "<Error><Code>InvalidRange</Code></Error>");
    let server = Server::start(&[
        ("LIST", &[LISTED]),
        ("GET", &[OUTSIDE]),
        ("HEAD", &[MISSING]),
    ]);
    let server = server.await;
    let images = server.open().await.unwrap();
    let path = "uploads/0123456789abcdef0123456789abcdef/a.png";
    let range = ByteRange {
        offset: 1000,
        length: 1,
    };
    assert!(images.get(path, Some(range)).await.unwrap().is_none());
    assert_eq!(images.check().await, Ok(()));
    assert_eq!(server.asked("PUT"), 0);
}

/// A proxy before the bucket may say so.
#[tokio::test]
async fn a_list_without_a_body_is_an_error() {
    let server = Server::start(&[("LIST", &[LISTED, Reply::Says(200, "")])]).await;
    let images = server.open().await.unwrap();
    assert!(images.check().await.is_err());
}

/// A million of them would cost a million requests.
#[tokio::test]
async fn images_are_listed_without_a_request_for_each() {
    const OBJECTS: Reply = Reply::Says(
        200,
        "<ListBucketResult><IsTruncated>false</IsTruncated>\
         <Contents><Key>refined/0123456789abcdef0123456789abcdef/a-1</Key><Size>5</Size>\
         <LastModified>2026-11-21T12:00:00.000Z</LastModified></Contents>\
         <Contents><Key>refined/0123456789abcdef0123456789abcdef/a-1.json</Key><Size>5</Size>\
         <LastModified>2026-11-21T12:00:00.000Z</LastModified></Contents>\
         <Contents><Key>refined/0123456789abcdef0123456789abcdef/b-1.json</Key><Size>5</Size>\
         <LastModified>2026-11-21T12:00:00.000Z</LastModified></Contents>\
         <Contents><Key>refined/not-ours</Key><Size>5</Size>\
         <LastModified>2026-11-21T12:00:00.000Z</LastModified></Contents>\
         </ListBucketResult>",
    );
    let server = Server::start(&[
        ("LIST", &[LISTED, OBJECTS]),
        ("HEAD", &[STORED, MISSING]),
        ("DELETE", &[STORED]),
    ])
    .await;
    let images = server.open().await.unwrap();
    let listed: Vec<_> = images
        .list(ImageKind::Refined)
        .await
        .unwrap()
        .collect()
        .await;
    let listed: Vec<_> = listed.into_iter().map(Result::unwrap).collect();
    let names =
        ["a-1", "b-1"].map(|name| format!("refined/0123456789abcdef0123456789abcdef/{name}"));
    assert!(
        listed.iter().map(|image| &image.path).eq(&names),
        "{listed:?}"
    );
    let asked = || ["LIST", "HEAD", "GET", "DELETE"].map(|method| server.asked(method));
    assert_eq!(asked(), [2, 0, 0, 0]);
    // The second is what an image that never came has left; the first names no image.
    for name in &names {
        images.delete(name).await.unwrap();
    }
    assert_eq!(asked(), [2, 2, 0, 1]);
}

/// Whether their owners come back is asked in each round of garbage collection.
#[tokio::test]
async fn uploads_are_listed_with_their_anonymous_owners_without_a_request_for_each() {
    let upload = |owner: &str| {
        format!(
            "<Contents><Key>uploads/{}/a</Key><Size>5</Size>\
             <LastModified>2026-11-21T12:00:00.000Z</LastModified></Contents>",
            tag_of(owner)
        )
    };
    let owners = ["anonymous", "named", "unknown"];
    let objects = format!(
        "<ListBucketResult><IsTruncated>false</IsTruncated>{}</ListBucketResult>",
        owners.map(upload).concat()
    );
    let replies = Box::leak(Box::new([LISTED, Reply::Says(200, objects.leak())]));
    let server = Server::start(&[("LIST", replies), ("PUT", &[STORED])]).await;
    let images = server.open().await.unwrap();
    for owner in ["anonymous", "named"] {
        let is_anonymous = owner == "anonymous";
        let new = NewImage {
            owner: owner.into(),
            metadata: vec![(IS_ANONYMOUS.to_owned(), is_anonymous.to_string())],
            ..image(None)
        };
        let contents = stream::iter([Ok(Bytes::from_static(b"image"))]);
        let stored = images.put(new, contents.boxed()).await.unwrap();
        assert!(matches!(stored, StoredOrNot::Stored(_)), "{stored:?}");
    }
    for round in 1..=2 {
        let listed = images.list(ImageKind::Upload).await.unwrap();
        let listed: Vec<_> = listed.map(|image| image.unwrap()).collect().await;
        let found = listed.iter().map(|image| image.anonymous_owner.as_deref());
        assert!(found.eq([Some("anonymous"), None, None]), "{listed:?}");
        let asked = ["LIST", "HEAD", "GET"].map(|method| server.asked(method));
        assert_eq!(asked, [1 + round, 0, 0]);
    }
}

/// As when it is removed with its task, by its whole name.
#[tokio::test]
async fn what_stands_beside_an_image_that_never_came_goes_with_it() {
    let server = Server::start(&[
        ("LIST", &[LISTED]),
        ("HEAD", &[MISSING]),
        ("DELETE", &[STORED]),
    ]);
    let server = server.await;
    let images = server.open().await.unwrap();
    let path = "refined/0123456789abcdef0123456789abcdef/a-1.png";
    images.delete(path).await.unwrap();
    let asked = ["HEAD", "DELETE"].map(|method| server.asked(method));
    assert_eq!(asked, [1, 1]);
}

#[tokio::test]
async fn a_body_that_is_cut_off_ends_in_an_error() {
    let server = Server::start(&[("LIST", &[LISTED]), ("GET", &[Reply::CutsOff])]).await;
    let images = server.open().await.unwrap();
    let path = "uploads/0123456789abcdef0123456789abcdef/a.png";
    let (info, contents) = images.get(path, None).await.unwrap().unwrap();
    assert_eq!((info.size, info.owner.as_str()), (1000, "ada"));
    let read: Vec<_> = contents.collect().await;
    assert!(matches!(read.last(), Some(Err(_))), "{read:?}");
}

/// While nobody knows whether an image was stored, its owner is not told of a
/// limit.
#[tokio::test]
async fn what_is_in_doubt_is_no_reason_to_blame_its_owner() {
    let server = Server::start(&[("LIST", &[LISTED]), ("PUT", &[SLOW_DOWN])]).await;
    let images = server.open().await.unwrap();
    let one = Some(ImageLimits {
        images: 1,
        bytes: 100,
        under_way: 1,
    });
    for _ in 0..3 {
        let contents = stream::iter([Ok(Bytes::from_static(b"image"))]);
        let mut image = image(one);
        image.name = uuid::Uuid::new_v4().to_string();
        let refused = images.put(image, contents.boxed()).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Unavailable);
    }
}

/// However long it takes, since its host says that it goes on.
#[tokio::test]
async fn a_slow_upload_keeps_its_place() {
    const SLOW: Duration = Duration::from_secs(12);
    let server = Server::start(&[
        ("LIST", &[LISTED]),
        ("HEAD", &[MISSING]),
        ("PUT", &[STORED]),
    ])
    .await;
    let clock = Arc::<ManualClock>::default();
    let images = server.open_by(Arc::clone(&clock)).await.unwrap();
    let one = Some(ImageLimits {
        images: 9,
        bytes: 100,
        under_way: 1,
    });
    tokio::time::pause();
    let contents = stream::iter(*b"image").then(move |byte| {
        let clock = Arc::clone(&clock);
        async move {
            sleep(SLOW).await;
            clock.advance(SLOW);
            if byte == b'e' {
                // What is asked of the server takes its time.
                tokio::time::resume();
            }
            Ok(Bytes::from(vec![byte]))
        }
    });
    let beside = async {
        sleep(SLOW * 4 + SLOW / 2).await;
        let mut image = image(one);
        image.name = "b".into();
        images.put(image, stream::empty().boxed()).await
    };
    let (stored, beside) = tokio::join!(images.put(image(one), contents.boxed()), beside);
    assert_eq!(beside, Ok(StoredOrNot::LimitReached(ImageLimit::UnderWay)));
    assert!(matches!(stored, Ok(StoredOrNot::Stored(_))), "{stored:?}");
}

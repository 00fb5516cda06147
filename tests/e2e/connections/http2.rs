//! HTTP/2 by people who know it too well: frames that no client would send.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use concept_refinement_tests::deadline::SOON;
use concept_refinement_tests::process::Process;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{assert_quick, raw};
use crate::shared::scripted;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

const MARK: &[u8] = b"the last";

/// More memory than any of them may cost, in bytes.
const ROOM: u64 = 96 << 20;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// Its name and its value.
type Field<'a> = (&'a [u8], &'a [u8]);

/// A literal that is not indexed.
fn header(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut encoded = vec![0];
    for text in [name, value] {
        match text.len() {
            length @ ..127 => encoded.push(length as u8),
            length => {
                let mut rest = length - 127;
                encoded.push(127);
                while rest >= 128 {
                    encoded.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                encoded.push(rest as u8);
            }
        }
        encoded.extend(text);
    }
    encoded
}

/// Asks so many times for the same, lets nothing of the answers come, and keeps
/// the connection well for as long as the service does. Answers when it is over.
pub async fn deaf(address: SocketAddr, target: &str, streams: u32) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut bytes = PREFACE.to_vec();
    // No window for any stream.
    bytes.extend(frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 0]));
    for number in 0..streams {
        let head = request(GET, target.as_bytes(), &[]);
        bytes.extend(whole(2 * number + 1, &head));
    }
    let (mut reader, mut writer) = stream.split();
    writer.write_all(&bytes).await.unwrap();
    while let Some((kind, flags, _, payload)) = next(&mut reader).await {
        if matches!(kind, PING | SETTINGS) && flags & ACK == 0 {
            let payload = if kind == PING { payload } else { Vec::new() };
            let answer = frame(kind, ACK, 0, &payload);
            if writer.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

/// `GET http://localhost/api/health`, or POST, with other headers besides.
fn head(method: u8, others: &[Field]) -> Vec<u8> {
    request(method, b"/api/health", others)
}

fn request(method: u8, path: &[u8], others: &[Field]) -> Vec<u8> {
    let mut block = vec![method, 0x86];
    block.extend(header(b":path", path));
    block.extend(header(b":authority", b"localhost"));
    for (name, value) in others {
        block.extend(header(name, value));
    }
    block
}

/// The head of a request whose body does not come.
pub fn endless_request(token: &str) -> Vec<u8> {
    let bearer = format!("Bearer {token}");
    let others: [Field; 2] = [
        (b"authorization", bearer.as_bytes()),
        (b"content-type", b"application/json"),
    ];
    let block = request(POST, b"/api/concepts/refine", &others);
    frame(HEADERS, END_HEADERS, 1, &block)
}

const GET: u8 = 0x82;
const POST: u8 = 0x83;

/// A request that is its head alone.
fn whole(stream: u32, head: &[u8]) -> Vec<u8> {
    frame(HEADERS, END_STREAM | END_HEADERS, stream, head)
}

fn get(stream: u32, others: &[Field]) -> Vec<u8> {
    whole(stream, &head(GET, others))
}

/// What the service did.
#[derive(Debug, Default)]
struct Reaction {
    /// The first byte of each head: 0x88 is 200.
    answered: Vec<u8>,
    /// Streams that it ended, and why.
    reset: Vec<u32>,
    /// Why it ended the connection.
    away: Option<u32>,
    closed: bool,
}

/// Sends this after the preface, and reads until the first stream has ended, a
/// ping that comes after it is answered where nothing else is waited for, or the
/// connection ends.
async fn react(sent: &[u8], waits: bool) -> Reaction {
    let stream = raw::connect(scripted()).await;
    let (mut reader, mut writer) = stream.into_split();
    let mut bytes = PREFACE.to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, b""));
    bytes.extend(sent);
    bytes.extend(frame(PING, 0, 0, MARK));
    // What it does not want to read is not sent.
    let writing = tokio::spawn(async move {
        let _ = writer.write_all(&bytes).await;
        writer
    });
    let mut reaction = Reaction::default();
    let reading = timeout(2 * SOON, async {
        while let Some((kind, flags, stream, payload)) = next(&mut reader).await {
            let code = |at: usize| {
                let code = payload.get(at..at + 4)?.try_into().ok()?;
                Some(u32::from_be_bytes(code))
            };
            match kind {
                HEADERS => reaction.answered.extend(payload.first()),
                RST_STREAM => reaction.reset.extend(code(0)),
                GOAWAY => reaction.away = code(4),
                PING if flags & ACK != 0 && payload == MARK && !waits => return,
                _ => {}
            }
            if waits && stream == 1 && matches!(kind, HEADERS | RST_STREAM) {
                return;
            }
        }
        reaction.closed = true;
    });
    assert!(
        reading.await.is_ok(),
        "neither answered nor closed: {reaction:?}"
    );
    writing.abort();
    reaction
}

async fn next(reader: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<(u8, u8, u32, Vec<u8>)> {
    let mut head = [0; 9];
    reader.read_exact(&mut head).await.ok()?;
    let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
    let mut payload = vec![0; length];
    reader.read_exact(&mut payload).await.ok()?;
    let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
    Some((head[3], head[4], stream, payload))
}

/// Answers each PING, and has no stream: it would stay for ever.
#[tokio::test]
async fn a_connection_without_streams_is_ended() {
    const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
    let begin = Instant::now();
    let mut stream = raw::connect(scripted()).await;
    let (mut reader, mut writer) = stream.split();
    let settings = frame(SETTINGS, 0, 0, b"");
    let first = [PREFACE, &settings, &get(1, &[])].concat();
    writer.write_all(&first).await.unwrap();
    let mut pings = 0;
    let mut away = None;
    let ended = timeout(IDLE_TIMEOUT + SOON, async {
        while let Some((kind, flags, _, payload)) = next(&mut reader).await {
            match kind {
                PING if flags & ACK == 0 => {
                    pings += 1;
                    let _ = writer.write_all(&frame(PING, ACK, 0, &payload)).await;
                }
                GOAWAY => {
                    away.get_or_insert(begin.elapsed());
                }
                _ => {}
            }
        }
    });
    assert!(
        ended.await.is_ok(),
        "still open after {:?}",
        begin.elapsed()
    );
    assert!(pings > 0, "it was kept alive");
    assert!(away.unwrap() >= IDLE_TIMEOUT, "{away:?}");
}

enum Becomes {
    /// The connection ends.
    Closed,
    /// The stream ends, or is answered with something other than success.
    NoSuccess,
    /// It is answered with success, whatever else is.
    Answered,
    /// Only others matter.
    Anything,
}

use Becomes::{Answered, Anything, Closed, NoSuccess};

#[tokio::test]
async fn each_abuse_ends_and_is_felt_by_nobody() {
    let large = vec![b'x'; 16 << 10];
    let streams = |count: u32| (0..count).map(|number| 2 * number + 1);
    let reset = |stream| {
        let cancel = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        [get(stream, &[]), cancel].concat()
    };
    let begun = frame(HEADERS, END_STREAM, 1, &head(GET, &[]));
    let goes_on = |payload: &[u8]| frame(CONTINUATION, 0, 1, payload);
    let endless = |payload: &[u8], times| [begun.clone(), goes_on(payload).repeat(times)].concat();
    let rest = header(b"x", &large[..15_000]);
    let last = frame(CONTINUATION, END_HEADERS, 1, &rest);
    let too_large = [begun.clone(), goes_on(&rest).repeat(3), last].concat();
    let fields = [header(b":path", b"api health"), header(b":authority", b"a")].concat();
    let no_path = [&[GET, 0x86][..], &fields].concat();
    let beyond = frame(WINDOW_UPDATE, 0, 0, &0x7fff_ffff_u32.to_be_bytes());
    let with_body = |lengths: &[&[u8]], body: &[u8]| {
        let lengths: Vec<Field> = lengths
            .iter()
            .map(|length| (&b"content-length"[..], *length))
            .collect();
        let head = frame(HEADERS, END_HEADERS, 1, &head(POST, &lengths));
        [head, frame(DATA, END_STREAM, 1, body)].concat()
    };
    let heads: [(&str, &[Field]); 9] = [
        ("chunked", &[(b"transfer-encoding", b"chunked")]),
        ("connection: close", &[(b"connection", b"close")]),
        ("a name in capitals", &[(b"X-Name", b"x")]),
        ("a line break in a value", &[(b"x", b"a\r\nb: c")]),
        ("NUL in a value", &[(b"x", b"a\0b")]),
        ("a colon in a name", &[(b"x:y", b"z")]),
        ("a late pseudo header", &[(b"x", b"y"), (b":path", b"/")]),
        ("another path", &[(b":path", b"/")]),
        ("another host", &[(b"host", b"b"), (b"host", b"c")]),
    ];
    let heads = heads.map(|(name, fields)| (name, get(1, fields)));
    let before = Process::of(scripted().id()).usage().resident;
    let no_successes = [
        ("a longer body", with_body(&[b"2"], b"abcdef")),
        ("a shorter body", with_body(&[b"9"], b"ab")),
        ("two lengths", with_body(&[b"1", b"2"], b"ab")),
        ("too large a list of headers", too_large),
        ("no path", whole(1, &[GET, 0x86])),
        ("a path that is none", whole(1, &no_path)),
    ];
    let answered = [
        ("a request", get(1, &[])),
        ("a large list", get(1, &[(b"x", &large[..15_000])])),
    ];
    let closed: [(&str, Vec<u8>); 11] = [
        ("rapid resets", streams(20_000).flat_map(reset).collect()),
        ("no end of headers, empty", endless(b"", 20_000)),
        (
            "no end of headers, large",
            endless(&header(b"x", &large[..1000]), 2_000),
        ),
        (
            "an index that is none",
            whole(1, &[0xff, 0xff, 0xff, 0xff, 0x7f]),
        ),
        ("an even stream", get(2, &[])),
        ("a stream of none", get(0, &[])),
        ("too large a frame", frame(DATA, 0, 1, &large.repeat(64))),
        ("data before headers", frame(DATA, END_STREAM, 1, b"x")),
        ("a window beyond its limit", beyond.repeat(2)),
        (
            "a window that does not grow",
            frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        ),
        ("settings that are none", frame(SETTINGS, 0, 0, b"x")),
    ];
    let open = |stream| frame(HEADERS, END_HEADERS, stream, &head(POST, &[]));
    let empty_data = frame(DATA, 0, 1, b"").repeat(20_000);
    let floods: [(&str, Vec<u8>); 5] = [
        ("a flood of streams", streams(400).flat_map(open).collect()),
        ("settings", frame(SETTINGS, 0, 0, b"").repeat(20_000)),
        ("pings", frame(PING, 0, 0, b"the same").repeat(20_000)),
        ("empty data", [open(1), empty_data].concat()),
        ("unknown frames", frame(99, 0, 0, &large).repeat(200)),
    ];
    let closed = closed.map(|(name, frames)| (name, frames, Closed));
    let answered = answered.map(|(name, frames)| (name, frames, Answered));
    let floods = floods.map(|(name, frames)| (name, frames, Anything));
    let others = closed.into_iter().chain(answered).chain(floods);
    let no_successes = no_successes.into_iter().chain(heads);
    let no_successes = no_successes.map(|(name, frames)| (name, frames, NoSuccess));
    for (name, frames, becomes) in no_successes.chain(others) {
        let waits = !matches!(becomes, Anything);
        let reaction = react(&frames, waits).await;
        let succeeded = reaction.answered.contains(&0x88);
        match becomes {
            Closed => assert!(reaction.closed, "{name}: {reaction:?}"),
            NoSuccess => assert!(!succeeded, "{name}: {reaction:?}"),
            Answered => assert!(
                succeeded && reaction.reset.is_empty(),
                "{name}: {reaction:?}"
            ),
            Anything => {}
        }
        assert_quick(scripted(), name).await;
    }
    let grown = Process::of(scripted().id())
        .usage()
        .resident
        .saturating_sub(before);
    assert!(grown < ROOM, "{} MiB more than before", grown >> 20);
    assert!(!scripted().log().contains("panicked"));
}

/// A client that asks and asks, and reads nothing of what is answered.
#[tokio::test]
async fn answers_that_nobody_reads_do_not_pile_up() {
    let before = Process::of(scripted().id()).usage().resident;
    let mut deaf: Vec<TcpStream> = Vec::new();
    for _ in 0..10 {
        let mut stream = raw::connect(scripted()).await;
        let mut bytes = PREFACE.to_vec();
        bytes.extend(frame(SETTINGS, 0, 0, b""));
        for n in 0..5_000 {
            bytes.extend(get(2 * n + 1, &[]));
        }
        // As much as it takes; it stops reading where it should.
        let _ = timeout(std::time::Duration::from_secs(2), stream.write_all(&bytes)).await;
        deaf.push(stream);
    }
    assert_quick(scripted(), "deaf clients").await;
    let grown = Process::of(scripted().id())
        .usage()
        .resident
        .saturating_sub(before);
    assert!(grown < ROOM, "{} MiB more than before", grown >> 20);
}

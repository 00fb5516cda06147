use futures::stream::{self, StreamExt as _};
use http_body_util::{Empty, Full, StreamBody};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::*;

const LONG: Duration = Duration::from_secs(60);

async fn connected() -> (TcpStream, TimeoutStream<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let server = TimeoutStream::new(accepted.unwrap().0, LONG, LONG);
    (client.unwrap(), server)
}

fn events(body: WasiBody) -> Response<WasiBody> {
    let response = Response::builder().header(CONTENT_TYPE, "text/event-stream");
    response.header("x-name", "value").body(body).unwrap()
}

fn body(frames: impl IntoIterator<Item = Result<&'static str, Error>>) -> WasiBody {
    let frames: Vec<_> = frames.into_iter().collect();
    let frames = stream::iter(frames);
    let frames = frames.map(|frame| frame.map(|data| Frame::data(Bytes::from(data))));
    StreamBody::new(frames).boxed_unsync()
}

async fn received(
    frames: impl IntoIterator<Item = Result<&'static str, Error>>,
    is_last: bool,
) -> (String, bool) {
    let (mut client, mut server) = connected().await;
    let sent = send(&mut server, events(body(frames)), is_last).await;
    drop(server);
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    (text, sent.is_ok())
}

#[tokio::test]
async fn each_frame_is_a_chunk_and_the_end_is_told() {
    let frames = [Ok("data: a\n\n"), Ok(""), Ok("data: 0123456789\n\n")];
    let (text, is_sent) = received(frames, false).await;
    assert!(is_sent);
    let (head, chunks) = text.split_once("\r\n\r\n").unwrap();
    let mut fields = head.split("\r\n");
    assert_eq!(fields.next(), Some("HTTP/1.1 200 OK"));
    let mut fields: Vec<_> = fields.collect();
    assert!(fields.iter().any(|field| field.starts_with("date: ")));
    fields.retain(|field| !field.starts_with("date: "));
    let expected = [
        "content-type: text/event-stream",
        "x-name: value",
        "transfer-encoding: chunked",
    ];
    assert_eq!(fields, expected);
    assert_eq!(
        chunks,
        "9\r\ndata: a\n\n\r\n12\r\ndata: 0123456789\n\n\r\n0\r\n\r\n"
    );
}

#[tokio::test]
async fn the_last_answer_of_a_connection_says_so() {
    let (text, is_sent) = received([Ok("data: a\n\n")], true).await;
    assert!(is_sent);
    assert!(text.contains("\r\nconnection: close\r\n"), "{text:?}");
    assert!(text.ends_with("0\r\n\r\n"), "{text:?}");
}

#[tokio::test]
async fn an_answer_that_breaks_off_has_no_end() {
    let broken = Err(Error::ConnectionTerminated);
    let (text, is_sent) = received([Ok("data: a\n\n"), broken], false).await;
    assert!(!is_sent);
    assert!(text.ends_with("9\r\ndata: a\n\n\r\n"), "{text:?}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_it_and_one_that_speaks_does_not() {
    let (mut client, mut server) = connected().await;
    let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Error>>()).boxed_unsync();
    let mut sending = Box::pin(send(&mut server, events(silent), false));
    assert!(futures::poll!(&mut sending).is_pending());
    client.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
    let longer = tokio::time::timeout(Duration::from_millis(50), &mut sending);
    assert!(longer.await.is_err(), "it ended");
    drop(sending);
    let silent = StreamBody::new(stream::pending::<Result<Frame<Bytes>, Error>>()).boxed_unsync();
    let (client, mut server) = connected().await;
    drop(client);
    assert!(send(&mut server, events(silent), false).await.is_err());
}

#[test]
fn only_answers_of_events_that_fit_leave() {
    let get = || Request::get("/");
    let fit = Fitness::of(&get().body(Empty::<Bytes>::new()).unwrap());
    let table = [
        ("plain", get(), true),
        ("kept alive", get().header(CONNECTION, "Keep-Alive"), true),
        ("closed", get().header(CONNECTION, "close"), false),
        (
            "upgraded",
            get().header(CONNECTION, "keep-alive, upgrade"),
            false,
        ),
        ("head alone", get().method(Method::HEAD), false),
        ("older", get().version(Version::HTTP_10), false),
        ("newer", get().version(Version::HTTP_2), false),
    ];
    for (name, request, fits) in table {
        let request = request.body(Empty::<Bytes>::new()).unwrap();
        assert_eq!(Fitness::of(&request) == fit, fits, "{name}");
    }
    let twice = get()
        .header(CONNECTION, "keep-alive")
        .header(CONNECTION, "close");
    let twice = twice.body(Empty::<Bytes>::new()).unwrap();
    assert_ne!(Fitness::of(&twice), fit, "closed by a second field");
    let with_body = get().body(Full::new(Bytes::from("a"))).unwrap();
    assert_ne!(Fitness::of(&with_body), fit, "with a body");

    let none = || body([]);
    assert!(fit.includes(&events(none())));
    let mut other = events(none());
    other
        .headers_mut()
        .insert(CONTENT_TYPE, "application/json".parse().unwrap());
    assert!(!fit.includes(&other));
    for name in [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, DATE] {
        let mut framed = events(none());
        framed.headers_mut().insert(&name, "1".parse().unwrap());
        assert!(!fit.includes(&framed), "{name}");
    }
    let mut refused = events(none());
    *refused.status_mut() = StatusCode::NOT_FOUND;
    assert!(!fit.includes(&refused));
}

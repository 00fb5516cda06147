//! Answers of events over HTTP/1.1, which last as long as somebody watches.
//!
//! hyper keeps 16 kB of buffers for an answer under way, however little it sends, and
//! many answers of this kind are under way at once. So such an answer is taken out of
//! its hands before it begins, and the connection is given back once it has ended.

use std::future::pending;
use std::io::{self, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use futures::FutureExt as _;
use http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, DATE, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode, Version, response};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use wasmtime_wasi_http::{Error, WasiBody};

use super::timeout_stream::TimeoutStream;
use crate::capability::clock::{Clock as _, SystemClock};

/// Bytes that are sent at once at most, but for one frame more.
const MAX_WRITE: usize = 16 * 1024;

/// Where the service of a connection puts an answer that the connection is to send by
/// itself.
pub struct Exit(Mutex<Option<oneshot::Sender<Response<WasiBody>>>>);

/// Whether an answer of events to a request can be sent here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fitness(bool);

impl Fitness {
    /// Of a `GET` in HTTP/1.1 that brings nothing, and after which the connection goes on.
    pub fn of<B: Body>(request: &Request<B>) -> Self {
        let mut connection = request.headers().get_all(CONNECTION).iter();
        let goes_on = connection.all(|value| value.as_bytes().eq_ignore_ascii_case(b"keep-alive"));
        Self(
            request.method() == Method::GET
                && request.version() == Version::HTTP_11
                && request.body().is_end_stream()
                && goes_on,
        )
    }

    fn includes<B>(self, response: &Response<B>) -> bool {
        let kind = response.headers().get(CONTENT_TYPE);
        let is_events = kind.is_some_and(|kind| kind == "text/event-stream");
        // How the answer is framed is decided here.
        let is_unframed = [CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, DATE]
            .iter()
            .all(|name| !response.headers().contains_key(name));
        self.0 && is_events && is_unframed && response.status() == StatusCode::OK
    }
}

impl Exit {
    /// The exit of a connection, and what comes out of it.
    pub fn new() -> (Self, oneshot::Receiver<Response<WasiBody>>) {
        let (sender, taken) = oneshot::channel();
        (Self(Mutex::new(Some(sender))), taken)
    }

    /// The answer, unless it leaves: then this does not end.
    pub async fn pass(&self, fitness: Fitness, response: Response<WasiBody>) -> Response<WasiBody> {
        if !fitness.includes(&response) {
            return response;
        }
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(sender) = sender else {
            return response;
        };
        match sender.send(response) {
            Ok(()) => pending().await,
            Err(response) => response,
        }
    }
}

/// Sends an answer, each of its frames as soon as it is there. An error: the client has
/// left or reads nothing, or the answer broke off, and the connection must be closed.
/// `is_last`: it is to be closed after the answer.
pub async fn send(
    stream: &mut TimeoutStream<TcpStream>,
    response: Response<WasiBody>,
    is_last: bool,
) -> io::Result<()> {
    let (head, mut body) = response.into_parts();
    let mut bytes = head_bytes(&head, is_last)?;
    loop {
        // What is there already is sent together.
        let frame = match body.frame().now_or_never() {
            Some(frame) if bytes.len() < MAX_WRITE => frame,
            frame => {
                stream.write_all(&std::mem::take(&mut bytes)).await?;
                match frame {
                    Some(frame) => frame,
                    None => next(&mut body, stream).await?,
                }
            }
        };
        let Some(frame) = frame else {
            bytes.extend_from_slice(b"0\r\n\r\n");
            stream.write_all(&bytes).await?;
            return match is_last {
                true => stream.shutdown().await,
                false => Ok(()),
            };
        };
        match frame {
            Ok(frame) => write_chunk(&mut bytes, frame)?,
            Err(error) => {
                stream.write_all(&bytes).await?;
                return Err(io::Error::other(error));
            }
        }
    }
}

type Piece = Option<Result<Frame<Bytes>, Error>>;

/// The next frame, as long as the client is there.
async fn next(body: &mut WasiBody, stream: &TimeoutStream<TcpStream>) -> io::Result<Piece> {
    tokio::select! {
        biased;
        frame = body.frame() => Ok(frame),
        () = stream.closed() => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

fn head_bytes(head: &response::Parts, is_last: bool) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    write!(bytes, "HTTP/1.1 {}\r\n", head.status)?;
    for (name, value) in &head.headers {
        write!(bytes, "{name}: ")?;
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    if is_last {
        bytes.extend_from_slice(b"connection: close\r\n");
    }
    let now = Duration::from_micros(SystemClock.now().0);
    let date = httpdate::fmt_http_date(UNIX_EPOCH + now);
    write!(bytes, "date: {date}\r\ntransfer-encoding: chunked\r\n\r\n")?;
    Ok(bytes)
}

fn write_chunk(bytes: &mut Vec<u8>, frame: Frame<Bytes>) -> io::Result<()> {
    let data = frame.into_data().unwrap_or_default();
    // An empty chunk would end the answer.
    if !data.is_empty() {
        write!(bytes, "{:x}\r\n", data.len())?;
        bytes.extend_from_slice(&data);
        bytes.extend_from_slice(b"\r\n");
    }
    Ok(())
}

#[cfg(test)]
mod tests;

//! One connection to an origin, and the exchanges on it, one after the other.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{join, split};
use tokio::time::{Instant, timeout};
use tokio_util::either::Either;
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};

use super::connect;
use super::grant::Origin;
use super::network::Network;
use super::read_limit::{LimitedReader, ReadLimit};

/// Most bytes of an answer before its body.
const MAX_HEAD: u64 = 1 << 20;

/// Buffer of a connection in each direction, in bytes, which also limits the head of an
/// answer. Small, since there may be a thousand connections.
const MAX_BUFFER: usize = 32 * 1024;

/// Most header fields of an answer. The default of hyper, 100, is too few for some
/// origins, which list what their pages may load.
const MAX_FIELDS: usize = 1000;

type Request = http::Request<WasiBody>;

/// Closed when it is dropped.
pub struct Connection {
    sender: SendRequest<WasiBody>,
    address: IpAddr,
    read_limit: ReadLimit,
    opened: Instant,
    is_reused: bool,
    _driver: AbortOnDropHandle<Result<(), hyper::Error>>,
}

/// Why there is no answer.
pub struct Failure {
    pub error: Error,
    /// The request, if it may be sent again on another connection: the server closed this
    /// one after the previous exchange.
    pub repetition: Option<Box<Request>>,
    /// Whether the server may have read it.
    pub is_sent: bool,
}

impl Connection {
    /// Connects to a permitted address of the origin.
    pub async fn open(
        network: &Network,
        origin: &Origin,
        permitted: impl Fn(IpAddr) -> bool,
    ) -> Result<Self, Error> {
        let resolver = &*network.resolver;
        let stream = connect::connect(resolver, &origin.host, origin.port, permitted).await?;
        let address = stream.peer_addr().map_err(Error::Connect)?.ip();
        let stream = if origin.scheme == Scheme::HTTPS {
            let name = ServerName::try_from(connect::unbracketed(&origin.host).to_owned())
                .map_err(|_| Error::HttpRequestUriInvalid)?;
            let tls = tokio_rustls::TlsConnector::from(Arc::clone(&network.tls));
            Either::Left(Box::new(
                tls.connect(name, stream).await.map_err(Error::Tls)?,
            ))
        } else {
            Either::Right(stream)
        };
        let read_limit = ReadLimit::new(MAX_HEAD);
        let (reader, writer) = split(stream);
        let limit = read_limit.clone();
        let io = TokioIo::new(join(LimitedReader { reader, limit }, writer));
        // A malformed header line of an origin is repaired or dropped, as browsers do.
        // This is safe for responses: a connection serves one origin, which could send
        // any headers anyway.
        let (sender, connection) = Builder::new()
            .max_buf_size(MAX_BUFFER)
            .max_headers(MAX_FIELDS)
            .ignore_invalid_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .handshake(io)
            .await?;
        Ok(Self {
            sender,
            address,
            read_limit,
            opened: Instant::now(),
            is_reused: false,
            _driver: AbortOnDropHandle::new(tokio::spawn(connection)),
        })
    }

    /// The address of the peer.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    pub fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Whether the previous exchange has ended and another one may begin.
    pub fn is_ready(&self) -> bool {
        self.sender.is_ready()
    }

    /// Sends a request and waits for the head of its answer. At most `bytes` of the body
    /// will be read.
    pub async fn send(
        &mut self,
        request: Request,
        first_byte: Duration,
        bytes: u64,
    ) -> Result<http::Response<Incoming>, Failure> {
        let copy = match self.is_reused {
            true => repetition(&request),
            false => None,
        };
        self.read_limit.set(MAX_HEAD);
        let sent = timeout(first_byte, self.sender.try_send_request(request))
            .await
            .map_err(|_| Failure {
                error: Error::ConnectionReadTimeout,
                repetition: None,
                is_sent: true,
            })?;
        match sent {
            Ok(response) => {
                // Chunk framing takes bytes, too.
                self.read_limit.set(bytes.saturating_add(MAX_HEAD));
                self.is_reused = true;
                Ok(response)
            }
            Err(mut failure) => {
                let unread = failure.take_message();
                let error = failure.into_error();
                let is_sent = unread.is_none();
                let repetition = unread.or_else(|| copy.filter(|_| is_closure(&error)));
                Err(Failure {
                    error: error.into(),
                    repetition: repetition.map(Box::new),
                    is_sent,
                })
            }
        }
    }
}

/// A copy of the request, if sending it twice is harmless: a server may close a
/// connection just as a request arrives, and the client cannot tell whether the request
/// was read (RFC 9110, section 9.2.2).
fn repetition(request: &Request) -> Option<Request> {
    if !request.method().is_idempotent() || !request.body().is_end_stream() {
        return None;
    }
    let mut repetition = Request::new(WasiBody::default());
    *repetition.method_mut() = request.method().clone();
    *repetition.uri_mut() = request.uri().clone();
    *repetition.headers_mut() = request.headers().clone();
    Some(repetition)
}

/// Whether the server closed the connection before it answered.
fn is_closure(error: &hyper::Error) -> bool {
    let source = std::error::Error::source(error);
    let system = source.and_then(|source| source.downcast_ref::<io::Error>());
    error.is_incomplete_message()
        || system.is_some_and(|system| {
            matches!(
                system.kind(),
                ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe
            )
        })
}

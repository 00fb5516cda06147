//! `wasi:http/client`: requests that a component sends, within what its
//! manifest allows, to other components or into the network.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use crate::allowed::{AllowedHosts, chained_to};
use crate::blocked::BlockedNetworks;
use crate::server::Server;

/// Where a component sets no limit of its own.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The hooks of one instance.
#[derive(Clone)]
pub struct Outbound {
    pub allowed: Arc<AllowedHosts>,
    pub blocked: BlockedNetworks,
    pub server: Weak<Server>,
    /// Each request to another component is sent once more, at the same time.
    pub posts_twice: bool,
}

pub type Sent = Result<
    (
        http::Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let outbound = self.clone();
        Box::new(async move {
            let response = outbound.send(request, options.unwrap_or_default()).await?;
            let done: Box<dyn Future<Output = _> + Send> = Box::new(std::future::ready(Ok(())));
            Ok((response, done))
        })
    }
}

impl Outbound {
    async fn send(
        &self,
        mut request: http::Request<WasiBody>,
        options: RequestOptions,
    ) -> Result<http::Response<WasiBody>, Error> {
        if !self.allowed.allow(request.uri()) {
            eprintln!(
                "A component tried to make an outbound request to disallowed host {:?}",
                request.uri().authority().map(http::uri::Authority::as_str)
            );
            return Err(Error::HttpRequestDenied);
        }
        request.headers_mut().remove(HOST);
        let chained = chained_to(request.uri()).map(str::to_owned);
        let response = match chained {
            // The answer's head may take as long as it likes.
            Some(component) => {
                let server = self.server.upgrade().ok_or(Error::ConnectionRefused)?;
                if self.posts_twice {
                    request = repeated(&server, &component, request).await?;
                }
                // Boxed: one request may lead to the next.
                let chained = Box::pin(server.chained(&component, request));
                // Spin lets this trap.
                let failed = |error| Error::InternalError(Some(format!("{error:#}")));
                chained.await.map_err(failed)?
            }
            None => self.exchange(request, &options).await?,
        };
        let limit = options.between_bytes_timeout.unwrap_or(TIMEOUT);
        Ok(response.map(|body| Timed::new(body, limit).boxed_unsync()))
    }

    /// Over a connection of its own, by HTTP/1.1. Spin keeps connections, and
    /// knows HTTP/2 and TLS.
    async fn exchange(
        &self,
        mut request: http::Request<WasiBody>,
        options: &RequestOptions,
    ) -> Result<http::Response<WasiBody>, Error> {
        let uri = request.uri().clone();
        let authority = uri.authority().ok_or(Error::HttpRequestUriInvalid)?;
        if uri.scheme() == Some(&Scheme::HTTPS) {
            return Err(Error::TlsProtocolError);
        }
        let (host, port) = (authority.host(), authority.port_u16().unwrap_or(80));
        let limit = options.connect_timeout.unwrap_or(TIMEOUT);
        let stream = timeout(limit, self.connect(host, port))
            .await
            .map_err(|_| Error::ConnectionTimeout)??;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        // It ends with the answer, or when nobody wants that any more.
        tokio::spawn(connection);

        let name = HeaderValue::from_str(authority.as_str());
        let name = name.map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(HOST, name);
        let path = uri.path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(|| Uri::from_static("/"), Uri::from);
        let limit = options.first_byte_timeout.unwrap_or(TIMEOUT);
        let response = timeout(limit, sender.send_request(request))
            .await
            .map_err(|_| Error::ConnectionReadTimeout)??;
        Ok(response.map(|body| body.map_err(Error::from).boxed_unsync()))
    }

    async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Error> {
        let addresses = tokio::net::lookup_host((unbracketed(host), port)).await;
        let addresses: Vec<SocketAddr> = addresses.map_err(|_| unresolved())?.collect();
        let (blocked, open): (Vec<_>, Vec<_>) = addresses
            .into_iter()
            .partition(|address| self.blocked.blocks(*address));
        if open.is_empty() && !blocked.is_empty() {
            eprintln!("all destination IP(s) prohibited by runtime config: {blocked:?}");
            return Err(Error::DestinationIpProhibited);
        }
        let connected = TcpStream::connect(open.as_slice()).await;
        connected.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrNotAvailable => unresolved(),
            _ => Error::ConnectionRefused,
        })
    }
}

/// Sends a request, to whose answer nobody listens, and answers with the same.
async fn repeated(
    server: &Arc<Server>,
    component: &str,
    request: http::Request<WasiBody>,
) -> Result<http::Request<WasiBody>, Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let copy = || {
        let body = Full::new(body.clone()).map_err(|never| match never {});
        http::Request::from_parts(parts.clone(), body.boxed_unsync())
    };
    let (server, component, repeat) = (Arc::clone(server), component.to_owned(), copy());
    tokio::spawn(async move {
        if let Ok(response) = server.chained(&component, repeat).await {
            drop(response.into_body().collect().await);
        }
    });
    Ok(copy())
}

fn unresolved() -> Error {
    Error::DnsError {
        rcode: Some("address not available".to_owned()),
        info_code: Some(0),
    }
}

fn unbracketed(host: &str) -> &str {
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    inner.unwrap_or(host)
}

/// An answer's body that fails when nothing of it comes for too long.
struct Timed {
    body: Option<WasiBody>,
    limit: Duration,
    silence: Option<Pin<Box<Sleep>>>,
}

impl Timed {
    fn new(body: WasiBody, limit: Duration) -> Self {
        Self {
            body: Some(body),
            limit,
            silence: None,
        }
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) {
            this.silence = None;
            return Poll::Ready(frame);
        }
        let limit = this.limit;
        let silence = this.silence.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(silence.as_mut().poll(cx));
        this.body = None;
        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

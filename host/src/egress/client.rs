//! One request to elsewhere: judged, connected, sent, and its answer bounded.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::either::Either;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::grant::{Grant, Origin, take_purpose};
use super::network::Network;
use super::read_limit::{LimitedStream, ReadLimit};
use super::{body, connect};
use crate::loops::processor::Loan;

/// A component that sets no timeouts gets these.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// How long a task keeps its slot while it waits for a connection: longer than
/// it takes where nothing is wrong.
const CONNECT_DELAY: Duration = Duration::from_millis(100);

/// Margin beyond the component's own limit, so that the component reports it
/// first.
const SLACK: Duration = Duration::from_secs(5);

/// Most bytes before an answer's body.
const MAX_HEAD: u64 = 1 << 20;

/// Buffer of a connection in each direction, in bytes, and so the longest head
/// of an answer. Small, since there may be a thousand connections.
const MAX_BUFFER: usize = 32 * 1024;

/// The longest timeout that is set: a later deadline might be more than a clock
/// can represent.
pub const UNLIMITED: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Upper bounds for one answer; the component may set lower ones.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of the body: by default more than an original or a model's answer
    /// needs, even in base64.
    pub bytes: u64,
    /// Time from the request to the last byte.
    pub time: Duration,
}

impl Bounds {
    /// Bounds slightly above the component's own limit, whose error message is
    /// better.
    pub fn beyond(limit: Duration) -> Self {
        Self {
            time: limit.saturating_add(SLACK),
            ..Self::default()
        }
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 128 << 20,
            time: Duration::from_secs(60 * 60),
        }
    }
}

/// Sends what a component may send.
#[derive(Clone)]
pub struct Client {
    grant: Arc<Grant>,
    bounds: Bounds,
    network: Network,
    loan: Loan,
}

/// The answer, and what drives the sending of the request: it is done by then.
pub type Sent = Result<
    (
        http::Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

impl Client {
    /// With the default bounds.
    pub fn new(grant: Grant, network: &Network) -> Self {
        Self {
            grant: Arc::new(grant),
            bounds: Bounds::default(),
            network: network.clone(),
            loan: Loan::default(),
        }
    }

    pub fn lending(self, loan: Loan) -> Self {
        Self { loan, ..self }
    }

    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    pub async fn send(
        &self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
    ) -> Sent {
        let now = Instant::now();
        let end = now
            .checked_add(self.bounds.time.min(UNLIMITED))
            .unwrap_or(now);
        let sent = timeout_at(end, self.exchange(request, options, end))
            .await
            .unwrap_or(Err(Error::HttpResponseTimeout));
        if let (Err(error), Some(metrics)) = (&sent, &self.network.metrics) {
            metrics.egress.failed(error);
        }
        sent
    }

    async fn exchange(
        &self,
        mut request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        deadline: Instant,
    ) -> Sent {
        let origin = Origin::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
        let purpose = take_purpose(request.headers_mut());
        let limit = |chosen: fn(&RequestOptions) -> Option<Duration>, default| {
            options.as_ref().and_then(chosen).unwrap_or(default)
        };
        let connect_limit = limit(|options| options.connect_timeout, CONNECT_TIMEOUT);
        let first_byte = limit(|options| options.first_byte_timeout, SILENCE_TIMEOUT);
        let between_bytes = limit(|options| options.between_bytes_timeout, SILENCE_TIMEOUT);

        let read_limit = ReadLimit::new(MAX_HEAD);
        let connecting = async {
            let stream = {
                let permitted = self
                    .grant
                    .permits(&origin, purpose, self.network.is_own)
                    .ok_or(Error::HttpRequestDenied)?;
                let resolver = &*self.network.resolver;
                connect::connect(resolver, &origin.host, origin.port, permitted).await?
            };
            let stream = if origin.scheme == Scheme::HTTPS {
                let name = ServerName::try_from(connect::unbracketed(&origin.host).to_owned())
                    .map_err(|_| Error::HttpRequestUriInvalid)?;
                let tls = tokio_rustls::TlsConnector::from(Arc::clone(&self.network.tls));
                Either::Left(Box::new(
                    tls.connect(name, stream).await.map_err(Error::Tls)?,
                ))
            } else {
                Either::Right(stream)
            };
            let limit = read_limit.clone();
            let io = TokioIo::new(LimitedStream { stream, limit });
            let mut http = hyper::client::conn::http1::Builder::new();
            Ok::<_, Error>(http.max_buf_size(MAX_BUFFER).handshake(io).await?)
        };
        // Boxed, so that what a handshake needs is freed before the answer comes.
        let connecting = timeout(connect_limit, Box::pin(connecting))
            .map(|connected| connected.unwrap_or(Err(Error::ConnectionTimeout)));
        let (mut sender, connection) = self.loan.spare(CONNECT_DELAY, connecting).await?;

        // HTTP/1.1 sends the authority in the Host header.
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = path.map_or_else(|| http::Uri::from_static("/"), http::Uri::from);
        request.headers_mut().insert(
            http::header::CONNECTION,
            http::HeaderValue::from_static("close"),
        );

        let driver = body::Driver::new(tokio::spawn(connection));
        let response = timeout(first_byte, sender.send_request(request))
            .await
            .map_err(|_| Error::ConnectionReadTimeout)??;
        // The framing of chunks takes bytes, too.
        read_limit.set(self.bounds.bytes.saturating_add(MAX_HEAD));
        let limits = body::Limits {
            between_bytes,
            deadline,
            bytes: self.bounds.bytes,
        };
        let response =
            response.map(|incoming| body::Limited::new(incoming, limits, driver).boxed_unsync());
        Ok((response, Box::new(std::future::ready(Ok(())))))
    }
}

#[cfg(test)]
mod tests;

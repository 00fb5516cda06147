//! Outbound HTTP: who may reach what.
//!
//! Names are resolved here, the addresses are judged here, and the connection
//! is made to the very address that was judged, so that a resolver that answers
//! differently the second time gains nothing. A component that was granted
//! nothing reaches nothing, and what one is answered has an end, in bytes and in
//! time, whatever the component itself puts up with.

mod body;
mod connect;
mod counted;
mod issuer_cache;
mod reach;
pub mod resolver;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::address::is_public;
use concept_refinement_domain::issuer_keys::MAX_BYTES;
use concept_refinement_domain::original::AllowedSources;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::time::{Instant, timeout, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use counted::{Allowance, Counted};
use issuer_cache::IssuerCache;
use resolver::Resolver;

use crate::metrics::Metrics;

/// A guest that names no limits gets these.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

/// What an answer may take beyond the limit of who asked for it.
const SLACK: Duration = Duration::from_secs(5);

/// What may come before an answer's body, in bytes.
const MAX_HEAD: u64 = 1 << 20;

/// What a connection may buffer each way, in bytes; so long may the head of an
/// answer be. With a thousand tasks in flight there are as many connections.
const MAX_BUFFER: usize = 32 * 1024;

/// As good as no limit, and no more than a clock can count.
const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// What one component may reach.
#[derive(Clone, Debug, Default)]
pub enum Grant {
    #[default]
    Nothing,
    /// Public addresses, what the operator allows besides, and, for what a
    /// model answered with, the origin of its provider.
    Public {
        allowed: AllowedSources,
        provider: Option<Origin>,
    },
    /// One origin, wherever it is: the operator named it.
    Origin(Origin),
}

/// A scheme, a host in lower case and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
}

/// What one answer may take, at most, where the component does not say less.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Of its body: by default more than an original or a model's answer may
    /// have, in base64 too.
    pub bytes: u64,
    /// From the request to its last byte.
    pub time: Duration,
}

impl Bounds {
    /// For a component that has so long by itself, and better words for it when
    /// that is over.
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

/// How others are found, and trusted.
#[derive(Clone)]
pub struct Network {
    tls: Arc<rustls::ClientConfig>,
    resolver: Arc<dyn Resolver>,
    metrics: Option<Arc<Metrics>>,
}

/// The hooks of one store.
#[derive(Clone)]
pub struct Egress {
    grant: Arc<Grant>,
    bounds: Bounds,
    network: Network,
    issuer: Option<Arc<IssuerCache>>,
}

type Sent = Result<
    (
        http::Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

impl Egress {
    /// Within the default bounds.
    pub fn new(grant: Grant, network: &Network) -> Self {
        Self {
            grant: Arc::new(grant),
            bounds: Bounds::default(),
            network: network.clone(),
            issuer: None,
        }
    }

    pub fn within(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Caches the key set at this URL for all that this is cloned for.
    pub fn caching(self, url: url::Url) -> Self {
        let issuer = Some(Arc::new(IssuerCache::new(url)));
        Self { issuer, ..self }
    }
}

impl Network {
    pub fn new(resolver: Arc<dyn Resolver>) -> Result<Self, rustls::Error> {
        let tls = tls()?;
        Ok(Self {
            tls,
            resolver,
            metrics: None,
        })
    }

    /// Tells these what was refused.
    pub fn measured(self, metrics: Option<Arc<Metrics>>) -> Self {
        Self { metrics, ..self }
    }
}

/// TLS by the public certificate authorities.
fn tls() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

impl Origin {
    /// None: not an http or https URL.
    pub fn of_url(url: &url::Url) -> Option<Self> {
        Self::of(&url.as_str().parse().ok()?)
    }

    /// None: not an http or https address.
    pub fn of(uri: &http::Uri) -> Option<Self> {
        let scheme = uri.scheme()?.clone();
        let port = match (uri.port_u16(), &scheme) {
            (Some(port), _) => port,
            (None, scheme) if *scheme == Scheme::HTTPS => 443,
            (None, scheme) if *scheme == Scheme::HTTP => 80,
            (None, _) => return None,
        };
        let host = uri.host()?.to_ascii_lowercase();
        Some(Self { scheme, host, port })
    }
}

impl Grant {
    /// Whether the origin may be asked for at all, and if so, which of the
    /// addresses behind its name may be connected to.
    fn permits(&self, origin: &Origin, purpose: Purpose) -> Option<impl Fn(IpAddr) -> bool> {
        let judge = match self {
            Self::Nothing => None,
            Self::Origin(granted) => (granted == origin).then_some(Judge::Any),
            Self::Public { allowed, provider } => {
                let anywhere = (purpose == Purpose::ModelAnswer
                    && provider.as_ref() == Some(origin))
                    || allowed.allows_host(&origin.host, origin.port);
                Some(if anywhere {
                    Judge::Any
                } else {
                    Judge::PublicOr(allowed, origin.port)
                })
            }
        }?;
        Some(move |address| match &judge {
            Judge::Any => true,
            Judge::PublicOr(allowed, port) => {
                is_public(address) || allowed.allows_address(address, *port)
            }
        })
    }
}

/// What a request is for, as the component says in a header that stays here.
/// Only a component that is trusted with public addresses is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Any,
    /// To fetch what the model answered with.
    ModelAnswer,
}

impl Purpose {
    const HEADER: &str = "concept-refinement-purpose";

    /// Takes the header out of the request.
    fn taken_from(headers: &mut http::HeaderMap) -> Self {
        match headers.remove(Self::HEADER) {
            Some(value) if value == "model-answer" => Self::ModelAnswer,
            Some(_) | None => Self::Any,
        }
    }
}

enum Judge<'a> {
    Any,
    PublicOr(&'a AllowedSources, u16),
}

impl WasiHttpHooks for Egress {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let egress = self.clone();
        Box::new(async move {
            match &egress.issuer {
                Some(cache) if cache.is_of(&request) => {
                    let request = request.map(|_| WasiBody::default());
                    let fetch = fetch_keys(egress.clone(), request, options);
                    let response = cache.answer(fetch).await?;
                    Ok((response, done()))
                }
                Some(_) | None => send(&egress, request, options).await,
            }
        })
    }
}

/// Asks the issuer itself, on behalf of all that wait.
async fn fetch_keys(
    egress: Egress,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> issuer_cache::Answer {
    let bounds = Bounds {
        bytes: egress.bounds.bytes.min(MAX_BYTES as u64),
        ..egress.bounds
    };
    let (response, _) = send(&egress.within(bounds), request, options).await?;
    Ok(response)
}

fn done() -> Box<dyn Future<Output = Result<(), Error>> + Send> {
    Box::new(std::future::ready(Ok(())))
}

async fn send(
    egress: &Egress,
    request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Sent {
    let now = Instant::now();
    let end = now.checked_add(egress.bounds.time.min(YEAR)).unwrap_or(now);
    let sent = timeout_at(end, exchange(egress, request, options, end))
        .await
        .unwrap_or(Err(Error::HttpResponseTimeout));
    if let (Err(error), Some(metrics)) = (&sent, &egress.network.metrics) {
        metrics.egress.failed(error);
    }
    sent
}

async fn exchange(
    egress: &Egress,
    mut request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
    end: Instant,
) -> Sent {
    let origin = Origin::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    let purpose = Purpose::taken_from(request.headers_mut());
    let limit = |chosen: fn(&RequestOptions) -> Option<Duration>, default| {
        options.as_ref().and_then(chosen).unwrap_or(default)
    };
    let connect_limit = limit(|options| options.connect_timeout, CONNECT_TIMEOUT);
    let first_byte = limit(|options| options.first_byte_timeout, SILENCE_TIMEOUT);
    let between_bytes = limit(|options| options.between_bytes_timeout, SILENCE_TIMEOUT);

    let allowance = Allowance::new(MAX_HEAD);
    let connecting = async {
        let stream = {
            let permitted = egress
                .grant
                .permits(&origin, purpose)
                .ok_or(Error::HttpRequestDenied)?;
            let resolver = &*egress.network.resolver;
            connect::connect(resolver, &origin.host, origin.port, permitted).await?
        };
        let io = if origin.scheme == Scheme::HTTPS {
            let name = ServerName::try_from(connect::unbracketed(&origin.host).to_owned())
                .map_err(|_| Error::HttpRequestUriInvalid)?;
            let tls = tokio_rustls::TlsConnector::from(Arc::clone(&egress.network.tls));
            connect::Io::Tls(Box::new(
                tls.connect(name, stream).await.map_err(Error::Tls)?,
            ))
        } else {
            connect::Io::Plain(stream)
        };
        let allowance = allowance.clone();
        let io = TokioIo::new(Counted { io, allowance });
        let mut http = hyper::client::conn::http1::Builder::new();
        Ok::<_, Error>(http.max_buf_size(MAX_BUFFER).handshake(io).await?)
    };
    // Boxed: what a handshake needs is not to be held until there is an answer.
    let (mut sender, connection) = timeout(connect_limit, Box::pin(connecting))
        .await
        .map_err(|_| Error::ConnectionTimeout)??;

    // Over HTTP/1.1 the authority travels in the Host header.
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
    // Chunks take something, too.
    allowance.set(egress.bounds.bytes.saturating_add(MAX_HEAD));
    let patience = body::Patience {
        silence: between_bytes,
        end,
        most: egress.bounds.bytes,
    };
    let response =
        response.map(|incoming| body::Watched::new(incoming, patience, driver).boxed_unsync());
    Ok((response, done()))
}

#[cfg(test)]
mod tests;

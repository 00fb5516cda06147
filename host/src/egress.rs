//! Outbound HTTP: who may reach what.
//!
//! Names are resolved here, the addresses are judged here, and the connection
//! is made to the very address that was judged, so that a resolver that answers
//! differently the second time gains nothing. A component that was granted
//! nothing reaches nothing.

mod body;
mod connect;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::address::is_public;
use concept_refinement_domain::original::AllowedSources;
use http::uri::Scheme;
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

/// A guest that names no limits gets these.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);

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

/// The hooks of one store.
#[derive(Clone)]
pub struct Egress {
    grant: Arc<Grant>,
    tls: Arc<rustls::ClientConfig>,
}

type Sent = Result<
    (
        http::Response<WasiBody>,
        Box<dyn Future<Output = Result<(), Error>> + Send>,
    ),
    Error,
>;

impl Egress {
    pub fn new(grant: Grant, tls: Arc<rustls::ClientConfig>) -> Self {
        Self {
            grant: Arc::new(grant),
            tls,
        }
    }
}

/// TLS by the public certificate authorities.
pub fn tls() -> Result<Arc<rustls::ClientConfig>, rustls::Error> {
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
        Box::new(async move { send(&egress, request, options).await })
    }
}

async fn send(
    egress: &Egress,
    mut request: http::Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Sent {
    let origin = Origin::of(request.uri()).ok_or(Error::HttpRequestUriInvalid)?;
    let purpose = Purpose::taken_from(request.headers_mut());
    let limit = |chosen: fn(&RequestOptions) -> Option<Duration>, default| {
        options.as_ref().and_then(chosen).unwrap_or(default)
    };
    let connect_limit = limit(|options| options.connect_timeout, CONNECT_TIMEOUT);
    let first_byte = limit(|options| options.first_byte_timeout, SILENCE_TIMEOUT);
    let between_bytes = limit(|options| options.between_bytes_timeout, SILENCE_TIMEOUT);

    let connecting = async {
        let stream = {
            let permitted = egress
                .grant
                .permits(&origin, purpose)
                .ok_or(Error::HttpRequestDenied)?;
            connect::connect(&origin.host, origin.port, permitted).await?
        };
        let io = if origin.scheme == Scheme::HTTPS {
            let name = ServerName::try_from(connect::unbracketed(&origin.host).to_owned())
                .map_err(|_| Error::HttpRequestUriInvalid)?;
            let tls = tokio_rustls::TlsConnector::from(Arc::clone(&egress.tls));
            connect::Io::Tls(Box::new(
                tls.connect(name, stream).await.map_err(Error::Tls)?,
            ))
        } else {
            connect::Io::Plain(stream)
        };
        Ok::<_, Error>(hyper::client::conn::http1::handshake(TokioIo::new(io)).await?)
    };
    let (mut sender, connection) = timeout(connect_limit, connecting)
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
    let response =
        response.map(|incoming| body::Watched::new(incoming, between_bytes, driver).boxed_unsync());
    Ok((response, Box::new(std::future::ready(Ok(())))))
}

#[cfg(test)]
mod tests;

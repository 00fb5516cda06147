//! Requests of commands to services, each on a connection of its own.

use std::error::Error;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_capability::tls;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::task::AbortOnDropHandle;
use url::Url;

use crate::config::Config;

/// A connection, whatever is below it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A service that runs elsewhere.
pub struct Server {
    pub url: Url,
    /// None: by HTTP without TLS.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// There is not even its beginning.
    #[error(transparent)]
    Connection(hyper::Error),
    /// It broke off, or is too long.
    #[error(transparent)]
    Answer(Box<dyn Error + Send + Sync>),
}

impl Server {
    /// Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// The authorities to trust cannot be used.
    pub fn new(url: Url, config: &Config) -> anyhow::Result<Self> {
        let tls = match url.scheme() {
            "https" => Some(Arc::new(tls::client(&config.trust)?)),
            _ => None,
        };
        Ok(Self { url, tls })
    }

    /// # Errors
    ///
    /// Why it cannot be reached.
    pub async fn connect(&self) -> Result<Box<dyn Stream>, String> {
        let connected = self.connected().await;
        connected.map_err(|error| tls::refusal(&error).unwrap_or_else(|| error.to_string()))
    }

    async fn connected(&self) -> io::Result<Box<dyn Stream>> {
        let host = self.url.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let port = self.url.port_or_known_default().unwrap_or_default();
        let stream = TcpStream::connect((host, port)).await?;
        let Some(config) = &self.tls else {
            return Ok(Box::new(stream));
        };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let connector = TlsConnector::from(Arc::clone(config));
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

/// Sends a request, and reads its answer of at most `limit` bytes.
pub async fn exchange(
    stream: impl Stream + 'static,
    request: Request<Full<Bytes>>,
    limit: usize,
) -> Result<Response<Bytes>, Broken> {
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(Broken::Connection)?;
    let _driver = AbortOnDropHandle::new(tokio::spawn(connection));
    let answer = sender.send_request(request).await;
    let (head, body) = answer.map_err(Broken::Connection)?.into_parts();
    let body = Limited::new(body, limit).collect().await;
    let body = body.map_err(Broken::Answer)?.to_bytes();
    Ok(Response::from_parts(head, body))
}

//! Connections of commands to a service that runs elsewhere.

use std::io;
use std::sync::Arc;

use concept_refinement_capability::tls;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::Url;

use crate::config::Config;

/// A connection, whatever is below it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// What a connection to this URL needs for TLS. None: it is plain HTTP.
///
/// # Errors
///
/// The authorities to trust cannot be used.
pub fn client_config(url: &Url, config: &Config) -> anyhow::Result<Option<Arc<ClientConfig>>> {
    match url.scheme() {
        "https" => Ok(Some(Arc::new(tls::client(&config.trust)?))),
        _ => Ok(None),
    }
}

/// Connects to the host of a URL. `tls`: None is HTTP without TLS.
pub async fn connect(url: &Url, tls: Option<&Arc<ClientConfig>>) -> io::Result<Box<dyn Stream>> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or_default();
    let stream = TcpStream::connect((host, port)).await?;
    let Some(config) = tls else {
        return Ok(Box::new(stream));
    };
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::clone(config));
    Ok(Box::new(connector.connect(name, stream).await?))
}

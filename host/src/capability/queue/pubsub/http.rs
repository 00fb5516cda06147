//! HTTP/1.1 to one origin, over connections that are used again.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::Url;

use super::fault::Fault;
use crate::tls::{self, Trust};

/// Most bytes of an answer: a pull brings at most some hundred messages.
const MAX_ANSWER: usize = 64 << 20;

/// Connections that wait to be used again.
const MAX_IDLE: usize = 16;

type Sender = SendRequest<Full<Bytes>>;

pub(super) struct Client {
    host: String,
    port: u16,
    authority: HeaderValue,
    /// None: without TLS.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Vec<Sender>>,
}

impl Client {
    /// For the origin of a URL.
    pub(super) fn new(url: &Url, trust: &Trust) -> Result<Self, Fault> {
        let unusable = |reason: &str| Fault::Connection(reason.to_owned());
        let host = url.host_str().ok_or_else(|| unusable("it has no host"))?;
        let port = url.port_or_known_default();
        let port = port.ok_or_else(|| unusable("it has no port"))?;
        let authority = format!("{host}:{port}");
        let plain = host.trim_start_matches('[').trim_end_matches(']');
        let tls = match url.scheme() {
            "https" => {
                let name = ServerName::try_from(plain.to_owned());
                let name = name.map_err(|error| unusable(&error.to_string()))?;
                Some((connector(trust)?, name))
            }
            _ => None,
        };
        Ok(Self {
            authority: HeaderValue::try_from(&authority)
                .map_err(|_| unusable("its host cannot be sent"))?,
            host: plain.to_owned(),
            port,
            tls,
            idle: Mutex::default(),
        })
    }

    /// Sends a request and reads its answer. A request that took too long is
    /// given up with its connection.
    pub(super) async fn send(
        &self,
        mut request: Request<Bytes>,
        deadline: Duration,
    ) -> Result<Response<Bytes>, Fault> {
        let headers = request.headers_mut();
        headers.insert(header::HOST, self.authority.clone());
        let sent = timeout(deadline, self.exchange(request));
        sent.await.unwrap_or(Err(Fault::Silent))
    }

    async fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Fault> {
        // The other side may close an idle connection at any time, so a request
        // over one that is used again is made once more. What is asked here may
        // be asked twice.
        while let Some(sender) = self.take_idle() {
            if !sender.is_closed()
                && let Ok(answer) = self.over(sender, request.clone()).await
            {
                return Ok(answer);
            }
        }
        let sender = self.connect().await?;
        self.over(sender, request).await
    }

    async fn over(
        &self,
        mut sender: Sender,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, Fault> {
        let broken = |error: hyper::Error| Fault::Connection(error.to_string());
        sender.ready().await.map_err(broken)?;
        let answer = sender.send_request(request.map(Full::new)).await;
        let (head, body) = answer.map_err(broken)?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| Fault::Connection(error.to_string()))?;
        self.put_idle(sender);
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    async fn connect(&self) -> Result<Sender, Fault> {
        let failed = |error: io::Error| Fault::Connection(error.to_string());
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await;
        let stream = stream.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        match &self.tls {
            Some((tls, name)) => {
                let agreed = tls.connect(name.clone(), stream).await;
                handshake(agreed.map_err(disagreed)?).await
            }
            None => handshake(stream).await,
        }
    }

    /// Throws all connections away that wait to be used again.
    pub(super) fn forget(&self) {
        self.idle.lock().clear();
    }

    fn take_idle(&self) -> Option<Sender> {
        self.idle.lock().pop()
    }

    fn put_idle(&self, sender: Sender) {
        let mut idle = self.idle.lock();
        if idle.len() < MAX_IDLE {
            idle.push(sender);
        }
    }
}

async fn handshake<S>(stream: S) -> Result<Sender, Fault>
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
{
    let made = http1::handshake(TokioIo::new(stream)).await;
    let (sender, connection) = made.map_err(|error| Fault::Connection(error.to_string()))?;
    // It ends with its sender.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection to Pub/Sub ended early");
        }
    });
    Ok(sender)
}

fn disagreed(error: io::Error) -> Fault {
    match tls::refusal(&error) {
        Some(reason) => Fault::Untrusted(reason),
        None => Fault::Connection(error.to_string()),
    }
}

fn connector(trust: &Trust) -> Result<TlsConnector, Fault> {
    let config = tls::client(trust);
    let config = config.map_err(|error| Fault::Connection(error.to_string()))?;
    Ok(TlsConnector::from(Arc::new(config)))
}

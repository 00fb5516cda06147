//! HTTP/1.1 over reused connections.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::tls::{self, Trust};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use parking_lot::Mutex;
use rustls::ClientConfig;

use super::fault::Fault;

/// Largest response, in bytes: a pull returns at most some hundred messages.
const MAX_ANSWER: usize = 64 << 20;

/// Timeout to connect, including TLS, divided between the addresses of a name. A call may
/// have a shorter one.
const CONNECT: Duration = Duration::from_secs(20);

/// How long idle connections are kept: less than by most servers.
const IDLE: Duration = Duration::from_secs(25);

/// Most idle connections.
const MAX_IDLE: usize = 16;

pub(super) struct Client {
    tls: ClientConfig,
    /// The client with its connection pool.
    http: Mutex<reqwest::Client>,
}

impl Client {
    pub(super) fn new(trust: &Trust) -> Result<Self, Fault> {
        let tls = tls::client(trust);
        let tls = tls.map_err(|error| Fault::Connection(error.to_string()))?;
        Ok(Self {
            http: Mutex::new(client(&tls)?),
            tls,
        })
    }

    /// Sends a request and reads its response. Dropping the future closes the connection.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Fault> {
        let http = self.http.lock().clone();
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let again = request.try_clone();
        let answer = match (http.execute(request).await, again) {
            // The server may have closed an idle connection. Every request here may
            // safely be sent twice.
            (Err(error), Some(again)) if !error.is_connect() => http.execute(again).await,
            (answer, _) => answer,
        };
        let answer = answer.map_err(failed)?;
        let (head, body) = Response::from(answer).into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| Fault::Connection(cause(&*error)))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    /// Closes all idle connections.
    pub(super) fn forget(&self) {
        if let Ok(other) = client(&self.tls) {
            *self.http.lock() = other;
        }
    }
}

fn client(tls: &ClientConfig) -> Result<reqwest::Client, Fault> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .http1_only()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(MAX_IDLE)
        .build()
        .map_err(failed)
}

fn failed(error: reqwest::Error) -> Fault {
    if let Some(reason) = tls::refusal(&error) {
        return Fault::Untrusted(reason);
    }
    Fault::Connection(cause(&error))
}

/// The innermost cause: the error itself only says that a request failed.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

//! HTTP/1.1, over connections that are used again.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::tls::{self, Trust};
use http::{Request, Response};
use http_body_util::{BodyExt as _, Limited};
use parking_lot::Mutex;
use rustls::ClientConfig;

use super::fault::Fault;

/// Most bytes of an answer: a pull brings at most some hundred messages.
const MAX_ANSWER: usize = 64 << 20;

/// For a connection, TLS included; each address of a name gets its share of it. A call
/// may have less time.
const CONNECT: Duration = Duration::from_secs(20);

/// Of connections that nobody uses: less than most servers keep them.
const IDLE: Duration = Duration::from_secs(25);

/// Connections that wait to be used again.
const MAX_IDLE: usize = 16;

pub(super) struct Client {
    tls: ClientConfig,
    /// With its connections.
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

    /// Sends a request and reads its answer. A request that is dropped is given up with
    /// its connection.
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Fault> {
        let http = self.http.lock().clone();
        let request = reqwest::Request::try_from(request).map_err(failed)?;
        let again = request.try_clone();
        let answer = match (http.execute(request).await, again) {
            // The server may have ended a connection that waited. What is asked here
            // may be asked twice.
            (Err(error), Some(again)) if !error.is_connect() => http.execute(again).await,
            (answer, _) => answer,
        };
        let answer = answer.map_err(failed)?;
        let (head, body) = Response::from(answer).into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await;
        let body = body.map_err(|error| Fault::Connection(cause(&*error)))?;
        Ok(Response::from_parts(head, body.to_bytes()))
    }

    /// Throws all connections away that wait to be used again.
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

/// What it says of itself is only that a request failed.
fn cause(error: &(dyn Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

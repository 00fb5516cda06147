//! What clients are told while the service cannot begin, since a store that it
//! stands on cannot be reached: that it lives, and that it cannot be used.
//!
//! It must never touch a store, and never cost more than a few connections.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use wasmtime_wasi_http::WasiBody;

use super::ACCEPT_RETRY;
use super::dispatch::MAX_HEADERS;
use super::refusal::{Refusal, answer as json_answer};

/// Most connections at once; others wait.
const CONNECTIONS: usize = 64;

/// How long a connection may last.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers whoever connects until the future completes. Connections that are
/// open then are closed. `model`: its name, since it has not described itself yet.
pub async fn answer_until<T>(
    listener: &TcpListener,
    model: &Arc<str>,
    until: impl Future<Output = T>,
) -> T {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let answering = async {
        let mut open = JoinSet::new();
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let model = Arc::clone(model);
                    open.spawn(async move {
                        // Who breaks off is told nothing.
                        let _ = timeout(TIMEOUT, answer(stream, &model)).await;
                        drop(place);
                    });
                }
                Err(_) => sleep(ACCEPT_RETRY).await,
            }
            while open.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        biased;
        done = until => done,
        () = answering => std::future::pending().await,
    }
}

async fn answer(stream: TcpStream, model: &str) -> hyper::Result<()> {
    let service = service_fn(|request| ready(Ok::<_, Infallible>(response(&request, model))));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(TIMEOUT)
        .max_buf_size(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await
}

fn response(request: &Request<Incoming>, model: &str) -> Response<WasiBody> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    match request.uri().path() {
        "/api/health" if is_read => {
            let health = serde_json::json!({
                "status": "healthy",
                "version": env!("CARGO_PKG_VERSION"),
                "model": model,
            });
            json_answer(StatusCode::OK, &health)
        }
        "/api/health/ready" if is_read => {
            let unknown = "It is not known before the tasks can be reached.";
            let readiness = serde_json::json!({
                "status": "degraded",
                "capabilities": {
                    "tasks": "They cannot be reached.",
                    "queue": unknown,
                    "images": unknown,
                    "model": unknown,
                },
            });
            json_answer(StatusCode::SERVICE_UNAVAILABLE, &readiness)
        }
        _ => Refusal::StoreAway.into(),
    }
}

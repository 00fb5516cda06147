//! Serves `GET /metrics`, and nothing else, on its own listener. Everyone who
//! can connect to that address may read it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_capability::log_throttled;
use concept_refinement_runtime::ingress::http::{Connection, Connections};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::format::Format;
use super::scrape::Scrape;
use crate::few_connections::accept;

/// Most connections at a time.
const CONNECTIONS: usize = 16;

/// Timeouts for the request's head and for the whole connection.
const HEADERS: Duration = Duration::from_secs(5);
const CONNECTION: Duration = Duration::from_secs(15);

/// Largest request head, in bytes.
const MAX_HEADERS: usize = 8 * 1024;

/// Serves until it is dropped.
pub async fn serve(listener: TcpListener, scrape: Arc<Scrape>) {
    let serve = |stream, place| connection(stream, place, Arc::clone(&scrape));
    accept(listener, Connections::new(CONNECTIONS), "a scraper", serve).await;
}

/// One request per connection; scrapers come only a few times a minute.
async fn connection(stream: TcpStream, place: Arc<Connection>, scrape: Arc<Scrape>) {
    let service = service_fn(move |request| {
        let (scrape, busy) = (Arc::clone(&scrape), place.busy());
        async move {
            let answer = answer(&scrape, &request).await;
            drop(busy);
            Ok::<_, Infallible>(answer)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(MAX_HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    match timeout(CONNECTION, serving).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "a scrape ended early"),
        Err(_) => tracing::debug!("a scrape took too long"),
    }
}

async fn answer(scrape: &Scrape, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "There is only /metrics here.\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED, "Only GET is answered.\n");
        let allow = HeaderValue::from_static("GET, HEAD");
        refusal.headers_mut().insert(header::ALLOW, allow);
        return refusal;
    }
    match scrape.text().await {
        Ok(text) => {
            let format = Format::accepted(request.headers());
            let text = format.written(text);
            with(StatusCode::OK, format.media_type(), text.into())
        }
        Err(error) => {
            log_throttled!(error, "the metrics could not be written", %error);
            plain(StatusCode::INTERNAL_SERVER_ERROR, "")
        }
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let text = Bytes::from_static(text.as_bytes());
    with(status, "text/plain; charset=utf-8", text)
}

fn with(status: StatusCode, format: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

//! A web site of a client: it serves its page and passes `/api/` on to the
//! service, so that both have one origin. It remembers what went through.

use std::convert::Infallible;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use concept_refinement_tests::client::http;
use concept_refinement_tests::deadline::eventually;
use concept_refinement_tests::server::SERVERS;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;

pub struct Site {
    address: SocketAddr,
    inside: Arc<Inside>,
}

struct Inside {
    page: String,
    service: String,
    http: reqwest::Client,
    passed_on: Mutex<Vec<PassedOn>>,
    messages: Mutex<Vec<(String, Value)>>,
}

/// A request that was passed on to the service, and how it was answered.
#[derive(Clone, Debug)]
pub struct PassedOn {
    pub path: String,
    pub headers: HeaderMap,
    pub status: u16,
}

impl Site {
    pub fn start(service: &str, page: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let http = http().no_proxy();
        let http = http.redirect(reqwest::redirect::Policy::none());
        let inside = Arc::new(Inside {
            page,
            service: service.to_owned(),
            http: http.build().unwrap(),
            passed_on: Mutex::default(),
            messages: Mutex::default(),
        });
        SERVERS.spawn(serve(listener, Arc::clone(&inside)));
        Self { address, inside }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// What the page posts to a path of the site's own.
    pub async fn message(&self, path: &str) -> Value {
        eventually(
            &format!("the page posts {path}"),
            Duration::MAX,
            async || {
                let messages = self.inside.messages.lock().unwrap();
                let message = messages.iter().find(|(posted, _)| posted == path);
                message.map(|(_, body)| body.clone())
            },
        )
        .await
    }

    /// The requests that were passed on, below a path.
    pub fn requests(&self, path: &str) -> Vec<PassedOn> {
        let passed_on = self.inside.passed_on.lock().unwrap();
        let below = passed_on
            .iter()
            .filter(|request| request.path.starts_with(path));
        below.cloned().collect()
    }
}

async fn serve(listener: TcpListener, inside: Arc<Inside>) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((stream, _)) = listener.accept().await {
        let inside = Arc::clone(&inside);
        tokio::spawn(async move {
            let answer = service_fn(|request| answer(request, Arc::clone(&inside)));
            let connection = hyper::server::conn::http1::Builder::new();
            // The browser may leave whenever it likes.
            let _ = connection
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    inside: Arc<Inside>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes());
    let body = body.unwrap_or_default();
    let path = parts.uri.path().to_owned();
    let mut response = if path.starts_with("/api/") {
        let target = parts
            .uri
            .path_and_query()
            .map_or("", |target| target.as_str());
        let url = format!("{}{target}", inside.service);
        // The Host header goes along, so that the service knows the origin.
        let sent = inside.http.request(parts.method, url);
        let sent = sent.headers(parts.headers.clone()).body(body);
        let received = sent.send().await.unwrap();
        let status = received.status();
        inside.passed_on.lock().unwrap().push(PassedOn {
            path,
            headers: parts.headers,
            status: status.as_u16(),
        });
        let headers = received.headers().clone();
        let mut response = Response::new(Full::new(received.bytes().await.unwrap()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response
    } else if parts.method == "POST" {
        let message = serde_json::from_slice(&body).unwrap();
        inside.messages.lock().unwrap().push((path, message));
        Response::new(Full::default())
    } else {
        let mut page = Response::new(Full::from(inside.page.clone()));
        let html = "text/html; charset=utf-8".parse().unwrap();
        page.headers_mut().insert(CONTENT_TYPE, html);
        page
    };
    // They belong to one connection.
    for name in [CONNECTION, TRANSFER_ENCODING, CONTENT_LENGTH] {
        response.headers_mut().remove(name);
    }
    Ok(response)
}

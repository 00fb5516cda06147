//! Requests over kept-alive connections, as many as there can be.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

pub type Asked = Request<Full<Bytes>>;

pub struct Connection(SendRequest<Full<Bytes>>);

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub async fn send(&mut self, request: Asked) -> (StatusCode, Bytes) {
        self.0.ready().await.unwrap();
        let response = self.0.send_request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap();
        (status, body.to_bytes())
    }
}

/// Connections that are used at once.
pub struct Connections(Vec<Connection>);

impl Connections {
    pub async fn open(address: SocketAddr, count: usize) -> Self {
        Self(join_all((0..count).map(|_| Connection::open(address))).await)
    }

    /// Sends all of them, the next as soon as a connection is free; how long
    /// that takes, and the bodies.
    pub async fn send(
        &mut self,
        requests: Vec<Asked>,
        expected: StatusCode,
    ) -> (Duration, Vec<Bytes>) {
        let requests = Mutex::new(requests.into_iter());
        let next = || requests.lock().unwrap().next();
        let begin = Instant::now();
        let sending = self.0.iter_mut().map(async |connection| {
            let mut bodies = Vec::new();
            while let Some(request) = next() {
                let (status, body) = connection.send(request).await;
                assert_eq!(status, expected, "{body:?}");
                bodies.push(body);
            }
            bodies
        });
        let bodies = join_all(sending).await.concat();
        (begin.elapsed(), bodies)
    }
}

pub fn get(host: &str, path: &str, token: &str) -> Asked {
    authorized(host, token)
        .uri(path)
        .body(Full::default())
        .unwrap()
}

pub fn post(host: &str, path: &str, token: &str, json: &Bytes) -> Asked {
    authorized(host, token)
        .method("POST")
        .uri(path)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(json.clone()))
        .unwrap()
}

fn authorized(host: &str, token: &str) -> hyper::http::request::Builder {
    Request::builder()
        .header(header::HOST, host)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
}

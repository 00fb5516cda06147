use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use concept_refinement_domain::purpose::HEADER;
use http::Method;
use http_body_util::{BodyExt as _, Empty};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::{advance, pause, resume, timeout};
use wasmtime_wasi_http::{Error, WasiBody};

use super::*;
use crate::egress::client::Client;
use crate::egress::grant::Grant;
use crate::egress::network::Network;
use crate::egress::resolver;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const LAST: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";

/// A server that gives these answers on each connection, and closes it when one
/// request more comes.
struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Server {
    async fn start(answers: &'static [&'static [u8]]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, open) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (count, present) = (Arc::clone(&connections), Arc::clone(&open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                present.fetch_add(1, Ordering::Relaxed);
                let present = Arc::clone(&present);
                tokio::spawn(async move {
                    answer(stream, answers).await;
                    present.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self {
            address,
            connections,
            open,
        }
    }

    /// The outbound HTTP of a component that may ask this.
    fn client(&self) -> Client {
        let network = Network::new(resolver::system()).unwrap();
        Client::new(Grant::Origin(self.origin()), &network)
    }

    fn origin(&self) -> Origin {
        Origin::of(&self.url().parse().unwrap()).unwrap()
    }

    fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    async fn is_left(&self) {
        let left = async {
            while self.open.load(Ordering::Relaxed) > 0 {
                yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), left).await.unwrap();
    }

    async fn send(
        &self,
        client: &Client,
        method: Method,
        purpose: &str,
    ) -> Result<http::Response<WasiBody>, Error> {
        let request = http::Request::builder()
            .method(method)
            .uri(self.url())
            .header("host", self.address.to_string())
            .header(HEADER, purpose)
            .body(Empty::new().map_err(|never| match never {}).boxed_unsync())
            .unwrap();
        let (response, _) = client.send(request, None).await?;
        Ok(response)
    }

    /// Reads the answer to its end.
    async fn ask(&self, client: &Client, method: Method, purpose: &str) -> Result<(), Error> {
        let response = self.send(client, method, purpose).await?;
        let body = response.into_body().collect().await?;
        assert_eq!(body.to_bytes(), "ok");
        Ok(())
    }

    async fn get(&self, client: &Client) {
        self.ask(client, Method::GET, "").await.unwrap();
    }
}

async fn answer(mut stream: TcpStream, answers: &[&[u8]]) {
    let mut request = [0; 4096];
    for answer in answers {
        match stream.read(&mut request).await {
            Ok(1..) => stream.write_all(answer).await.unwrap(),
            _ => return,
        }
    }
    let _ = stream.read(&mut request).await;
}

#[tokio::test]
async fn what_is_asked_one_after_the_other_is_asked_on_one_connection() {
    let server = Server::start(&[OK; 9]).await;
    let client = server.client();
    for method in [Method::GET, Method::POST, Method::GET] {
        server.ask(&client, method, "").await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_is_asked_at_once_is_asked_on_connections_of_its_own() {
    let server = Server::start(&[OK; 9]).await;
    let client = server.client();
    let first = server.send(&client, Method::GET, "").await.unwrap();
    server.get(&client).await;
    assert_eq!(server.connections(), 2);
    drop(first);
    server.get(&client).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn an_answer_that_is_not_read_to_its_end_closes_its_connection() {
    let server = Server::start(&[OK; 9]).await;
    let client = server.client();
    drop(server.send(&client, Method::GET, "").await.unwrap());
    server.is_left().await;
    server.get(&client).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn each_component_and_each_purpose_has_connections_of_its_own() {
    let server = Server::start(&[OK; 9]).await;
    let (first, second) = (server.client(), server.client());
    for _ in 0..2 {
        for (client, purpose) in [(&first, ""), (&first, "model"), (&second, "")] {
            server.ask(client, Method::GET, purpose).await.unwrap();
        }
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn an_address_that_is_not_permitted_any_more_is_left() {
    let server = Server::start(&[OK; 9]).await;
    let (pool, client) = (Pool::default(), server.client());
    let client = client.with_pool(pool.clone());
    server.get(&client).await;
    let key = Key::new(server.origin(), Purpose::Original);
    assert!(pool.take(&key, |_| false).is_none());
    server.is_left().await;
}

#[tokio::test]
async fn a_server_that_says_so_is_asked_on_a_new_connection() {
    let server = Server::start(&[OK, LAST, OK]).await;
    let client = server.client();
    for expected in [1, 1, 2] {
        server.get(&client).await;
        assert_eq!(server.connections(), expected);
    }
}

#[tokio::test]
async fn only_what_does_no_harm_is_repeated_when_a_server_closes_as_it_is_asked() {
    let server = Server::start(&[OK]).await;
    let client = server.client();
    for expected in [1, 2, 3] {
        server.get(&client).await;
        assert_eq!(server.connections(), expected);
    }
    let refused = server.ask(&client, Method::POST, "").await;
    assert!(refused.is_err());
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_connection_that_waits_for_too_long_is_closed() {
    let server = Server::start(&[OK; 9]).await;
    let client = server.client();
    server.get(&client).await;
    // The task that closes it has to sleep by now.
    yield_now().await;
    pause();
    advance(IDLE_TIMEOUT).await;
    resume();
    server.is_left().await;
}

#[tokio::test]
async fn a_connection_is_used_no_longer_than_a_minute() {
    let server = Server::start(&[OK; 90]).await;
    let client = server.client();
    let step = IDLE_TIMEOUT / 2;
    let mut passed = Duration::ZERO;
    while passed < MAX_AGE {
        server.get(&client).await;
        assert_eq!(server.connections(), 1, "after {passed:?}");
        pause();
        advance(step).await;
        resume();
        passed += step;
    }
    server.get(&client).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn no_more_than_so_many_wait() {
    let server = Server::start(&[OK; 9]).await;
    let client = server.client();
    let mut answers = Vec::new();
    for _ in 0..CAPACITY + 3 {
        answers.push(server.send(&client, Method::GET, "").await.unwrap());
    }
    for answer in answers {
        answer.into_body().collect().await.unwrap();
    }
    let left = async {
        while server.open.load(Ordering::Relaxed) != CAPACITY {
            yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), left).await.unwrap();
}

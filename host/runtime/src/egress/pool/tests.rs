use bytes::Bytes;
use concept_refinement_capability::tls::Trust;
use concept_refinement_domain::purpose::HEADER;
use http::Method;
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::task::yield_now;
use tokio::time::{advance, pause, resume};
use wasmtime_wasi_http::{Error, WasiBody};

use super::*;
use crate::egress::client::Client;
use crate::egress::grant::Grant;
use crate::egress::network::Network;
use crate::egress::resolver;
use crate::egress::tests::fakes::{OK, Server};

const LAST: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";

async fn start(answers: &'static [&'static [u8]]) -> Server {
    Server::start_at("127.0.0.1:0", answers).await
}

impl Server {
    /// The outbound HTTP of a component that may ask this.
    fn client(&self) -> Client {
        let network = Network::new(resolver::system(), &Trust::default()).unwrap();
        Client::new(Grant::Origin(self.origin()), &network)
    }

    fn origin(&self) -> Origin {
        Origin::of(&self.url().parse().unwrap()).unwrap()
    }

    async fn send(
        &self,
        client: &Client,
        method: Method,
        purpose: &str,
    ) -> Result<http::Response<WasiBody>, Error> {
        let mut request = http::Request::builder()
            .uri(self.url())
            .header("host", self.address.to_string())
            .header(HEADER, purpose);
        if method == Method::POST {
            request = request.header("content-length", 0);
        }
        let request = request.method(method).body(of_a_component()).unwrap();
        client.send(request, None).await
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

/// A body of which only its end says that it is empty.
fn of_a_component() -> WasiBody {
    let nothing = futures::stream::empty::<Result<Frame<Bytes>, Error>>();
    let body = StreamBody::new(nothing).boxed_unsync();
    assert!(!body.is_end_stream());
    body
}

#[tokio::test]
async fn what_is_asked_one_after_the_other_is_asked_on_one_connection() {
    let server = start(&[OK; 9]).await;
    let client = server.client();
    for method in [Method::GET, Method::POST, Method::GET] {
        server.ask(&client, method, "").await.unwrap();
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_is_asked_at_once_is_asked_on_connections_of_its_own() {
    let server = start(&[OK; 9]).await;
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
    let server = start(&[OK; 9]).await;
    let client = server.client();
    drop(server.send(&client, Method::GET, "").await.unwrap());
    server.has_open(0).await;
    server.get(&client).await;
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn each_component_and_each_purpose_has_connections_of_its_own() {
    let server = start(&[OK; 9]).await;
    let (first, second) = (server.client(), server.client());
    for _ in 0..2 {
        for (client, purpose) in [(&first, ""), (&first, "model-answer"), (&second, "")] {
            server.ask(client, Method::GET, purpose).await.unwrap();
        }
    }
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn an_address_that_is_not_permitted_any_more_is_left() {
    let server = start(&[OK; 9]).await;
    let (pool, client) = (Pool::default(), server.client());
    let client = client.with_pool(pool.clone());
    server.get(&client).await;
    let key = Key::new(server.origin(), Purpose::Original);
    assert!(pool.take(&key, |_| false).is_none());
    server.has_open(0).await;
}

#[tokio::test]
async fn a_server_that_says_so_is_asked_on_a_new_connection() {
    let server = start(&[OK, LAST, OK]).await;
    let client = server.client();
    for expected in [1, 1, 2] {
        server.get(&client).await;
        assert_eq!(server.connections(), expected);
    }
}

#[tokio::test]
async fn only_what_does_no_harm_is_repeated_when_a_server_closes_as_it_is_asked() {
    let server = start(&[OK]).await;
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
    let server = start(&[OK; 9]).await;
    let client = server.client();
    server.get(&client).await;
    // The task that closes it has to sleep by now.
    yield_now().await;
    pause();
    advance(IDLE_TIMEOUT).await;
    resume();
    server.has_open(0).await;
}

#[tokio::test]
async fn a_connection_is_used_no_longer_than_a_minute() {
    let server = start(&[OK; 90]).await;
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
    let server = start(&[OK; 9]).await;
    let client = server.client();
    let mut answers = Vec::new();
    for _ in 0..CAPACITY + 3 {
        answers.push(server.send(&client, Method::GET, "").await.unwrap());
    }
    for answer in answers {
        answer.into_body().collect().await.unwrap();
    }
    server.has_open(CAPACITY).await;
}

//! The protocol's suite has no credentials: this passes its requests on to the service with
//! those of a user, and the answers back.

use std::net::Ipv4Addr;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Response};
use concept_refinement_tests::client::http;

#[derive(Clone)]
struct Gateway {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// The URL of one to this URL, which works as long as its runtime.
pub async fn to(url: String, token: &str) -> String {
    let gateway = Gateway {
        client: http().build().unwrap(),
        url,
        token: token.to_owned(),
    };
    let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(pass).with_state(gateway);
    tokio::spawn(async { axum::serve(listener, router).await });
    format!("http://{address}/mcp")
}

async fn pass(
    State(gateway): State<Gateway>,
    method: Method,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    headers.remove(CONTENT_LENGTH);
    let request = gateway
        .client
        .request(method, &gateway.url)
        .headers(headers);
    let sent = request.bearer_auth(&gateway.token).body(body).send().await;
    let answer = sent.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let kind = headers
        .get(CONTENT_TYPE)
        .map(|kind| (CONTENT_TYPE, kind.clone()));
    let body = answer.bytes().await.unwrap();
    let kind: HeaderMap = kind.into_iter().collect();
    (status, kind, body).into_response()
}

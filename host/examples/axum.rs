//! Concept refinement within a program that has a router of its own, with axum.
//!
//! `axum DATA` serves on a free port until standard input ends: the page and the API at the
//! root, and beside them a route of the program, which refines the image in its body.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::map_request;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use concept_refinement_host::{
    Client, ClientAddress, ClientError, Config, Host, HostBuilder, RefineRequest,
};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let data = arguments.next().context("usage: axum DATA")?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let config = Config::builder()
        .data_dir(data)
        .public_url(&format!("http://{address}").parse()?)
        .build()?;
    let host = HostBuilder::new(config).without_listener().start().await?;
    let router = router(&host).into_make_service_with_connect_info::<SocketAddr>();

    println!("ready at http://{address}");
    let ended = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = axum::serve(listener, router) => served?,
        ended = ended => drop(ended??),
        () = host.wait() => anyhow::bail!("the host ended early"),
    }
    host.stop().await;
    Ok(())
}

fn router(host: &Host) -> Router {
    Router::new()
        .route("/darker", post(darker))
        .with_state(host.client("the program itself"))
        // Everything else: the page, the API and its documentation.
        .fallback_service(host.service())
        .layer(map_request(with_client))
}

/// Tells the service who sent a request: each client has limits of its own.
async fn with_client(
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
) -> Result<Request, Infallible> {
    request.extensions_mut().insert(ClientAddress(peer.ip()));
    Ok(request)
}

async fn darker(State(client): State<Client>, image: Bytes) -> Response {
    let refined = client.refine(image, &RefineRequest::new("darker")).await;
    match refined {
        Ok(refined) => {
            let media_type = refined.format.media_type();
            ([(header::CONTENT_TYPE, media_type)], refined.bytes).into_response()
        }
        Err(error) => {
            let status = match &error {
                ClientError::Api { status, .. } => StatusCode::from_u16(*status).ok(),
                ClientError::Conflict(_) => Some(StatusCode::CONFLICT),
                ClientError::Unavailable(_) => Some(StatusCode::SERVICE_UNAVAILABLE),
                _ => None,
            };
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, error.to_string()).into_response()
        }
    }
}

//! HTTP in: connections as Spin takes them, without a limit and without
//! `TCP_NODELAY`, and requests handed to the components.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::handler::ProxyHandler;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::instances::Instances;
use crate::manifest::Application;
use crate::routes::{self, Routes, Taken, WELL_KNOWN};

/// Whom a component hears that another one asks.
const CHAINED_CLIENT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

pub struct Server {
    info: String,
    routes: Routes,
    handlers: BTreeMap<String, ProxyHandler<Instances>>,
}

impl Server {
    pub fn new(
        application: &Application,
        routes: Routes,
        handlers: BTreeMap<String, ProxyHandler<Instances>>,
    ) -> Self {
        let info = serde_json::json!({
            "name": application.name,
            "version": application.version,
            "description": application.description,
        });
        Self {
            info: format!("{info:#}"),
            routes,
            handlers,
        }
    }

    /// Until it fails; whoever stops the process stops all work at once.
    pub async fn serve(self: Arc<Self>, listener: TcpListener) -> anyhow::Result<()> {
        loop {
            let (stream, client) = listener.accept().await?;
            tokio::spawn(Arc::clone(&self).connection(stream, client));
        }
    }

    /// One component asks another. The error is a trap.
    pub async fn chained(
        &self,
        component: &str,
        request: Request<WasiBody>,
    ) -> anyhow::Result<Response<WasiBody>> {
        let taken = Taken::chained(component, request.uri().path());
        self.taken(request, &taken, CHAINED_CLIENT).await
    }

    async fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr) {
        let service = service_fn(move |request: Request<hyper::body::Incoming>| {
            let server = Arc::clone(&self);
            let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
            async move { server.handle(request, client).await }
        });
        let served = auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            eprintln!("Error serving HTTP connection: {error:?}");
        }
    }

    /// The error ends the connection.
    async fn handle(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> anyhow::Result<Response<WasiBody>> {
        routes::strip(request.headers_mut());
        let path = request.uri().path();
        if let Some(well_known) = path.strip_prefix(WELL_KNOWN) {
            return Ok(match well_known {
                "health" => answer(StatusCode::OK, "OK".to_owned()),
                "info" => answer(StatusCode::OK, self.info.clone()),
                _ => answer(StatusCode::NOT_FOUND, String::new()),
            });
        }
        match self.routes.take(path) {
            Some(taken) => self.taken(request, &taken, client).await,
            None => Ok(answer(StatusCode::NOT_FOUND, String::new())),
        }
    }

    async fn taken(
        &self,
        mut request: Request<WasiBody>,
        taken: &Taken,
        client: SocketAddr,
    ) -> anyhow::Result<Response<WasiBody>> {
        let uri = std::mem::take(request.uri_mut());
        *request.uri_mut() = routes::absolute(uri, request.headers(), Scheme::HTTP)?;
        let handler = self
            .handlers
            .get(&taken.component)
            .with_context(|| format!("unknown routing destination '{}'", taken.component))?;
        let answered = async {
            let told = taken.tell(request.uri(), request.headers(), client)?;
            *request.headers_mut() = told;
            let handled = handler.handle((), request).await;
            handled.map_err(anyhow::Error::from)
        };
        Ok(answered.await.unwrap_or_else(|error| {
            eprintln!("Error processing request: {error:#}");
            answer(StatusCode::INTERNAL_SERVER_ERROR, String::new())
        }))
    }
}

fn answer(status: StatusCode, body: String) -> Response<WasiBody> {
    let body = Full::new(Bytes::from(body)).map_err(Error::from);
    let mut response = Response::new(body.boxed_unsync());
    *response.status_mut() = status;
    response
}

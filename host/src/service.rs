//! The API and the page for a server of the embedding program.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use concept_refinement_capability::cores::Cores;
use concept_refinement_runtime::ingress::http::{Body as Contents, HttpTrigger};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Frame, SizeHint};

/// The API and the page as a `tower::Service`, for a router of your own.
///
/// It belongs at the root of a host name, since its pages and answers name absolute paths:
/// use it as the fallback of a router. The checks and limits are those of the host's own
/// listener: the `Host` header, the size and the pace of bodies, the time for an answer and
/// for reading it, and each client's share. What only a connection can limit is up to your
/// server: the time for headers, and the number of connections.
///
/// Clients are told apart by the extension [`ClientAddress`]; all requests without it count
/// as one client's. With axum:
///
/// ```no_run
/// use std::convert::Infallible;
/// use std::net::SocketAddr;
///
/// use axum::Router;
/// use axum::extract::{ConnectInfo, Request};
/// use axum::middleware::map_request;
/// use axum::routing::get;
/// use concept_refinement_host::{ClientAddress, Host};
///
/// async fn serve(host: &Host, listener: tokio::net::TcpListener) -> std::io::Result<()> {
///     let router = Router::new()
///         .route("/about", get(async || "a route of this program"))
///         .fallback_service(host.service())
///         .layer(map_request(with_client))
///         .into_make_service_with_connect_info::<SocketAddr>();
///     axum::serve(listener, router).await
/// }
///
/// async fn with_client(
///     ConnectInfo(peer): ConnectInfo<SocketAddr>,
///     mut request: Request,
/// ) -> Result<Request, Infallible> {
///     request.extensions_mut().insert(ClientAddress(peer.ip()));
///     Ok(request)
/// }
/// ```
///
/// After [`Host::stop`](crate::Host::stop) it answers 503.
#[derive(Clone)]
pub struct Service {
    pub(crate) http: Arc<HttpTrigger>,
    pub(crate) cores: Arc<Cores>,
}

/// The address of a request's client, as an extension of the request. If it is that of one
/// of the `trusted-proxies`, the proxy's forwarded headers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// The body of an answer.
pub struct Body(pub(crate) Contents);

/// An answer broke off, for example because nobody read it.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off: {0}")]
pub struct BodyError(String);

impl<B> tower_service::Service<Request<B>> for Service
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // More requests than it can take are answered with 503.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let client = request.extensions().get().map(|ClientAddress(ip)| *ip);
        let Self { http, cores } = self.clone();
        async move { Ok(http.answer(request, client, &cores).await.map(Body)) }.boxed()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.0).poll_frame(context);
        frame.map(|frame| frame.map(|frame| frame.map_err(|error| BodyError(error.to_string()))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

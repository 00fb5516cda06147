//! A request on its way to the API component: refused by the host where it can
//! tell, otherwise handed to an instance.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use tokio::sync::Semaphore;
use wasmtime_wasi_http::WasiBody;

use super::client::Client;
use super::cors::{self, Origins};
use super::origin::with_origin;
use super::throttle::{Limit, Throttle};
use super::{answer, body};
use crate::config::Networks;
use crate::ingress::activity::Activity;
use crate::ingress::door::{Door, Failure};
use crate::metrics::Metrics;

/// Most requests in the component at a time; further ones are answered 503.
pub const REQUESTS: usize = 1024;

/// Largest request head, in bytes.
pub const MAX_HEADERS: usize = 32 * 1024;

/// The operator's rules for clients.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The proxies whose forwarded headers count.
    pub proxies: Networks,
    /// Origins whose pages may read answers.
    pub cors_origins: Vec<String>,
    /// Limits per client address.
    pub limit: Option<Limit>,
}

/// The way from a request to its answer.
pub struct Dispatch {
    /// One for each core.
    doors: Vec<Door>,
    requests: Semaphore,
    /// Largest request body that is read at all, in bytes.
    max_body: u64,
    metrics: Option<Arc<Metrics>>,
    proxies: Networks,
    origins: Origins,
    throttle: Option<Throttle>,
}

impl Dispatch {
    pub fn new(
        doors: Vec<Door>,
        max_body: u64,
        access: Access,
        metrics: Option<Arc<Metrics>>,
    ) -> Self {
        Self {
            doors,
            requests: Semaphore::new(REQUESTS),
            max_body,
            metrics,
            proxies: access.proxies,
            origins: Origins::new(&access.cors_origins),
            throttle: access.limit.map(Throttle::new),
        }
    }

    /// From here on it is no fault of theirs that instances end.
    pub fn stop(&self) {
        for door in &self.doors {
            door.instances().stopping.store(true, Ordering::Relaxed);
        }
    }

    /// `core`: the index of the core that this runs on.
    pub async fn answer(
        &self,
        request: Request<Incoming>,
        peer: IpAddr,
        core: usize,
    ) -> Response<WasiBody> {
        let metrics = self.metrics.as_ref();
        let measured = metrics.map(|metrics| metrics.http.begin(request.method()));
        let origin = self.origins.allowed(request.headers());
        let mut response = match self.admit(request, peer, core).await {
            Ok(response) => response,
            Err(mut response) => {
                cors::allow(origin, &mut response);
                response
            }
        };
        if let Some(measured) = measured {
            measured.answered(&mut response);
        }
        response
    }

    /// The error is an answer made by the host itself.
    async fn admit(
        &self,
        mut request: Request<Incoming>,
        peer: IpAddr,
        core: usize,
    ) -> Result<Response<WasiBody>, Response<WasiBody>> {
        let Ok(_permit) = self.requests.try_acquire() else {
            return Err(answer::overloaded());
        };
        if head_size(&request) > MAX_HEADERS {
            return Err(answer::long_head());
        }
        if !is_plainly_framed(request.headers()) {
            return Err(answer::unknown_coding());
        }
        let client = Client::of(peer, request.headers_mut(), &self.proxies);
        let request = with_origin(request, &client).map_err(answer::bad_request)?;
        if let Some(throttle) = &self.throttle {
            let admitted = throttle.admit(&request, &client, &self.proxies);
            admitted.map_err(answer::too_often)?;
        }
        let activity = Activity::begin();
        let request = body::bounded(request, self.max_body, activity.clone());
        let Some(door) = self.doors.get(core) else {
            return Err(answer::internal_error());
        };
        let answered = door.handle(activity, request).await;
        answered.map_err(|failure| match failure {
            Failure::TimedOut => answer::timed_out(),
            Failure::Overloaded => {
                tracing::error!(error = %failure, "no instance of the api takes a request");
                answer::overloaded()
            }
            Failure::Ended | Failure::Invalid => {
                tracing::error!(error = %failure, "the api failed a request");
                answer::internal_error()
            }
        })
    }
}

/// The size of the head as received, in bytes. hyper's own limit is less exact.
fn head_size<B>(request: &Request<B>) -> usize {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let line = request.method().as_str().len() + target;
    let fields = request.headers().iter();
    fields.fold(line, |size, (name, value)| {
        size.saturating_add(name.as_str().len() + value.len() + ": \r\n".len())
    })
}

/// Whether the body has no transfer coding, or exactly `chunked`. With any
/// other coding, two parties could disagree on where the request ends.
fn is_plainly_framed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(http::header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    }
}

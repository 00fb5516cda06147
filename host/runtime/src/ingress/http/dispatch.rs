//! Handles a request: the host refuses it if it can tell, otherwise an instance of the
//! API component gets it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::permits::{Permit, Permits, Subnet};
use concept_refinement_capability::traces::{Kind, Span, Start, Traces};
use concept_refinement_domain::trace::{self, TraceContext};
use http::header::CONTENT_LENGTH;
use http::uri::Authority;
use http::{HeaderMap, Method, Request, Response, Version};
use http_body::Body as _;
use tracing::Instrument as _;
use wasmtime_wasi_http::WasiBody;

use super::body::Received;
use super::client::Client;
use super::connection::{Form, WRITE_TIMEOUT};
use super::cors::Origins;
use super::credentials::Credentials;
use super::host_names::HostNames;
use super::max_body::MaxBody;
use super::origin::with_origin;
use super::push::PushTrigger;
use super::refusal::{ErrorForm, Refusal};
use super::throttle::{Limit, Throttle};
use super::{body, request_id, write_timeout};
use crate::body::guarded;
use crate::ingress::Handler;
use crate::ingress::activity::Activity;
use crate::ingress::failure::Failure;
use crate::ingress::http::cors;
use crate::ingress::http::origin;
use crate::ingress::http::push;
use crate::ingress::long_poll::LongPoll;
use crate::ingress::networks::Networks;
use crate::metrics::http as shared;
use crate::metrics::http::{ROUTE, Requests, method_name};

/// Limit of requests in the component; further ones are answered with 503.
const REQUESTS: usize = 2048;

/// Limit of concurrent health requests, which need no permit of the others.
const HEALTH_REQUESTS: usize = 256;

/// Limit of concurrent calls of the component.
pub const CALLS: usize = REQUESTS + HEALTH_REQUESTS;

/// Largest request head, in bytes.
pub const MAX_HEADERS: usize = 32 * 1024;

/// The operator's rules for clients.
#[derive(Clone, Debug)]
pub struct Access {
    /// The address that clients connect to.
    pub listener: SocketAddr,
    /// The origin that clients use, if it is another one.
    pub public_url: Option<String>,
    /// The proxies whose forwarded headers are trusted.
    pub proxies: Networks,
    /// Origins whose pages may read answers (CORS).
    pub cors_origins: Vec<String>,
    /// Rate limits per client address.
    pub limits: Vec<Limit>,
    /// Path of the liveness check, which is answered however many requests there are.
    pub health: &'static str,
    /// Whether this process serves anything besides that path.
    pub serves_api: bool,
}

/// Routes requests and returns their responses.
pub struct Dispatch {
    /// One per core.
    pub(super) handlers: OnceLock<Vec<Handler>>,
    /// Used until `handlers` are set.
    pub(super) first_handlers: OnceLock<Vec<Handler>>,
    credentials: Credentials,
    requests: Arc<Permits<u64>>,
    health_requests: Arc<Permits<u64>>,
    /// Permits for answers that are being sent or waited for.
    answers: Arc<Permits<u64>>,
    max_body: MaxBody,
    metrics: Arc<Requests>,
    traces: Traces,
    access: Access,
    /// None: any host name is accepted.
    names: Option<HostNames>,
    origins: Origins,
    throttles: Vec<Throttle>,
    /// None: pushes are not configured.
    push: Option<Arc<PushTrigger>>,
}

/// Client and user of a request.
struct Requester {
    client: Option<Subnet>,
    user: Option<u64>,
}

impl Dispatch {
    /// `answers`: limit of answers being sent at the same time.
    pub fn new(
        max_body: MaxBody,
        access: Access,
        answers: usize,
        push: Option<Arc<PushTrigger>>,
        metrics: Arc<Requests>,
        traces: Traces,
    ) -> Self {
        Self {
            handlers: OnceLock::new(),
            first_handlers: OnceLock::new(),
            credentials: Credentials::default(),
            requests: Permits::new(REQUESTS),
            health_requests: Permits::new(HEALTH_REQUESTS),
            answers: Permits::new(answers),
            max_body,
            metrics,
            traces,
            names: HostNames::of_listener(access.listener, access.public_url.as_deref()),
            origins: Origins::new(&access.cors_origins),
            throttles: access.limits.iter().cloned().map(Throttle::new).collect(),
            access,
            push,
        }
    }

    /// The handler for this core.
    fn handler(&self, core: usize) -> Option<&Handler> {
        let handlers = self.handlers.get().or_else(|| self.first_handlers.get());
        handlers?.get(core)
    }

    /// From now on, instances that end do so because of the shutdown, and are not logged
    /// as failed.
    pub fn stop(&self) {
        let handlers = [&self.handlers, &self.first_handlers];
        for handler in handlers.into_iter().filter_map(OnceLock::get).flatten() {
            handler.stop();
        }
        if let Some(push) = &self.push {
            push.stop();
        }
    }

    /// Whether this peer is a trusted proxy.
    pub fn is_proxy(&self, peer: IpAddr) -> bool {
        self.access.proxies.contains(peer)
    }

    /// `core`: index of the current core. `busy`: dropped when the answer was sent.
    pub async fn answer<B: Received>(
        &self,
        request: Request<B>,
        peer: IpAddr,
        core: usize,
        form: Form,
        busy: impl Send + Unpin + 'static,
    ) -> Response<WasiBody> {
        let id = request_id::of(request.headers());
        let span = tracing::info_span!(
            "request",
            request_id = id.to_str().unwrap_or_default(),
            trace_id = tracing::field::Empty
        );
        let mut traced = self.traced(&request);
        let answered = async {
            traced.log();
            let begin = Instant::now();
            let method = request.method().clone();
            // Without the query, which may contain a signature.
            let path =
                tracing::enabled!(tracing::Level::DEBUG).then(|| request.uri().path().to_owned());
            let measured = self.metrics.begin(request.method());
            let origin = self.origins.allowed(request.headers());
            let version = request.version();
            let trace = traced.context();
            let error_form = ErrorForm::of(request.uri().path());
            let answered = self.admit(request, peer, core, form, trace).await;
            let answered = answered.and_then(|(response, requester)| {
                self.sending(response, version, form, &requester, busy)
            });
            let mut response = answered.unwrap_or_else(|refusal| {
                let mut response = refusal.answer(error_form);
                cors::allow(origin, &mut response);
                response
            });
            set_response(&mut traced, &method, &response);
            measured.answered(&mut response);
            if let Some(path) = path {
                let status = response.status().as_u16();
                let milliseconds = u64::try_from(begin.elapsed().as_millis()).ok();
                tracing::debug!(%method, path, status, milliseconds, "answered");
            }
            response
        };
        let mut response = answered.instrument(span).await;
        request_id::tell(id, &mut response);
        response
    }

    /// Begins the span of a request, within the client's span if it sent one. Health
    /// checks have none: they are frequent and not informative.
    fn traced<B>(&self, request: &Request<B>) -> Span {
        if !self.traces.are_on() || self.is_of_health(request.uri().path()) {
            return Span::default();
        }
        let method = method_name(request.method());
        let parent = client_context(request.headers());
        let mut span = self
            .traces
            .start(Start::within(parent, method, Kind::Server));
        span.set("http.request.method", method);
        span
    }

    async fn admit<B: Received>(
        &self,
        mut request: Request<B>,
        peer: IpAddr,
        core: usize,
        form: Form,
        trace: Option<TraceContext>,
    ) -> Result<(Response<WasiBody>, Requester), Refusal> {
        let client = Client::of(peer, request.headers_mut(), &self.access.proxies);
        let requester = Requester {
            client: (!self.is_proxy(client.address)).then(|| Subnet::of(client.address)),
            user: self.credentials.of(request.headers()),
        };
        let _permit = self.permit(&request, form, &requester)?;
        if head_size(&request) > MAX_HEADERS {
            return Err(Refusal::LongHead);
        }
        if !is_plainly_framed(request.headers()) {
            return Err(Refusal::UnknownCoding);
        }
        let name = origin::authority(&request).map_err(Refusal::BadRequest)?;
        self.check_name(name.as_ref(), request.uri().path(), peer)?;
        let request = with_origin(request, name, &client, self.access.listener)
            .map_err(Refusal::BadRequest)?;
        // Before the stores were reached no session can have been created, so the
        // request is not counted.
        if self.handlers.get().is_some() {
            for throttle in &self.throttles {
                let admitted = throttle.admit(&request, &client, &self.access.proxies);
                admitted.map_err(Refusal::TooOften)?;
            }
        }
        let activity = Activity::begin();
        let max_body = self.max_body.of(request.uri().path());
        let request = body::bounded(request, max_body, activity.clone());
        match &self.push {
            Some(push) if request.uri().path() == push::PATH => {
                return Ok((push.answer(request).await, requester));
            }
            Some(_) | None => self.check_path(request.uri().path())?,
        }
        let Some(handler) = self.handler(core) else {
            return Err(Refusal::InternalError);
        };
        let answered = handler.handle(activity, request, trace).await;
        let response = answered.map_err(|failure| match failure {
            Failure::TimedOut => Refusal::TimedOut,
            Failure::Overloaded => {
                log_throttled!(error, "no instance of the api takes a request", error = %failure);
                Refusal::Overloaded
            }
            Failure::Ended | Failure::Invalid => {
                log_throttled!(error, "the api failed a request", error = %failure);
                Refusal::InternalError
            }
        })?;
        Ok((response, requester))
    }

    /// A permit for the request. One that waits gets it from those for answers, so
    /// that it does not take the place of requests that do not wait.
    fn permit<B>(
        &self,
        request: &Request<B>,
        form: Form,
        requester: &Requester,
    ) -> Result<Permit<u64>, Refusal> {
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        let is_health = is_read && request.uri().path() == self.access.health;
        let (permits, what) = match form {
            _ if is_health => (&self.health_requests, shared::REQUESTS),
            Form::Brief => return Err(Refusal::TooManyConnections),
            Form::Full | Form::Foreign if LongPoll::of(request).is_some() => {
                (&self.answers, shared::ANSWERS)
            }
            Form::Full | Form::Foreign => (&self.requests, shared::REQUESTS),
        };
        let permit = permits.take(requester.client, requester.user);
        permit.ok_or_else(|| self.short_of(what))
    }

    fn short_of(&self, what: &'static str) -> Refusal {
        self.metrics.refused(what);
        Refusal::Overloaded
    }

    /// Whether it is a request for liveness or readiness.
    fn is_of_health(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.access.health);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Refuses paths that this process does not serve.
    fn check_path(&self, path: &str) -> Result<(), Refusal> {
        match self.access.serves_api || self.is_of_health(path) {
            true => Ok(()),
            false => Err(Refusal::NotFound),
        }
    }

    /// Refuses host names that are not those of a local service.
    fn check_name(
        &self,
        name: Option<&Authority>,
        path: &str,
        peer: IpAddr,
    ) -> Result<(), Refusal> {
        let (Some(names), Some(name)) = (&self.names, name) else {
            return Ok(());
        };
        if path.starts_with(self.access.health) || self.is_proxy(peer) || names.include(name) {
            return Ok(());
        }
        log_throttled!(
            warn every minute,
            "a request by a name that is not local was refused: set public-url to answer to \
                 it, or trusted-proxies to the address of a proxy",
            name = name.as_str()
        );
        Err(Refusal::Misdirected)
    }

    /// The answer as it is sent, holding a permit for answers if sending may take long.
    fn sending(
        &self,
        mut response: Response<WasiBody>,
        version: Version,
        form: Form,
        requester: &Requester,
        busy: impl Send + Unpin + 'static,
    ) -> Result<Response<WasiBody>, Refusal> {
        if version == Version::HTTP_10 && ends_with_connection(&response) {
            // Otherwise hyper would promise keep-alive to a client that requests it.
            *response.version_mut() = Version::HTTP_10;
        }
        let body = response.body();
        // Only our own connections of HTTP/1 have a timeout, which covers a short answer.
        let is_timed = version != Version::HTTP_2 && form != Form::Foreign;
        let is_short = is_timed && body.size_hint().exact().is_some();
        if body.is_end_stream() || is_short {
            return Ok(response);
        }
        let permit = self.answers.take(requester.client, requester.user);
        let permit = permit.ok_or_else(|| self.short_of(shared::ANSWERS))?;
        let guard = (permit, busy);
        Ok(response.map(|body| match is_timed {
            true => guarded(body, guard),
            false => write_timeout::limited(body, WRITE_TIMEOUT, guard),
        }))
    }
}

/// Whether a client of HTTP/1.0, which does not know chunked encoding, can tell the end
/// of this answer only from the end of the connection.
fn ends_with_connection(response: &Response<WasiBody>) -> bool {
    let has_length = response.headers().contains_key(CONTENT_LENGTH);
    !has_length && response.body().size_hint().exact().is_none()
}

/// Adds the response's status to the span. The span names the route and not the path,
/// which has ids and may be followed by a signature.
fn set_response<B>(span: &mut Span, method: &Method, response: &Response<B>) {
    let route = response.headers().get(ROUTE);
    if let Some(route) = route.and_then(|route| route.to_str().ok()) {
        span.rename(|| format!("{} {route}", method_name(method)));
        span.set_text("http.route", route);
    }
    let status = response.status();
    span.set("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.fail(status.as_u16().to_string());
    }
}

/// The client's trace context. None: the request has none, or several.
fn client_context(headers: &HeaderMap) -> Option<TraceContext> {
    let mut named = headers.get_all(trace::HEADER).iter();
    match (named.next(), named.next()) {
        (Some(context), None) => TraceContext::parse(context.as_bytes()),
        (None, _) | (Some(_), Some(_)) => None,
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

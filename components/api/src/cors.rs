//! CORS for pages of allowed origins.
//!
//! Such a page authenticates with a bearer token: no response allows credentials, so
//! browsers send no cookies, and a cookie could not change anything. Other origins get no
//! CORS headers.

use crate::origin::Origin;
use crate::problem::Problem;
use crate::request::{Headers, Method};
use crate::response::Response;
use crate::router;

/// Headers that a page may send. Those of `X-Stainless` are what OpenAI's own client sends,
/// those of `Mcp` what a client of Model Context Protocol has to send.
const ALLOWED: &str = "Authorization, Baggage, Content-Type, Idempotency-Key, If-None-Match, \
                       If-Range, Last-Event-ID, MCP-Protocol-Version, Mcp-Method, Mcp-Name, \
                       Prefer, Range, Sentry-Trace, Traceparent, Tracestate, X-Request-Id, \
                       X-Stainless-Arch, X-Stainless-Lang, X-Stainless-OS, \
                       X-Stainless-Package-Version, X-Stainless-Retry-Count, \
                       X-Stainless-Runtime, X-Stainless-Runtime-Version, X-Stainless-Timeout";

/// Headers that a page may read, besides the safelisted ones.
const EXPOSED: &str = "Accept-Ranges, Allow, Content-Disposition, Content-Range, ETag, \
                       Idempotency-Replayed, Preference-Applied, Retry-After, Vary, \
                       WWW-Authenticate, X-Ignored-Fields, X-Model, X-Queue-Position, \
                       X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, \
                       X-Request-Id, X-Should-Retry";

/// How long a browser may cache a preflight response, in seconds; no browser caches
/// longer.
const MAX_AGE: &str = "7200";

/// The allowed origins. None: CORS is off.
#[derive(Clone, Debug, Default)]
pub struct Cors(Vec<Origin>);

/// The origin of a request, as far as CORS is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requester {
    /// CORS is off.
    Off,
    /// No origin, or one that is not allowed.
    Other,
    Named(Origin),
}

impl Cors {
    /// Parses a comma-separated list of origins.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let entries = text.split(',').map(str::trim);
        let origins = entries.filter(|entry| !entry.is_empty()).map(origin);
        let origins: Option<Vec<_>> = origins.collect();
        origins
            .map(Self)
            .ok_or("must be a comma-separated list of origins")
    }

    /// Whether this value of `Origin` is one of them.
    pub fn has(&self, origin: &[u8]) -> bool {
        Origin::of_header(origin).is_some_and(|origin| self.0.contains(&origin))
    }

    pub fn requester(&self, headers: &Headers) -> Requester {
        if self.0.is_empty() {
            return Requester::Off;
        }
        let asks = headers.text("origin").and_then(Origin::of_url);
        match self.0.iter().find(|named| asks.as_ref() == Some(*named)) {
            Some(named) => Requester::Named(named.clone()),
            None => Requester::Other,
        }
    }
}

impl Requester {
    /// Whether this is a preflight request, which needs no credentials.
    pub fn is_preflight(&self, method: Method, headers: &Headers) -> bool {
        matches!(self, Self::Named(_))
            && method == Method::Options
            && headers
                .all("access-control-request-method")
                .next()
                .is_some()
    }

    /// Adds the headers that let the page read the answer.
    pub fn allow<C>(&self, response: &mut Response<C>) {
        match self {
            Self::Off => return,
            Self::Other => {}
            Self::Named(origin) => response.headers.extend([
                ("access-control-allow-origin", origin.to_string().into()),
                ("access-control-expose-headers", EXPOSED.into()),
            ]),
        }
        // Makes caches distinguish the responses for different origins.
        match response
            .headers
            .iter_mut()
            .find(|(name, _)| *name == "vary")
        {
            Some((_, vary)) => vary.to_mut().push_str(", Origin"),
            None => response.headers.push(("vary", "Origin".into())),
        }
    }
}

/// In the form that browsers send. None: not an origin.
fn origin(entry: &str) -> Option<Origin> {
    let url = url::Url::parse(entry).ok()?;
    let origin = Origin::of_url(url.as_str())?;
    (url.as_str() == format!("{origin}/")).then_some(origin)
}

/// Answers with the methods of the path.
pub fn preflight<C>(path: &str) -> Result<Response<C>, Problem> {
    match router::route(Method::Options, path) {
        Err(Problem::MethodNotAllowed { allow }) => Ok(Response::empty(204)
            .with("access-control-allow-methods", allow)
            .with("access-control-allow-headers", ALLOWED)
            .with("access-control-max-age", MAX_AGE)),
        Err(problem) => Err(problem),
        Ok(_) => Err(Problem::Internal),
    }
}

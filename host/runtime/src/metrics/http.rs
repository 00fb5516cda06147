//! Metrics of requests, by route.
//!
//! The host does not know the routes: the component names the route's template in a
//! response header, which is removed here. The number of series is bounded.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderName, HeaderValue, Method, Response};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::series::{self, Active, Buckets, Counters, Histograms, counters, observe, register};

/// Set by the API component, never sent to clients.
pub const ROUTE: HeaderName = HeaderName::from_static("concept-refinement-route");

/// For answers by the host itself, and for unknown paths.
const NO_ROUTE: HeaderValue = HeaderValue::from_static("none");

/// For routes beyond the limit.
const OTHER: HeaderValue = HeaderValue::from_static("other");

const MAX_ROUTES: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: Arc<str>,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    route: Arc<str>,
    method: &'static str,
}

/// The response header that the API sets where it refuses an upload of undeclared length, because
/// its user has a share of the memory for them.
const SHORT_OF: HeaderName = HeaderName::from_static("concept-refinement-short-of");

/// Resources that clients share and that may run short.
pub const CONNECTIONS: &str = "connections";
/// Concurrent requests of a client.
pub const REQUESTS: &str = "requests";
/// Answers to a client that are still being read.
pub const ANSWERS: &str = "answers";
/// Memory for uploads of undeclared length.
const UPLOADS: &str = "uploads";

/// Counts requests, answers, and refusals for lack of a resource.
pub struct Requests {
    answered: Family<Answered, Counter>,
    durations: Histograms<Asked>,
    connections: Gauge,
    in_flight: Gauge,
    refusals: Counters,
    /// Their labels.
    routes: Mutex<HashMap<HeaderValue, Arc<str>>>,
}

/// A request that is being answered.
pub struct Request<'a> {
    requests: &'a Requests,
    method: &'static str,
    begin: Instant,
    _present: Active,
}

impl Requests {
    /// Registers the series.
    pub fn new(registry: &mut Registry) -> Self {
        let durations = "From a request's head to its answer's";
        let in_flight = "Requests whose answer has not begun";
        let refusals = "Clients that had their share of what ran short";
        let short_of = [CONNECTIONS, REQUESTS, ANSWERS, UPLOADS];
        Self {
            answered: register(registry, "http_requests", "Requests that were answered"),
            durations: series::durations(
                registry,
                "http_request_duration",
                durations,
                Buckets::Answers,
            ),
            in_flight: register(registry, "http_requests_in_flight", in_flight),
            connections: register(registry, "http_connections", "Open connections of clients"),
            refusals: counters(registry, "http_refusals", refusals, "short_of", short_of),
            routes: Mutex::default(),
        }
    }

    /// Counts a connection until it is dropped.
    pub fn connection(&self) -> Active {
        Active::of(&self.connections)
    }

    /// Counts a request refused because its client had its share of `what`.
    pub fn refused(&self, what: &'static str) {
        self.refusals
            .get_or_create_owned(&[("short_of", what)])
            .inc();
    }

    /// Counts a request as in flight until it is dropped.
    pub fn begin(&self, method: &Method) -> Request<'_> {
        Request {
            requests: self,
            method: method_name(method),
            begin: Instant::now(),
            _present: Active::of(&self.in_flight),
        }
    }

    /// The label of a route.
    fn label(&self, route: HeaderValue) -> Arc<str> {
        let mut routes = self.routes.lock();
        let route = match routes.len() >= MAX_ROUTES && !routes.contains_key(&route) {
            true => OTHER,
            false => route,
        };
        let label = routes.entry(route);
        let label = label.or_insert_with_key(|route| route.to_str().unwrap_or_default().into());
        Arc::clone(label)
    }
}

impl Request<'_> {
    /// Removes the headers for the host from the response and counts the request.
    pub fn answered<B>(self, response: &mut Response<B>) {
        let route = response.headers_mut().remove(ROUTE).unwrap_or(NO_ROUTE);
        let Self {
            requests, method, ..
        } = self;
        if response.headers_mut().remove(SHORT_OF).is_some() {
            requests.refused(UPLOADS);
        }
        let route = requests.label(route);
        let asked = Asked {
            route: Arc::clone(&route),
            method,
        };
        let answered = Answered {
            route,
            method,
            status: response.status().as_u16(),
        };
        requests.answered.get_or_create(&answered).inc();
        let duration = requests.durations.get_or_create(&asked);
        observe(&duration, self.begin.elapsed());
    }
}

/// Unknown methods share one label value.
pub fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;

    use super::*;

    #[test]
    fn routes_and_methods_are_bounded_and_the_headers_end_here() {
        let mut registry = Registry::default();
        let requests = Requests::new(&mut registry);
        let invented = Method::from_bytes(b"INVENTED").unwrap();
        for route in 0..1000 {
            let request = requests.begin(&invented);
            let mut response = Response::new(());
            let value = HeaderValue::try_from(format!("/{route}")).unwrap();
            response.headers_mut().insert(ROUTE, value);
            if route < 3 {
                let value = HeaderValue::from_static("uploads");
                response.headers_mut().insert(SHORT_OF, value);
            }
            request.answered(&mut response);
            assert!(response.headers().is_empty());
        }
        requests
            .begin(&Method::GET)
            .answered(&mut Response::new(()));
        let mut text = String::new();
        text::encode(&mut text, &registry).unwrap();
        let series = |line: &&str| line.starts_with("http_requests_total");
        assert_eq!(text.lines().filter(series).count(), MAX_ROUTES + 2);
        for line in [
            "http_requests_total{route=\"/63\",method=\"other\",status=\"200\"} 1",
            "http_requests_total{route=\"other\",method=\"other\",status=\"200\"} 936",
            "http_requests_in_flight 0",
            "http_refusals_total{short_of=\"uploads\"} 3",
            "http_refusals_total{short_of=\"requests\"} 0",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
    }
}

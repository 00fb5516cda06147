//! Outbound requests that were refused.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use wasmtime_wasi_http::Error;

use super::series::counters;

const NOT_GRANTED: &str = "not-granted";
const NOT_PUBLIC: &str = "address-not-public";

/// Counts outbound requests that were refused.
pub struct Refusals {
    not_granted: Counter,
    not_public: Counter,
}

impl Refusals {
    /// Registers the counters.
    pub fn new(registry: &mut Registry) -> Self {
        let refusals = counters(
            registry,
            "egress_refusals",
            "Outbound requests of components that were refused",
            "reason",
            [NOT_GRANTED, NOT_PUBLIC],
        );
        let of = |reason| refusals.get_or_create_owned(&[("reason", reason)]);
        Self {
            not_granted: of(NOT_GRANTED),
            not_public: of(NOT_PUBLIC),
        }
    }

    /// Counts an error if it is a refusal.
    pub fn failed(&self, error: &Error) {
        match error {
            Error::HttpRequestDenied => self.not_granted.inc(),
            Error::DestinationIpProhibited => self.not_public.inc(),
            _ => return,
        };
    }
}

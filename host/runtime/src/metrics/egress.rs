//! Outbound requests that were refused.

use prometheus_client::registry::Registry;
use wasmtime_wasi_http::Error;

use super::series::{Counters, counters};

const REASON: &str = "reason";
const NOT_GRANTED: &str = "not-granted";
const NOT_PUBLIC: &str = "address-not-public";

/// Counts outbound requests that were refused.
pub struct Refusals(Counters);

impl Refusals {
    /// Registers the counters.
    pub fn new(registry: &mut Registry) -> Self {
        let help = "Outbound requests of components that were refused";
        let reasons = [NOT_GRANTED, NOT_PUBLIC];
        Self(counters(registry, "egress_refusals", help, REASON, reasons))
    }

    /// Counts an error if it is a refusal.
    pub fn failed(&self, error: &Error) {
        let reason = match error {
            Error::HttpRequestDenied => NOT_GRANTED,
            Error::DestinationIpProhibited => NOT_PUBLIC,
            _ => return,
        };
        self.0.get_or_create(&[(REASON, reason)]).inc();
    }
}

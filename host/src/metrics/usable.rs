//! Which capabilities can be used, as readiness reports it.

use std::sync::atomic::AtomicU64;

use concept_refinement_capability::Capabilities;
use concept_refinement_runtime::metrics::series::{Label, register};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

const STORES: [&str; 3] = ["tasks", "queue", "images"];
const MODEL: &str = "model";

/// A gauge whose value may be unknown.
type Number = Gauge<f64, AtomicU64>;

/// Updated at each scrape, from the last known states: a scrape probes nothing.
pub struct Usable(Family<Label, Number>);

impl Usable {
    pub fn new(registry: &mut Registry) -> Self {
        let help = "Whether the capability could be used when it was last probed";
        let usable = Self(register(registry, "capability_usable", help));
        for name in STORES.into_iter().chain([MODEL]) {
            usable.set(name, None);
        }
        usable
    }

    /// Unknown values are NaN.
    pub fn update(&self, capabilities: &Capabilities) {
        let states = capabilities.probes.states().unwrap_or_default();
        for name in STORES {
            let state = states.iter().find(|state| state.name == name);
            self.set(name, state.map(|state| state.problem.is_none()));
        }
        let now = capabilities.clock.now();
        let problem = capabilities.model_health.lock().problem(now);
        self.set(MODEL, Some(problem.is_none()));
    }

    fn set(&self, name: &'static str, is_usable: Option<bool>) {
        let gauge = self.0.get_or_create(&[("capability", name)]);
        gauge.set(is_usable.map_or(f64::NAN, |it| f64::from(u8::from(it))));
    }
}

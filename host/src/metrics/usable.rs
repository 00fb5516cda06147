//! Which capabilities can be used, as readiness reports it.

use std::sync::atomic::AtomicU64;

use concept_refinement_capability::Capabilities;
use concept_refinement_runtime::metrics::series::{self, Label};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

const STORES: [&str; 3] = ["tasks", "queue", "images"];

/// The last known states: a scrape probes nothing. Unknown values are NaN.
pub fn register(registry: &mut Registry, capabilities: &Capabilities) {
    let help = "Whether the capability could be used when it was last probed";
    let usable: Family<Label, Gauge<f64, AtomicU64>> =
        series::register(registry, "capability_usable", help);
    let set = |name: &'static str, is_usable: Option<bool>| {
        let gauge = usable.get_or_create(&[("capability", name)]);
        gauge.set(is_usable.map_or(f64::NAN, |it| f64::from(u8::from(it))));
    };
    let states = capabilities.probes.states().unwrap_or_default();
    for name in STORES {
        let state = states.iter().find(|state| state.name == name);
        set(name, state.map(|state| state.problem.is_none()));
    }
    let now = capabilities.clock.now();
    let problem = capabilities.model_health.lock().problem(now);
    set("model", Some(problem.is_none()));
}

//! Calls of models that were repeated although an earlier one may have to be paid for.

use concept_refinement_capability::payments::RepeatedCalls;
use concept_refinement_runtime::metrics::series;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The link's name.
    model: String,
    reason: &'static str,
}

pub fn register(registry: &mut Registry, repeated: &RepeatedCalls) {
    let help = "Calls of a model that were repeated though the provider may have accepted an \
                earlier one";
    let calls: Family<Labels, Counter> = series::register(registry, "model_repeated_calls", help);
    for (model, reason, count) in repeated.counts() {
        let reason = reason.as_str();
        calls.get_or_create(&Labels { model, reason }).inc_by(count);
    }
}

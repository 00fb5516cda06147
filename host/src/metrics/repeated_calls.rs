//! Calls of models that were repeated although an earlier one may have to be paid for.

use concept_refinement_capability::payments;
use concept_refinement_runtime::metrics::series::register;
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

/// Updated at each scrape.
pub struct RepeatedCalls(Family<Labels, Counter>);

impl RepeatedCalls {
    pub fn new(registry: &mut Registry) -> Self {
        let help = "Calls of a model that were repeated though the provider may have accepted an \
                    earlier one";
        Self(register(registry, "model_repeated_calls", help))
    }

    pub fn update(&self, calls: &payments::RepeatedCalls) {
        for (model, reason, count) in calls.counts() {
            let reason = reason.as_str();
            let counter = self.0.get_or_create(&Labels { model, reason });
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }
}

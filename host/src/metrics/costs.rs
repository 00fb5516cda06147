//! What accepted calls of models cost, as far as it is known.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use concept_refinement_runtime::metrics::series::register_in;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

/// In a dollar.
const MICRO_DOLLARS: f64 = 1_000_000.0;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The link's name.
    model: String,
}

/// Updated at each scrape.
pub struct Costs(Family<Labels, Counter<f64, AtomicU64>>);

impl Costs {
    pub fn new(registry: &mut Registry) -> Self {
        let help = "What accepted calls of a model cost, as far as it is known";
        let unit = Unit::Other("usd".to_owned());
        Self(register_in(registry, unit, "model_cost", help))
    }

    /// Creates the series of these models, with the cost 0.
    pub fn introduce(&self, models: impl IntoIterator<Item = String>) {
        for model in models {
            drop(self.0.get_or_create(&Labels { model }));
        }
    }

    /// `spent`: by model, in micro-dollars.
    pub fn update(&self, spent: &BTreeMap<String, u64>) {
        for (model, micros) in spent {
            let model = model.clone();
            let counter = self.0.get_or_create(&Labels { model });
            let dollars = *micros as f64 / MICRO_DOLLARS;
            counter.inc_by((dollars - counter.get()).max(0.0));
        }
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text;

    use super::*;

    #[test]
    fn a_cost_is_told_in_dollars_from_the_start() {
        let mut registry = Registry::default();
        let costs = Costs::new(&mut registry);
        costs.introduce(["local", "openai"].map(str::to_owned));
        for micros in [500_000, 2_250_000, 2_250_000, 0] {
            costs.update(&BTreeMap::from([("openai".to_owned(), micros)]));
        }
        let mut told = String::new();
        text::encode(&mut told, &registry).unwrap();
        for line in [
            "# UNIT model_cost_usd usd\n",
            "model_cost_usd_total{model=\"local\"} 0.0\n",
            "model_cost_usd_total{model=\"openai\"} 2.25\n",
        ] {
            assert!(told.contains(line), "{line}: {told}");
        }
    }
}

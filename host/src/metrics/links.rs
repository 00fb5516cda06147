//! Calls of the links of a chain of models, those behind its first one.

use std::sync::Arc;

use concept_refinement_capability::model::{LinkCalls, ModelAnswer, ModelError};
use concept_refinement_runtime::metrics::series::{Buckets, Histograms};
use futures::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::model::{OUTCOMES, outcome};
use super::timed::Timed;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// As the configuration names it, which bounds the names.
    link: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone)]
pub struct Links(Timed<Labels>);

impl Links {
    pub fn new(registry: &mut Registry) -> Self {
        let calls = Family::default();
        registry.register(
            "model_link_calls",
            "Calls of a link of a chain by the middleware before it",
            calls.clone(),
        );
        let durations = Histograms::new_with_constructor(Buckets::Work);
        registry.register_with_unit(
            "model_link_call_duration",
            "From a call of a link of a chain to its answer's beginning",
            Unit::Seconds,
            durations.clone(),
        );
        Self(Timed {
            counts: calls,
            durations,
        })
    }

    /// The calls of the link of this name.
    pub fn calls_of(&self, link: &str) -> Arc<dyn LinkCalls> {
        let link = Arc::from(link);
        for outcome in OUTCOMES {
            let labels = Labels {
                link: Arc::clone(&link),
                outcome,
            };
            drop(self.0.counts.get_or_create(&labels));
            drop(self.0.durations.get_or_create(&labels));
        }
        Arc::new(OfLink {
            calls: self.0.clone(),
            link,
        })
    }
}

struct OfLink {
    calls: Timed<Labels>,
    link: Arc<str>,
}

impl LinkCalls for OfLink {
    fn around<'a>(
        &'a self,
        call: BoxFuture<'a, Result<ModelAnswer, ModelError>>,
    ) -> BoxFuture<'a, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            let timer = self.calls.begin(|outcome| Labels {
                link: Arc::clone(&self.link),
                outcome,
            });
            let answer = call.await;
            timer.end(outcome(&answer));
            answer
        })
    }
}

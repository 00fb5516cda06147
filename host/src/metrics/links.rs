//! Calls of the links of a chain of models, those behind its first one.

use std::sync::Arc;
use std::time::Instant;

use futures::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::{Registry, Unit};

use super::model::{CANCELLED, OUTCOMES, outcome};
use super::series::{Buckets, Histograms, observe};
use crate::capability::model::{LinkCalls, ModelAnswer, ModelError};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// As the configuration names it, which bounds the names.
    link: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone)]
pub struct Links {
    calls: Family<Labels, Counter>,
    durations: Histograms<Labels>,
}

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
        Self { calls, durations }
    }

    /// The calls of the link of this name.
    pub fn calls_of(&self, link: &str) -> Arc<dyn LinkCalls> {
        let link = Arc::from(link);
        for outcome in OUTCOMES {
            let labels = Labels {
                link: Arc::clone(&link),
                outcome,
            };
            drop(self.calls.get_or_create(&labels));
            drop(self.durations.get_or_create(&labels));
        }
        Arc::new(OfLink {
            links: self.clone(),
            link,
        })
    }
}

struct OfLink {
    links: Links,
    link: Arc<str>,
}

impl LinkCalls for OfLink {
    fn around<'a>(
        &'a self,
        call: BoxFuture<'a, Result<ModelAnswer, ModelError>>,
    ) -> BoxFuture<'a, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            let mut measured = Call {
                of: self,
                begin: Instant::now(),
                outcome: CANCELLED,
            };
            let answer = call.await;
            measured.outcome = outcome(&answer);
            answer
        })
    }
}

/// A call in progress; if dropped without an outcome, it was cancelled.
struct Call<'a> {
    of: &'a OfLink,
    begin: Instant,
    outcome: &'static str,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        let labels = Labels {
            link: Arc::clone(&self.of.link),
            outcome: self.outcome,
        };
        self.of.links.calls.get_or_create(&labels).inc();
        let duration = self.of.links.durations.get_or_create(&labels);
        observe(&duration, self.begin.elapsed());
    }
}

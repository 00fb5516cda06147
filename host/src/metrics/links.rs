//! Calls of the links of a model chain, except for the first one.

use std::sync::Arc;

use concept_refinement_capability::model::{LinkCalls, ModelAnswer, ModelError};
use futures::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::registry::Registry;

use super::model::{OUTCOMES, outcome};
use super::timed::Timed;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The name from the configuration, which limits the number of values.
    link: Arc<str>,
    outcome: &'static str,
}

#[derive(Clone)]
pub struct Links(Timed<Labels>);

impl Links {
    pub fn new(registry: &mut Registry) -> Self {
        Self(Timed::new(
            registry,
            "model_link_call",
            "Calls of a link of a chain by the middleware before it",
            "From a call of a link of a chain to its answer's beginning",
        ))
    }

    /// The calls of the link of this name.
    pub fn calls_of(&self, link: &str) -> Arc<dyn LinkCalls> {
        let link = Arc::from(link);
        for outcome in OUTCOMES {
            let labels = Labels {
                link: Arc::clone(&link),
                outcome,
            };
            self.0.introduce(&labels);
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

//! Calls of the image model, and of the links of a chain except for the first one.

use std::sync::Arc;

use concept_refinement_capability::model::{
    ImageModel, ImageOrLocation, MemoryUse, ModelAnswer, ModelError, ModelRequest,
};
use futures::future::BoxFuture;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::registry::Registry;

use super::timed::{CANCELLED, Timed, Work};

const OUTCOMES: [&str; 8] = [
    "image",
    "location",
    "unavailable",
    "unknown",
    "refused",
    "unauthorized",
    "broken",
    CANCELLED,
];

/// Calls of the model.
pub fn calls(registry: &mut Registry) -> Work {
    let help = [
        "Calls of the model that run or wait for their turn",
        "Calls of the model, each try of a task",
        "From a call of the model to its answer's beginning",
    ];
    Work::new(registry, "model_call", help, &OUTCOMES)
}

/// What became of a call.
pub fn outcome(answer: &Result<ModelAnswer, ModelError>) -> &'static str {
    match answer {
        Ok(answer) => match answer.image {
            ImageOrLocation::Image { .. } => "image",
            ImageOrLocation::Location(_) => "location",
        },
        Err(error) => error.outcome(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    /// The name from the configuration, which limits the number of values.
    link: Arc<str>,
    outcome: &'static str,
}

/// Calls of the links of a chain.
pub struct Links(Timed<Labels>);

impl Links {
    /// Registers the series.
    pub fn new(registry: &mut Registry) -> Self {
        Self(Timed::new(
            registry,
            "model_link_call",
            "Calls of a link of a chain by the middleware before it",
            "From a call of a link of a chain to its answer's beginning",
        ))
    }

    /// The calls of the link of this name.
    pub fn calls_of(&self, link: &str) -> Work {
        let link = Arc::<str>::from(link);
        self.0.work(&OUTCOMES, |outcome| Labels {
            link: Arc::clone(&link),
            outcome,
        })
    }
}

/// A model whose calls are measured.
pub struct MeasuredModel {
    /// Its calls.
    pub calls: Arc<Work>,
    /// The model.
    pub model: Arc<dyn ImageModel>,
}

impl ImageModel for MeasuredModel {
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            let call = self.calls.begin();
            let answer = self.model.refine(request).await;
            call.end(outcome(&answer));
            answer
        })
    }

    fn at_once(&self) -> usize {
        self.model.at_once()
    }

    fn running(&self) -> usize {
        self.model.running()
    }

    fn memory(&self) -> Option<MemoryUse> {
        self.model.memory()
    }

    fn describe(&self) -> &str {
        self.model.describe()
    }
}

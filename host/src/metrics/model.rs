//! Calls of the image model.

use std::sync::Arc;

use concept_refinement_capability::model::{
    ImageModel, ImageOrLocation, MemoryUse, ModelAnswer, ModelError, ModelRequest,
};
use futures::future::BoxFuture;
use prometheus_client::registry::Registry;

use super::timed::{CANCELLED, Work};

pub(super) const OUTCOMES: [&str; 8] = [
    "image",
    "location",
    "unavailable",
    "unknown",
    "refused",
    "unauthorized",
    "broken",
    CANCELLED,
];

pub fn calls(registry: &mut Registry) -> Work {
    let help = [
        "Calls of the model that run or wait for their turn",
        "Calls of the model, each try of a task",
        "From a call of the model to its answer's beginning",
    ];
    Work::new(registry, "model_call", help, &OUTCOMES)
}

pub(super) fn outcome(answer: &Result<ModelAnswer, ModelError>) -> &'static str {
    match answer {
        Ok(answer) => match answer.image {
            ImageOrLocation::Image { .. } => "image",
            ImageOrLocation::Location(_) => "location",
        },
        Err(error) => error.outcome(),
    }
}

pub struct MeasuredModel {
    pub calls: Arc<Work>,
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

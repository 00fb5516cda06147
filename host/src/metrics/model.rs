//! Calls of the image model.

use std::sync::Arc;

use concept_refinement_capability::model::{
    ImageModel, ImageOrLocation, MemoryUse, ModelAnswer, ModelError, ModelRequest,
};
use concept_refinement_runtime::metrics::series::{Active, Label, register};
use futures::future::BoxFuture;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::timed::{CANCELLED, Timed};

const OUTCOME: &str = "outcome";
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

pub struct ModelCalls {
    calls: Timed<Label>,
    in_flight: Gauge,
}

impl ModelCalls {
    pub fn new(registry: &mut Registry) -> Self {
        let in_flight = "Calls of the model that run or wait for their turn";
        let in_flight = register(registry, "model_calls_in_flight", in_flight);
        let calls = Timed::new(
            registry,
            "model_call",
            "Calls of the model, each try of a task",
            "From a call of the model to its answer's beginning",
        );
        for outcome in OUTCOMES {
            calls.introduce(&[(OUTCOME, outcome)]);
        }
        Self { calls, in_flight }
    }
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
    pub calls: Arc<ModelCalls>,
    pub model: Arc<dyn ImageModel>,
}

impl ImageModel for MeasuredModel {
    fn refine(&self, request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            let _present = Active::of(&self.calls.in_flight);
            let timer = self.calls.calls.begin(|outcome| [(OUTCOME, outcome)]);
            let answer = self.model.refine(request).await;
            timer.end(outcome(&answer));
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

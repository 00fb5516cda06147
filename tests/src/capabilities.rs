//! A host's capabilities with the stores of a test: nothing is limited or shared.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::images::{ImageStore, Signing};
use concept_refinement_capability::leader_leases::OnlyHost;
use concept_refinement_capability::model::{ImageModel, ModelAnswer, ModelError, ModelRequest};
use concept_refinement_capability::queue::TaskQueue;
use concept_refinement_capability::tasks::TaskStore;
use concept_refinement_capability::traces::Traces;
use concept_refinement_capability::{Capabilities, Clock};
use futures::future::{BoxFuture, ready};

/// Without a model.
pub fn capabilities(
    clock: Arc<dyn Clock>,
    store: Arc<dyn TaskStore>,
    images: Arc<dyn ImageStore>,
    queue: Arc<dyn TaskQueue>,
) -> Capabilities {
    Capabilities {
        clock,
        store,
        images,
        queue,
        redeliveries: Arc::default(),
        model: Arc::new(NoModel),
        repeated_calls: Arc::default(),
        model_health: Default::default(),
        probes: Arc::default(),
        pause: Arc::default(),
        room: Arc::default(),
        traces: Traces::default(),
        leader_leases: Arc::new(OnlyHost),
    }
}

/// How images are signed where it does not matter.
pub fn signing() -> Signing {
    Signing {
        key: vec![7; 32],
        ttl: Duration::from_secs(3600),
        public_url: None,
    }
}

struct NoModel;

impl ImageModel for NoModel {
    fn refine(&self, _: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(ready(Err(ModelError::Refused("There is no model.".into()))))
    }

    fn describe(&self) -> &str {
        "no model"
    }
}

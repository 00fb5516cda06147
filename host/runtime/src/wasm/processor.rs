//! The processor component, with one instance per task.

use concept_refinement_capability::processor::{Outcome, Processor, Run};
use concept_refinement_capability::slots::Slot;
use wasmtime::Engine;

use crate::wasm::bindings::processor::ProcessorComponentPre;
use crate::wasm::bindings::processor::exports::concept::refinement::processor as wit;
use crate::wasm::sandbox::{Grants, Sandbox};

/// The processor: an instance for each message.
pub struct ProcessorComponent {
    engine: Engine,
    pre: ProcessorComponentPre<Sandbox>,
    grants: Grants,
}

impl ProcessorComponent {
    /// Starts an instance once, since only that compares the types of the component's
    /// exports. A component of another release may have the same names with other types.
    ///
    /// # Errors
    ///
    /// The component has no such function.
    pub async fn new(
        engine: &Engine,
        pre: &ProcessorComponentPre<Sandbox>,
        grants: Grants,
    ) -> anyhow::Result<Self> {
        let mut store = Sandbox::store(engine, &grants);
        pre.instantiate_async(&mut store).await?;
        Ok(Self {
            engine: engine.clone(),
            pre: pre.clone(),
            grants,
        })
    }
}

impl Processor for ProcessorComponent {
    fn start(&self, message: Vec<u8>, slot: Slot) -> Run {
        let mut store = Sandbox::store(&self.engine, &self.grants);
        store.data_mut().set_slot(slot);
        let (claimed, stage) = (store.data().claimed.clone(), store.data().stage.clone());
        let retry_later = store.data().retry_later.clone();
        let pre = self.pre.clone();
        let outcome = async move {
            let run = async {
                let processor = pre.instantiate_async(&mut store).await?;
                let processor = processor.concept_refinement_processor();
                store
                    .run_concurrent(async |accessor| {
                        processor.call_process(accessor, message).await
                    })
                    .await?
            };
            let outcome: wasmtime::Result<wit::Outcome> = run.await;
            outcome.map(Into::into).map_err(|error| {
                let printed = store.data().printed();
                anyhow::Error::from(error).context(printed)
            })
        };
        Run {
            claimed,
            stage,
            retry_later,
            outcome: Box::pin(outcome),
        }
    }
}

impl From<wit::Outcome> for Outcome {
    fn from(outcome: wit::Outcome) -> Self {
        match outcome {
            wit::Outcome::Done => Self::Done,
            wit::Outcome::Skipped => Self::Skipped,
            wit::Outcome::Rejected(reason) => Self::Rejected(reason),
            wit::Outcome::RetryLater(reason) => Self::RetryLater(reason),
        }
    }
}

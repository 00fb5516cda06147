//! The processor component, with one instance per task.

use concept_refinement_capability::processor::{Outcome, Processor, Run};
use concept_refinement_capability::slots::Slot;
use concept_refinement_capability::traces::Attempt;
use concept_refinement_domain::capability::Claimed;
use concept_refinement_domain::convert::Convert as _;

use crate::wasm::bindings::processor::ProcessorComponentPre;
use crate::wasm::bindings::processor::exports::concept::refinement::processor as wit;
use crate::wasm::sandbox::{Grants, Sandbox};

/// The processor: an instance for each task.
pub struct ProcessorComponent {
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
    pub async fn new(pre: ProcessorComponentPre<Sandbox>, grants: Grants) -> anyhow::Result<Self> {
        let mut store = Sandbox::store(pre.engine(), &grants);
        pre.instantiate_async(&mut store).await?;
        Ok(Self { pre, grants })
    }
}

impl Processor for ProcessorComponent {
    fn start(&self, claimed: Claimed, attempt: Attempt, slot: Slot) -> Run {
        let mut store = Sandbox::store(self.pre.engine(), &self.grants);
        let sandbox = store.data_mut();
        sandbox.grants.egress.set_slot(slot);
        sandbox.work_on(&claimed, attempt);
        let (stage, retry_later) = (sandbox.stage.clone(), sandbox.retry_later.clone());
        let claimed = claimed.convert();
        let pre = self.pre.clone();
        let outcome = async move {
            let run = async {
                let processor = pre.instantiate_async(&mut store).await?;
                let processor = processor.concept_refinement_processor();
                store
                    .run_concurrent(async |accessor| {
                        processor.call_process(accessor, claimed).await
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

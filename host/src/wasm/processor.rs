//! The processor component, one instance a task.

use std::pin::pin;

use anyhow::Context as _;
use wasmtime::Engine;
use wasmtime::component::{ComponentExportIndex, InstancePre, TypedFunc};

use crate::loops::processor::{Outcome, Processor, Run};
use crate::wasm::bindings::processor::ProcessorComponentPre;
use crate::wasm::bindings::processor::exports::concept::refinement::processor as wit;
use crate::wasm::idle_memory::MemoryPlace;
use crate::wasm::placed::Placed;
use crate::wasm::sandbox::{Grants, Sandbox};

const INTERFACE: &str = "concept:refinement/processor@0.1.0";

pub struct ProcessorComponent {
    engine: Engine,
    pre: InstancePre<Sandbox>,
    process: ComponentExportIndex,
    grants: Grants,
}

impl ProcessorComponent {
    /// Starts an instance once: only then are the types of what the component exports
    /// compared. Those of another release have the same names.
    ///
    /// # Errors
    ///
    /// The component has no such function.
    pub async fn new(
        engine: &Engine,
        pre: &ProcessorComponentPre<Sandbox>,
        grants: Grants,
    ) -> anyhow::Result<Self> {
        let pre = pre.instance_pre().clone();
        let component = pre.component();
        let process = component
            .get_export_index(None, INTERFACE)
            .and_then(|interface| component.get_export_index(Some(&interface), "process"))
            .with_context(|| format!("the processor does not export {INTERFACE}"))?;
        let mut store = Sandbox::store(engine, &grants);
        let instance = pre.instantiate_async(&mut store).await;
        let _: Process = instance.and_then(|it| it.get_typed_func(&mut store, process))?;
        Ok(Self {
            engine: engine.clone(),
            pre,
            process,
            grants,
        })
    }
}

type Process = TypedFunc<(Placed<Vec<u8>>,), (wit::Outcome,)>;

impl Processor for ProcessorComponent {
    fn start(&self, message: Vec<u8>) -> Run {
        let mut store = Sandbox::store(&self.engine, &self.grants);
        let (claimed, stage) = (store.data().claimed(), store.data().stage());
        let loan = store.data().loan();
        let setback = store.data().setback();
        let (pre, process) = (self.pre.clone(), self.process);
        let outcome = async move {
            let run = async {
                let processor = pre.instantiate_async(&mut store).await?;
                let process: Process = processor.get_typed_func(&mut store, process)?;
                store
                    .run_concurrent(async |accessor| {
                        let place = MemoryPlace::default();
                        let message = Placed {
                            value: message,
                            place: place.clone(),
                        };
                        let call = pin!(process.call_concurrent(accessor, (message,)));
                        let (outcome,) = place.idle_during(accessor, call).await?;
                        wasmtime::error::Ok(outcome)
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
            loan,
            setback,
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

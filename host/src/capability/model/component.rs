//! A model component, with an instance of its own for each call.
//!
//! A model without network and timer can only compute: as many of its calls run
//! at a time as there are cores. A model that can wait runs where its caller does,
//! until it computes (see [`Threads`]). A deadline or a trap ends the instance and
//! nothing else. An instance for which there is no memory at the moment ends too,
//! and the call is tried again when there is.

mod answer;
mod meter;
mod request;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use futures::future::{BoxFuture, pending};
use futures::{Stream, StreamExt as _, stream};
use tokio::sync::oneshot;
use tracing::Instrument as _;
use wasmtime::component::Component;

use super::admission::Admission;
use super::memory::{Admitted, ModelMemory};
use super::replay::Replay;
use super::threads::Threads;
use super::{ImageModel, MemoryUse, ModelAnswer, ModelError, ModelRequest, Setback};
use crate::stream_guard::guarded;
use crate::wasm::bindings::model::ImageModelComponentPre;
use crate::wasm::bounds;
use crate::wasm::idle_memory::MemoryPlace;
use crate::wasm::linker::model_linker;
use crate::wasm::sandbox::{Grants, Sandbox};
use answer::Refined;

/// How long a model may take to describe itself.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(5);

pub struct ModelComponent {
    calls: Arc<Calls>,
    at_once: usize,
    description: String,
}

/// What every call shares.
struct Calls {
    engine: wasmtime::Engine,
    pre: ImageModelComponentPre<Sandbox>,
    functions: answer::Functions,
    grants: Grants,
    limit: Duration,
    admission: Admission,
    can_wait: bool,
    threads: Threads,
}

impl ModelComponent {
    /// `limit` is the time of one call once it runs, `at_once` how many may run
    /// at a time, within `memory`.
    pub async fn new(
        engine: &wasmtime::Engine,
        component: &Component,
        grants: Grants,
        limit: Duration,
        at_once: usize,
        memory: Arc<ModelMemory>,
    ) -> anyhow::Result<Self> {
        let pre = model_linker(engine)
            .and_then(|linker| linker.instantiate_pre(component))
            .and_then(ImageModelComponentPre::new)
            .map_err(anyhow::Error::from)
            .context("the model component does not fit the interface image-model")?;
        let cores = std::thread::available_parallelism()?.get();
        let can_wait = can_wait(engine, component);
        let at_once = if can_wait {
            at_once
        } else {
            cores.min(at_once)
        };
        let admission = Admission::new(at_once, memory, !can_wait);
        let calls = Arc::new(Calls {
            engine: engine.clone(),
            functions: answer::Functions::of(component)?,
            pre,
            grants,
            limit,
            admission,
            can_wait,
            threads: Threads::start(cores)?,
        });
        let description = describe(&calls).await?;
        Ok(Self {
            calls,
            at_once,
            description,
        })
    }
}

impl ImageModel for ModelComponent {
    fn refine(&self, mut request: ModelRequest) -> BoxFuture<'_, Result<ModelAnswer, ModelError>> {
        Box::pin(async move {
            let stopped = || ModelError::Broken("the model was stopped".to_owned());
            let place = self.calls.admission.enter(&mut request).await;
            let mut place = place.ok_or_else(stopped)?;
            let request = Replay::new(request);
            loop {
                let admitted = place.admitted().await.ok_or_else(stopped)?;
                let (sender, answer) = oneshot::channel();
                let is_large = admitted.is_large();
                let call = call(Arc::clone(&self.calls), request.clone(), sender, admitted);
                let call = call.instrument(tracing::Span::current());
                let call = match self.calls.can_wait {
                    true => self.calls.threads.spawn_once_busy(call, is_large),
                    false => self.calls.threads.spawn(call),
                };
                return match answer.await {
                    Ok(Try::PutOff) => continue,
                    Ok(Try::Answered(Ok(ModelAnswer::Image {
                        media_type,
                        length,
                        contents,
                    }))) => {
                        let contents = contents.chain(no_end_after(request.setback()));
                        Ok(ModelAnswer::Image {
                            media_type,
                            length,
                            // Dropping them ends the call.
                            contents: Box::pin(guarded(contents, (call, place))),
                        })
                    }
                    Ok(Try::Answered(answer)) => answer,
                    // The call was dropped without an answer.
                    Err(_) => Err(stopped()),
                };
            }
        })
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    fn running(&self) -> usize {
        self.at_once.saturating_sub(self.calls.admission.free())
    }

    fn memory(&self) -> Option<MemoryUse> {
        Some(self.calls.admission.memory())
    }

    fn describe(&self) -> &str {
        &self.description
    }
}

/// Ends, unless there was a setback: who reads would take what there is for the
/// whole.
fn no_end_after(setback: Setback) -> impl Stream<Item = Bytes> + Send {
    let end = async move {
        if setback.is_set() {
            pending::<()>().await;
        }
    };
    stream::once(end).filter_map(async |()| None)
}

/// What came of one try of a call.
enum Try {
    Answered(Result<ModelAnswer, ModelError>),
    /// There was no memory for it.
    PutOff,
}

/// Runs one call, from instantiation to the last byte of its answer.
async fn call(
    calls: Arc<Calls>,
    request: Replay,
    answer: oneshot::Sender<Try>,
    admitted: Admitted,
) {
    let mut answer = Some(answer);
    let ended = run(&calls, &request, &mut answer, &admitted).await;
    // Its instance is gone by now.
    drop(admitted);
    if matches!(ended, Some(Try::PutOff)) {
        tracing::info!("there is no memory for the model's instance at the moment");
    }
    if let (Some(ended), Some(answer)) = (ended, answer) {
        let _ = answer.send(ended);
    }
}

/// None: it came to its end after it had answered.
async fn run(
    calls: &Calls,
    request: &Replay,
    answer: &mut Option<oneshot::Sender<Try>>,
    admitted: &Admitted,
) -> Option<Try> {
    let meter = Arc::new(admitted.meter());
    let mut store = Sandbox::metered(&calls.engine, &calls.grants, Some(meter));
    let run = async {
        let model = calls
            .pre
            .instance_pre()
            .instantiate_async(&mut store)
            .await?;
        let refine = calls.functions.refine(&model, &mut store)?;
        store
            .run_concurrent(async |accessor| {
                let place = MemoryPlace::default();
                let request = accessor.with(|mut access| {
                    request::to_wit(request.request(), place.clone(), &mut access)
                })?;
                let call = refine.call_concurrent(accessor, (request,));
                let (refined,): (Refined,) = place.idle_during(accessor, call).await?;
                let (refined, drained) =
                    accessor.with(|mut access| answer::from_wit(refined, &mut access))?;
                if let Some(answer) = answer.take() {
                    admitted.answered();
                    // The caller is gone; the instance ends with this call.
                    let _ = answer.send(Try::Answered(refined));
                }
                if let Some(drained) = drained {
                    let _ = drained.await;
                }
                wasmtime::error::Ok(())
            })
            .await?
    };
    let ended = {
        let mut run = pin!(tokio::time::timeout(calls.limit, run));
        let ended = tokio::select! {
            biased;
            ended = &mut run => Some(ended),
            () = admitted.ended() => None,
        };
        let is_whole = matches!(ended, Some(Ok(Ok(()))));
        if !is_whole && admitted.has_ended() && admitted.has_answered() {
            // Before the answer breaks off.
            request.setback().set();
        }
        ended
    };
    let printed = store.data().printed();
    let problem = match ended {
        Some(Ok(Ok(()))) => {
            if !printed.is_empty() {
                tracing::info!(printed, "the model said");
            }
            return None;
        }
        Some(_) if admitted.has_ended() => return Some(Try::PutOff),
        None => return Some(Try::PutOff),
        Some(Ok(Err(error))) => {
            let problem = match bounds::are_exceeded(&error) {
                true => "the model crashed: it asked the host to hold more for it than it may",
                false => "the model crashed",
            };
            tracing::error!(error = format!("{error:#}"), printed, "the model trapped");
            problem.to_owned()
        }
        Some(Err(_)) => {
            tracing::error!(limit = ?calls.limit, "the model did not answer in time");
            let seconds = calls.limit.as_secs_f32();
            format!("the model did not answer within {seconds} seconds")
        }
    };
    Some(Try::Answered(Err(ModelError::Broken(problem))))
}

async fn describe(calls: &Arc<Calls>) -> anyhow::Result<String> {
    let described = calls.threads.spawn({
        let calls = Arc::clone(calls);
        async move {
            let mut store = Sandbox::store(&calls.engine, &calls.grants);
            let model = calls
                .pre
                .instance_pre()
                .instantiate_async(&mut store)
                .await?;
            let describe = calls.functions.describe(&model, &mut store)?;
            store
                .run_concurrent(async |accessor| describe.call_concurrent(accessor, ()).await)
                .await?
        }
    });
    let (description,) = tokio::time::timeout(DESCRIBE_TIMEOUT, described)
        .await
        .context("the model component did not describe itself in time")?
        .context("the model component could not be started")?
        .map_err(anyhow::Error::from)
        .context("the model component could not be started")?;
    Ok(description.text)
}

/// Rust's standard library imports the timer of WASI 0.2 into every component,
/// used or not. Only a component that awaits a timer imports that of 0.3.
fn can_wait(engine: &wasmtime::Engine, component: &Component) -> bool {
    component.component_type().imports(engine).any(|(name, _)| {
        name.starts_with("wasi:http/client@0.3")
            || name.starts_with("wasi:clocks/monotonic-clock@0.3")
    })
}

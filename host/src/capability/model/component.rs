//! A model component, with an instance of its own for each call.
//!
//! A model without network and timer can only compute: as many of its calls run
//! at a time as there are cores and memory. A model that can wait runs where its
//! caller does, until it computes (see [`Threads`]). A deadline or a trap ends the
//! instance and nothing else.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tracing::Instrument as _;
use wasmtime::component::{Component, StreamReader};

use super::admission::{Admission, Admitted, Room};
use super::threads::Threads;
use super::{ImageModel, ModelAnswer, ModelError, ModelRequest};
use crate::stream_guard::guarded;
use crate::wasm::bindings::model::exports::concept::refinement::image_model as wit;
use crate::wasm::bindings::model::{ImageModelComponent, ImageModelComponentPre};
use crate::wasm::linker::model_linker;
use crate::wasm::sandbox::{Grants, Sandbox};
use crate::wasm::stream::{ByteStream, consume};

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
    grants: Grants,
    limit: Duration,
    admission: Admission,
    can_wait: bool,
    threads: Threads,
}

impl ModelComponent {
    /// `limit` is the time of one call once it runs, `at_once` how many may run
    /// at a time.
    pub async fn new(
        engine: &wasmtime::Engine,
        component: &Component,
        grants: Grants,
        limit: Duration,
        at_once: usize,
    ) -> anyhow::Result<Self> {
        let pre = model_linker(engine)
            .and_then(|linker| linker.instantiate_pre(component))
            .and_then(ImageModelComponentPre::new)
            .map_err(anyhow::Error::from)
            .context("the model component does not fit the interface image-model")?;
        let cores = std::thread::available_parallelism()?.get();
        let can_wait = can_wait(engine, component);
        let (at_once, admission) = if can_wait {
            (at_once, Admission::of_calls(at_once))
        } else {
            let at_once = cores.min(at_once);
            let room = Room::of_machine(grants.max_memory as u64, cores);
            tracing::debug!(mebibytes = room.total(), "memory for models");
            (at_once, Admission::within(at_once, room))
        };
        let calls = Arc::new(Calls {
            engine: engine.clone(),
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
            let Some(admitted) = self.calls.admission.admit(&mut request).await else {
                return Err(ModelError::Broken("the model was stopped".to_owned()));
            };
            let (sender, answer) = oneshot::channel();
            let call = call(Arc::clone(&self.calls), request, sender, admitted);
            let call = call.instrument(tracing::Span::current());
            let call = match self.calls.can_wait {
                true => self.calls.threads.spawn_once_busy(call),
                false => self.calls.threads.spawn(call),
            };
            match answer.await {
                Ok(Ok(ModelAnswer::Image {
                    media_type,
                    length,
                    contents,
                })) => Ok(ModelAnswer::Image {
                    media_type,
                    length,
                    // Dropping them ends the call.
                    contents: Box::pin(guarded(contents, call)),
                }),
                Ok(answer) => answer,
                // The call was dropped without an answer.
                Err(_) => Err(ModelError::Broken("the model was stopped".to_owned())),
            }
        })
    }

    fn at_once(&self) -> usize {
        self.at_once
    }

    fn running(&self) -> usize {
        self.at_once.saturating_sub(self.calls.admission.free())
    }

    fn describe(&self) -> &str {
        &self.description
    }
}

type Answer = oneshot::Sender<Result<ModelAnswer, ModelError>>;

/// Runs one call, from instantiation to the last byte of its answer.
async fn call(calls: Arc<Calls>, request: ModelRequest, answer: Answer, _admitted: Admitted) {
    let mut answer = Some(answer);
    let mut store = Sandbox::store(&calls.engine, &calls.grants);
    let run = async {
        let model = calls.pre.instantiate_async(&mut store).await?;
        store
            .run_concurrent(async |accessor| {
                let request = accessor.with(|mut access| to_wit(request, &mut access))?;
                let model = model.concept_refinement_image_model();
                let refined = model.call_refine(accessor, request).await?;
                let (refined, drained) =
                    accessor.with(|mut access| from_wit(refined, &mut access))?;
                if let Some(answer) = answer.take() {
                    // The caller is gone; the instance ends with this call.
                    let _ = answer.send(refined);
                }
                if let Some(drained) = drained {
                    let _ = drained.await;
                }
                wasmtime::error::Ok(())
            })
            .await?
    };
    let ended = tokio::time::timeout(calls.limit, run).await;
    let printed = store.data().printed();
    let problem = match ended {
        Ok(Ok(())) => {
            if !printed.is_empty() {
                tracing::info!(printed, "the model said");
            }
            return;
        }
        Ok(Err(error)) => {
            tracing::error!(error = format!("{error:#}"), printed, "the model trapped");
            "the model crashed".to_owned()
        }
        Err(_) => {
            tracing::error!(limit = ?calls.limit, "the model did not answer in time");
            let seconds = calls.limit.as_secs_f32();
            format!("the model did not answer within {seconds} seconds")
        }
    };
    if let Some(answer) = answer {
        let _ = answer.send(Err(ModelError::Broken(problem)));
    }
}

async fn describe(calls: &Arc<Calls>) -> anyhow::Result<String> {
    let described = calls.threads.spawn({
        let calls = Arc::clone(calls);
        async move {
            let mut store = Sandbox::store(&calls.engine, &calls.grants);
            let model: ImageModelComponent = calls.pre.instantiate_async(&mut store).await?;
            store
                .run_concurrent(async |accessor| {
                    let model = model.concept_refinement_image_model();
                    model.call_describe(accessor).await
                })
                .await?
        }
    });
    tokio::time::timeout(DESCRIBE_TIMEOUT, described)
        .await
        .context("the model component did not describe itself in time")?
        .context("the model component could not be started")?
        .map_err(anyhow::Error::from)
        .context("the model component could not be started")
}

fn to_wit(
    request: ModelRequest,
    store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<wit::Request> {
    let ModelRequest {
        prompt,
        strength,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        image,
    } = request;
    Ok(wit::Request {
        prompt,
        strength,
        logo_description,
        theme_description,
        media_type,
        length,
        source_url,
        image: StreamReader::new(store, ByteStream::new(image))?,
    })
}

type Converted = (
    Result<ModelAnswer, ModelError>,
    Option<oneshot::Receiver<()>>,
);

fn from_wit(
    answer: Result<wit::Answer, wit::Error>,
    store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<Converted> {
    Ok(match answer {
        Ok(wit::Answer::Image(wit::Image {
            media_type,
            length,
            contents,
        })) => {
            let (contents, drained) = consume(contents, store)?;
            let answer = ModelAnswer::Image {
                media_type,
                length,
                contents,
            };
            (Ok(answer), Some(drained))
        }
        Ok(wit::Answer::Location(url)) => (Ok(ModelAnswer::Location(url)), None),
        Err(wit::Error::Unavailable(wit::Unavailable {
            reason,
            retry_after,
        })) => {
            let error = ModelError::Unavailable {
                reason,
                retry_after: retry_after.map(Duration::from_millis),
            };
            (Err(error), None)
        }
        Err(wit::Error::Refused(reason)) => (Err(ModelError::Refused(reason)), None),
    })
}

/// Rust's standard library imports the timer of WASI 0.2 into every component,
/// used or not. Only a component that awaits a timer imports that of 0.3.
fn can_wait(engine: &wasmtime::Engine, component: &Component) -> bool {
    component.component_type().imports(engine).any(|(name, _)| {
        name.starts_with("wasi:http/client@0.3")
            || name.starts_with("wasi:clocks/monotonic-clock@0.3")
    })
}

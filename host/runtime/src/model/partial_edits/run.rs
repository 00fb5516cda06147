//! One call of the component `masked`, from instantiation to the last byte of what it makes.

use std::pin::pin;
use std::sync::Arc;

use concept_refinement_capability::model::RetryLater;
use concept_refinement_domain::convert::Convert as _;
use concept_refinement_domain::note;
use concept_refinement_domain::partial_edit;
use futures::future::join_all;
use tokio::sync::oneshot;
use wasmtime::AsContextMut;
use wasmtime::component::StreamReader;

use super::{Call, Made, Part, PartialEdits, Picture, Stream};
use crate::model::admission::pixels;
use crate::model::convert::shortened;
use crate::model::held;
use crate::model::memory::{Admitted, Try};
use crate::model::output::{Log, Output};
use crate::wasm::bindings::capabilities::concept::refinement::model_types;
use crate::wasm::bindings::masked::Masked;
use crate::wasm::bindings::masked::exports::concept::refinement::partial_edits as wit;
use crate::wasm::bounds;
use crate::wasm::sandbox::Sandbox;
use crate::wasm::stream::{ByteStream, consume};

/// The name of the component in the log.
const NAME: &str = "masked";

/// What was made, and what completes when its streams were read.
type Answer = (Result<Made, String>, Vec<oneshot::Receiver<()>>);

impl PartialEdits {
    /// One try of a call: sends the answer once, and goes on until it was read.
    pub(super) async fn run(
        self: Arc<Self>,
        call: Call,
        retry_later: RetryLater,
        admitted: Arc<Admitted>,
        answer: oneshot::Sender<Try<Result<Made, String>>>,
    ) {
        let grants = &self.grants;
        let mut answer = Some(answer);
        let output = Arc::new(Output::new(
            NAME,
            Arc::clone(&grants.redaction),
            Arc::new(Log),
        ));
        let meter = Arc::new(admitted.meter());
        let printer = Arc::<Output>::clone(&output);
        let mut store = Sandbox::of_model(self.pre.engine(), grants, Some(meter), printer);
        let run = async {
            let masked = self.pre.instantiate_async(&mut store).await?;
            store
                .run_concurrent(async |accessor| {
                    let (made, drained) = made(&masked, accessor, call).await?;
                    if let Some(answer) = answer.take() {
                        admitted.answered();
                        // The caller may be gone; then the instance ends with this call.
                        let _ = answer.send(Try::Answered(made));
                    }
                    join_all(drained).await;
                    wasmtime::error::Ok(())
                })
                .await?
        };
        let ended = {
            let mut run = pin!(run);
            tokio::select! {
                biased;
                ended = &mut run => Some(ended),
                () = admitted.ended() => None,
            }
        };
        if admitted.has_ended() && admitted.has_answered() {
            // This has to happen before the streams break off.
            retry_later.set();
        }
        output.end();
        let ended = match ended {
            Some(Ok(())) => return,
            Some(Err(_)) | None if admitted.has_ended() => Try::PutOff,
            None => Try::PutOff,
            Some(Err(error)) => {
                tracing::debug!(error = format!("{error:#}"), "an edit trapped");
                let limit = store.data().lacked_memory().then_some(grants.max_memory);
                output.crashed(&error, limit);
                let problem = match bounds::are_exceeded(&error) || limit.is_some() {
                    true => "the image needs more memory to be edited in part than there is",
                    false => "the edit of a part crashed",
                };
                Try::Answered(Err(problem.to_owned()))
            }
        };
        drop(store);
        drop(admitted);
        if let Some(answer) = answer {
            let _ = answer.send(ended);
        }
    }
}

async fn made(
    masked: &Masked,
    accessor: &wasmtime::component::Accessor<Sandbox>,
    call: Call,
) -> wasmtime::Result<Answer> {
    let masked = masked.concept_refinement_partial_edits();
    match call {
        Call::Prepare {
            original,
            part,
            part_only,
        } => {
            let (original, part) = accessor.with(|mut access| {
                let part = match part {
                    Part::Region(region) => wit::Part::Region(region.convert()),
                    Part::Mask(mask) => wit::Part::Mask(mask.mask(&mut access)?),
                };
                wasmtime::error::Ok((original.original(&mut access)?, part))
            })?;
            let view = masked.call_prepare(accessor, original, part, part_only);
            let view = match view.await? {
                Ok(view) => view,
                Err(reason) => return Ok((Err(shortened(reason)), Vec::new())),
            };
            accessor.with(|mut access| {
                let mask = model_types::Image {
                    media_type: view.mask.media_type,
                    length: Some(view.mask.length),
                    contents: view.mask.contents,
                };
                let (mask, drained) = stream(mask, &mut access)?;
                let mut all = vec![drained];
                let image = match view.image {
                    Some(image) => {
                        let (stream, drained) = stream(image, &mut access)?;
                        all.push(drained);
                        Some(stream)
                    }
                    None => None,
                };
                let made = Made::View {
                    image,
                    mask,
                    area: view.area.convert(),
                    result_length: view.result_length,
                };
                Ok((Ok(made), all))
            })
        }
        Call::Compose {
            original,
            mask,
            area,
            feather,
            answer,
        } => {
            let (original, mask, answer) = accessor.with(|mut access| {
                let answer = model_types::Image {
                    media_type: answer.media_type.clone(),
                    length: Some(answer.length),
                    contents: answer.contents(&mut access)?,
                };
                let mask = mask.mask(&mut access)?;
                wasmtime::error::Ok((original.original(&mut access)?, mask, answer))
            })?;
            let composite =
                masked.call_compose(accessor, original, mask, area.convert(), feather, answer);
            let composite = match composite.await? {
                Ok(composite) => composite,
                Err(reason) => return Ok((Err(shortened(reason)), Vec::new())),
            };
            accessor.with(|mut access| {
                let (image, drained) = stream(composite.image, &mut access)?;
                let notes = note::bounded(composite.notes);
                Ok((Ok(Made::Composite { image, notes }), vec![drained]))
            })
        }
    }
}

/// What an image is read from, and what completes when it was.
fn stream(
    image: model_types::Image,
    store: impl AsContextMut,
) -> wasmtime::Result<(Stream, oneshot::Receiver<()>)> {
    let consumed = consume(image.contents, store)?;
    let stream = Stream {
        media_type: shortened(image.media_type),
        length: image.length,
        contents: consumed.chunks,
    };
    Ok((stream, consumed.drained))
}

impl Picture {
    fn contents(&self, store: impl AsContextMut) -> wasmtime::Result<StreamReader<u8>> {
        StreamReader::new(
            store,
            ByteStream::of((self.open)(), Some(Arc::clone(&self.open))),
        )
    }

    fn mask(&self, store: impl AsContextMut) -> wasmtime::Result<model_types::Mask> {
        Ok(model_types::Mask {
            media_type: self.media_type.clone(),
            length: self.length,
            contents: self.contents(store)?,
        })
    }

    fn original(&self, store: impl AsContextMut) -> wasmtime::Result<wit::Original> {
        Ok(wit::Original {
            media_type: self.media_type.clone(),
            length: self.length,
            contents: self.contents(store)?,
        })
    }

    /// Width times height. None: they are not found.
    async fn pixels(&self) -> Option<u64> {
        pixels(&mut (self.open)()).await
    }
}

impl Call {
    /// How much memory its instance needs at most, in bytes.
    pub async fn need(&self) -> u64 {
        match self {
            Self::Prepare { original, part, .. } => {
                let mask = match part {
                    Part::Region(_) => None,
                    Part::Mask(mask) => Some(mask),
                };
                let pixels = larger(original, mask).await;
                let mask_length = mask.map_or(0, |mask| mask.length);
                partial_edit::prepare_need(pixels, original.length, mask_length)
            }
            Self::Compose {
                original, answer, ..
            } => {
                let pixels = larger(original, Some(answer)).await;
                partial_edit::compose_need(pixels, original.length, answer.length)
            }
        }
    }
}

/// The pixels of the larger of two images, as many as there can be where they are not found.
async fn larger(one: &Picture, other: Option<&Picture>) -> u64 {
    let first = one.pixels().await.unwrap_or(u64::MAX);
    match other {
        Some(other) => first.max(other.pixels().await.unwrap_or(u64::MAX)),
        None => first,
    }
}

impl Made {
    /// With streams that hold their call: dropping the last of them ends it.
    pub fn held<C: Send + Sync + 'static>(self, retry_later: &RetryLater, call: &Arc<C>) -> Self {
        let held = |stream: Stream| stream.held(retry_later, call);
        match self {
            Self::View {
                image,
                mask,
                area,
                result_length,
            } => Self::View {
                image: image.map(held),
                mask: held(mask),
                area,
                result_length,
            },
            Self::Composite { image, notes } => Self::Composite {
                image: held(image),
                notes,
            },
        }
    }
}

impl Stream {
    fn held<C: Send + Sync + 'static>(self, retry_later: &RetryLater, call: &Arc<C>) -> Self {
        let (retry_later, call) = (retry_later.clone(), Arc::clone(call));
        Self {
            contents: held::contents(self.contents, retry_later, call),
            ..self
        }
    }
}

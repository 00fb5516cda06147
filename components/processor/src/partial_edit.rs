//! Refines a part of an original: prepares what the model sees, asks it, and puts its answer
//! into the original.
//!
//! Before the model is asked, all that could fail without it has not, and there is space for
//! the result.

use std::iter;

use concept_refinement_domain::note;
use concept_refinement_domain::partial_edit::FEATHER_OPTION;
use concept_refinement_domain::task::{Stage, Task};
use concept_refinement_domain::timestamp::Timestamp;

use crate::config::Config;
use crate::contents::{Contents, Draft, Rejected};
use crate::ports::{Images, ModelRequest, Part, Ports, Purpose, StreamOf};
use crate::process::Interrupted;
use crate::reason::Reason;
use crate::refine::{Refined, refine};

/// How many pixels of the edge blend, where the user does not say.
const FEATHER: u32 = 8;

/// The refinement of a part of an original.
pub async fn refine_part<P: Ports>(
    ports: &P,
    (original, part): (&Contents<P::Blob>, Part<P::Blob>),
    task: &Task,
    request: ModelRequest,
    deadline: Timestamp,
    config: &Config,
) -> Result<Refined<P::Blob>, Interrupted> {
    let refinement = &task.refinement;
    let feather = refinement.mask_feather.unwrap_or(FEATHER);
    let part_only = refinement.region_only.unwrap_or(false);
    let view = ports.prepare(original, &part, part_only).await;
    let view = view.map_err(|reason| failed(Reason::refusal(reason)))?;
    drop(part);
    let image = match view.image {
        Some(image) => Some(stored(ports, image, config).await.map_err(interrupted)?),
        None => None,
    };
    let mask = stored(ports, view.mask, config)
        .await
        .map_err(interrupted)?;
    let result = config.composite_limits(view.result_length);
    let both = Draft::reserve_two(ports, config.answer_limits(), result).await;
    let (space, draft) = both.map_err(interrupted)?;

    let request = ModelRequest {
        media_type: match &image {
            Some(image) => image.format().media_type(),
            None => request.media_type,
        },
        // There, the original is as it was.
        source_url: request.source_url.filter(|_| image.is_none()),
        options: vec![(FEATHER_OPTION.to_owned(), feather.to_string())],
        ..request
    };
    let images = Images {
        image: image.as_ref().unwrap_or(original),
        mask: Some(&mask),
    };
    let refined = refine(ports, request, &images, Some(space), deadline, config).await;
    let Refined {
        image: answer,
        notes,
        source_type,
    } = refined.map_err(failed)?;
    drop(image);

    let view = (&mask, view.area);
    let composite = ports.compose(original, view, feather, &answer).await;
    let composite = composite.map_err(|reason| failed(Reason::fault(reason)))?;
    let notes: Vec<_> = iter::chain(composite.notes, notes).collect();
    let image = draft.filled(composite.image).await;
    Ok(Refined {
        image: image.map_err(interrupted)?,
        notes: note::bounded(&notes),
        source_type,
    })
}

fn failed(reason: Reason) -> Interrupted {
    Interrupted::Failed(Stage::Refining, reason)
}

fn interrupted(rejected: Rejected) -> Interrupted {
    match rejected {
        Rejected::NoRoom(error) => Interrupted::Store(error),
        Rejected::Unusable(reason) => failed(Reason::fault(reason)),
    }
}

/// An image that was made for the model, outside of the instance that made it.
async fn stored<P: Ports>(
    ports: &P,
    image: StreamOf<P>,
    config: &Config,
) -> Result<Contents<P::Blob>, Rejected> {
    let limits = config.composite_limits(u64::MAX);
    let draft = Draft::reserve(ports, None, Purpose::Original, None, limits).await?;
    draft.filled(image).await
}

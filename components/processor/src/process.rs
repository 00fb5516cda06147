//! The six steps of the pipeline, under a lease.

use std::cell::{Cell, OnceCell};
use std::time::Duration;

use concept_refinement_domain::aspect;
use concept_refinement_domain::capability::{
    CapabilityError, Claimed, Fenced, Finished, ImageInfo, ImageKind, ImageLength, Lease, NewImage,
    RefinedImage, Stored, StoredOrNot, TaskFailure,
};
use concept_refinement_domain::image::Format;
use concept_refinement_domain::image_path::{ImagePath, tag_of, without_format};
use concept_refinement_domain::lease::time_limit;
use concept_refinement_domain::payment::receipt_key;
use concept_refinement_domain::provenance::{ORIGINAL_HAD_CREDENTIALS, Provenance};
use concept_refinement_domain::refined;
use concept_refinement_domain::sentence::failed;
use concept_refinement_domain::signature;
use concept_refinement_domain::strength::Strength;
use concept_refinement_domain::task::{Stage, Task};
use concept_refinement_domain::task_image::task_of_path;
use concept_refinement_domain::timestamp::Timestamp;

use crate::config::Config;
use crate::contents::{Contents, Draft, Metadata, Received, Rejected};
use crate::download::{DownloadError, download};
use crate::partial_edit::refine_part;
use crate::ports::{Blob, Clock, Images, ModelRequest, Part, Ports, Purpose};
use crate::reason::Reason;
use crate::refine::{Refined, refine};

/// Delay before an image store that cannot be reached, or is full, is tried again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// The outcome for the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The task is completed or failed: acknowledge it.
    Done,
    /// The lease is lost, or the task was deleted: acknowledge it.
    Skipped,
    /// A capability could not be used: release the lease, and deliver it again later.
    RetryLater(String),
    /// It cannot be processed: acknowledge it, trying again cannot help.
    Rejected(String),
}

/// Why the steps were interrupted.
pub enum Interrupted {
    /// The task fails, with a reason for its user.
    Failed(Stage, Reason),
    /// The lease is lost.
    Lost,
    /// The task has ended in another way, or was deleted.
    Over,
    /// The task store failed, or there is no space for the original.
    Store(CapabilityError),
}

/// Progress of the steps.
struct Track {
    stage: Cell<Stage>,
    /// Path of the refined image, set as soon as the image may be stored.
    path: OnceCell<String>,
}

impl From<CapabilityError> for Interrupted {
    fn from(error: CapabilityError) -> Self {
        Self::Store(error)
    }
}

/// Processes a task that the caller has claimed, whose lease it renews meanwhile.
pub async fn process(ports: &impl Ports, config: &Config, claimed: &Claimed) -> Outcome {
    run(ports, config, claimed)
        .await
        .unwrap_or_else(|error| match error.is_repeatable() {
            true => Outcome::RetryLater(error.message),
            false => Outcome::Rejected(error.message),
        })
}

async fn run(
    ports: &impl Ports,
    config: &Config,
    claimed: &Claimed,
) -> Result<Outcome, CapabilityError> {
    let track = Track {
        stage: Cell::new(Stage::Downloading),
        path: OnceCell::new(),
    };
    let (stage, reason) = match in_time(ports, config, claimed, &track).await {
        Ok(()) => return Ok(Outcome::Done),
        Err(Interrupted::Lost) => {
            remove_unfinished(ports, &track).await;
            return Ok(Outcome::Skipped);
        }
        Err(Interrupted::Over) => {
            remove_image(ports, &track).await;
            return Ok(Outcome::Skipped);
        }
        Err(Interrupted::Store(error)) if error.is_repeatable() => return Err(error),
        Err(Interrupted::Store(error)) => (track.stage.get(), Reason::fault(error.message)),
        Err(Interrupted::Failed(stage, reason)) => (stage, reason),
    };
    let failure = TaskFailure {
        stage: Some(stage),
        is_refusal: reason.is_refusal,
        error_message: failed(stage, &reason.to_string()),
    };
    if ports.fail(&claimed.lease, failure).await? == Fenced::Lost {
        remove_unfinished(ports, &track).await;
        return Ok(Outcome::Skipped);
    }
    remove_image(ports, &track).await;
    remove_leftovers(ports, claimed, None).await;
    Ok(Outcome::Done)
}

/// Best effort: an unneeded image is invisible, but on a full disk it takes space that
/// others need.
async fn remove_image(ports: &impl Ports, track: &Track) {
    if let Some(path) = track.path.get() {
        let _ = ports.delete_image(path).await;
    }
}

/// The same for an image whose storing did not finish, if another worker has the task. If
/// the image was stored after all, it belongs to that worker; so only the path without
/// the format is deleted.
async fn remove_unfinished(ports: &impl Ports, track: &Track) {
    if let Some(path) = track.path.get()
        && track.stage.get() == Stage::StoringImage
    {
        let _ = ports.delete_image(without_format(path)).await;
    }
}

/// The same for what an ended task leaves: images that earlier attempts have stored, and uploads
/// that came with it, since whoever uploaded them may be stopping.
async fn remove_leftovers(ports: &impl Ports, claimed: &Claimed, needed: Option<&str>) {
    let task = &claimed.task;
    let uploads = [&task.original_path, &task.mask_path].into_iter().flatten();
    let own = uploads.filter(|path| task_of_path(path) == Some(task.id.as_str()));
    let paths = earlier_paths(claimed).chain(own.cloned());
    for path in paths.filter(|path| Some(path.as_str()) != needed) {
        let _ = ports.delete_image(&path).await;
    }
}

/// Runs the steps until the task's deadline.
async fn in_time(
    ports: &impl Ports,
    config: &Config,
    claimed: &Claimed,
    track: &Track,
) -> Result<(), Interrupted> {
    let now = ports.now();
    let limit = time_limit(&claimed.task, config.task_timeout, now);
    let work = steps(ports, config, claimed, now.plus(limit), track);
    ports.timeout(limit, work).await.unwrap_or_else(|| {
        // Where its own deadline ended it, that is counted from its submission.
        let deadline = claimed.task.refinement.deadline_seconds;
        let seconds = match deadline.filter(|_| limit < config.task_timeout) {
            Some(seconds) => seconds as f32,
            None => config.task_timeout.as_secs_f32(),
        };
        let reason = format!("the task took longer than {seconds} seconds");
        Err(Interrupted::Failed(
            track.stage.get(),
            Reason::fault(reason),
        ))
    })
}

async fn steps(
    ports: &impl Ports,
    config: &Config,
    claimed: &Claimed,
    deadline: Timestamp,
    Track { stage, path }: &Track,
) -> Result<(), Interrupted> {
    let Claimed { lease, task, .. } = claimed;
    let begin = async |began| {
        stage.set(began);
        ports.began(lease, began).await;
    };
    let refined = match stored_earlier(ports, config, claimed).await? {
        Some(refined) => refined,
        None => {
            begin(Stage::Downloading).await;
            let own = task.original_path.as_deref();
            let original = image(ports, config, own, task.original_address()).await?;
            let original_had_credentials = original.metadata().has_credentials;
            let is_stripped = config.strips_originals && original.metadata().is_strippable;
            let original = match is_stripped {
                true => original.stripped().await?,
                false => original,
            };
            let part = part(ports, config, task).await?;

            begin(Stage::Refining).await;
            let request = model_request(ports, config, claimed, &original, is_stripped).await?;
            let refined = match part {
                None => {
                    let images = Images {
                        image: &original,
                        mask: None,
                    };
                    refine(ports, request, &images, None, deadline, config)
                        .await
                        .map_err(|reason| Interrupted::Failed(Stage::Refining, reason))?
                }
                // Boxed, so that other tasks need less memory.
                Some(part) => {
                    let edit =
                        refine_part(ports, (&original, part), task, request, deadline, config);
                    Box::pin(edit).await?
                }
            };
            drop(original);

            begin(Stage::StoringImage).await;
            let (refined, provenance) = marked(config, refined, original_had_credentials).await?;
            let image = new_image(lease, task, &refined.image, &provenance);
            if let Some(named) = ImagePath::of(&image) {
                path.get_or_init(|| named.to_string());
            }
            RefinedImage {
                stored: store_refined_image(ports, &image, &refined.image).await?,
                notes: refined.notes,
                provenance: Some(provenance),
            }
        }
    };

    let stored_path = refined.stored.path.clone();
    path.get_or_init(|| stored_path.clone());
    begin(Stage::StoringConcept).await;
    match ports.finish(lease, refined).await? {
        Finished::Done => {
            remove_leftovers(ports, claimed, Some(&stored_path)).await;
            Ok(())
        }
        Finished::Lost => Err(Interrupted::Lost),
        Finished::Over => Err(Interrupted::Over),
    }
}

/// A model's answer, which is marked unless it says itself that a model made it.
async fn marked<B: Blob>(
    config: &Config,
    refined: Refined<B>,
    original_had_credentials: bool,
) -> Result<(Refined<B>, Provenance), CapabilityError> {
    let metadata = refined.image.metadata();
    let says_so = metadata.has_credentials || metadata.source_type.is_some();
    if says_so || !config.marks_images {
        let provenance = provenance(metadata, original_had_credentials);
        return Ok((refined, provenance));
    }
    let source_type = refined.source_type;
    let refined = Refined {
        image: refined.image.marked(source_type).await?,
        ..refined
    };
    let source = source_type.as_str().to_owned();
    let provenance = Provenance::of(false, Some(source), original_had_credentials);
    Ok((refined, provenance))
}

/// Of an image that stays as it is.
fn provenance(image: &Metadata, original_had_credentials: bool) -> Provenance {
    let source_type = image.source_type.clone();
    Provenance::of(image.has_credentials, source_type, original_had_credentials)
}

/// The image of an earlier attempt that was interrupted after storing it. The model's notes
/// on it are lost; what it says of itself is read again.
async fn stored_earlier<P: Ports>(
    ports: &P,
    config: &Config,
    claimed: &Claimed,
) -> Result<Option<RefinedImage>, Interrupted> {
    for path in earlier_paths(claimed) {
        let found = reached(ports, async || ports.stat(&path).await).await?;
        if let Some(ImageInfo {
            sha256,
            original_had_credentials,
            ..
        }) = found
        {
            let provenance = match stored_image(ports, config, &path).await {
                Ok(image) => Some(provenance(image.metadata(), original_had_credentials)),
                Err(Interrupted::Store(error)) if error.is_repeatable() => return Err(error.into()),
                // What was paid for is not thrown away for this.
                Err(_) => None,
            };
            let public_url = config.public_url.as_deref().unwrap_or_default();
            let url = signature::address(public_url, &path);
            return Ok(Some(RefinedImage {
                stored: Stored { path, url, sha256 },
                notes: Vec::new(),
                provenance,
            }));
        }
    }
    if claimed.lease.attempt > 1 && ports.renew(&claimed.lease).await?.is_none() {
        // It may have been deleted with its task since the claim.
        return Err(Interrupted::Lost);
    }
    Ok(None)
}

/// Where earlier attempts may have stored an image, the newest first.
fn earlier_paths(Claimed { lease, task, .. }: &Claimed) -> impl Iterator<Item = String> {
    let tag = tag_of(&task.user_id);
    (1..lease.attempt).rev().flat_map(move |attempt| {
        let name = refined::name(&task.id, attempt);
        Format::ALL.map(|format| {
            let path = ImagePath {
                kind: ImageKind::Refined,
                tag: tag.clone(),
                name: name.clone(),
                format,
            };
            path.to_string()
        })
    })
}

/// What is to change, if that is not the whole image.
async fn part<P: Ports>(
    ports: &P,
    config: &Config,
    task: &Task,
) -> Result<Option<Part<P::Blob>>, Interrupted> {
    if let Some(region) = task.refinement.region {
        return Ok(Some(Part::Region(region)));
    }
    let Some(url) = &task.refinement.mask_url else {
        return Ok(None);
    };
    let mask = image(ports, config, task.mask_path.as_deref(), url).await;
    match mask {
        Ok(mask) => Ok(Some(Part::Mask(mask))),
        Err(Interrupted::Failed(stage, reason)) => {
            Err(Interrupted::Failed(stage, reason.about("the mask")))
        }
        Err(interrupted) => Err(interrupted),
    }
}

/// An image of this service, or else one of another address.
async fn image<P: Ports>(
    ports: &P,
    config: &Config,
    path: Option<&str>,
    url: &str,
) -> Result<Contents<P::Blob>, Interrupted> {
    if let Some(path) = path {
        return stored_image(ports, config, path).await;
    }
    let deadline = ports.now().plus(config.download_timeout);
    let downloaded = download(ports, url, Purpose::Original, None, deadline, config).await;
    downloaded.map_err(|error| match error {
        DownloadError::Contents(Rejected::NoRoom(error)) => Interrupted::Store(error),
        error => Interrupted::Failed(Stage::Downloading, Reason::refusal(error.to_string())),
    })
}

/// An image of this service. If reading breaks off, it is read again, since stored images
/// are complete. Only the task's deadline ends this: the store is near, but other tasks
/// may compute in the same instance for longer than a download may take.
async fn stored_image<P: Ports>(
    ports: &P,
    config: &Config,
    path: &str,
) -> Result<Contents<P::Blob>, Interrupted> {
    let limits = config.stored_limits();
    let failed = |reason| Interrupted::Failed(Stage::Downloading, Reason::refusal(reason));
    loop {
        let found = reached(ports, async || ports.image(path).await).await;
        let found = found.map_err(|error| {
            Interrupted::Failed(Stage::Downloading, Reason::fault(error.message))
        })?;
        let Some((info, stream)) = found else {
            return Err(failed("the image is no longer stored here".to_owned()));
        };
        let read = async {
            let (purpose, declared) = (Purpose::Original, Some(info.size));
            let mut draft = Draft::reserve(ports, None, purpose, declared, limits).await?;
            let received = draft.fill(stream).await?;
            Ok((draft, received))
        };
        match read.await {
            Ok((draft, Received::Whole(inspected))) => return Ok(draft.whole(inspected)),
            Ok((_, Received::Part(_))) => ports.sleep(STORE_PAUSE).await,
            Err(Rejected::NoRoom(error)) => return Err(Interrupted::Store(error)),
            Err(rejected) => return Err(failed(rejected.to_string())),
        }
    }
}

/// The store's answer once it can be reached and has room, however often it takes; only the
/// task's deadline ends this. Until then the task keeps its state, above all the model's
/// answer.
async fn reached<T>(
    clock: &impl Clock,
    mut ask: impl AsyncFnMut() -> Result<T, CapabilityError>,
) -> Result<T, CapabilityError> {
    loop {
        match ask().await {
            Err(error) if error.is_repeatable() => clock.sleep(STORE_PAUSE).await,
            answer => return answer,
        }
    }
}

async fn model_request<P: Ports>(
    ports: &P,
    config: &Config,
    Claimed { lease, task, .. }: &Claimed,
    original: &Contents<P::Blob>,
    is_stripped: bool,
) -> Result<ModelRequest, Interrupted> {
    // A provider can fetch an image of this service only if the public URL is configured, and
    // no image from elsewhere without its metadata.
    let source_url = match (&task.original_path, &config.public_url) {
        _ if is_stripped => None,
        (None, _) => Some(task.original_address().to_owned()),
        (Some(path), Some(public_url)) => Some(ports.sign(path, public_url).await?),
        (Some(_), None) => None,
    };
    let aspects = task.refinement.preserve_aspects.as_deref();
    let aspects = aspects.unwrap_or_default();
    let strength = task.refinement.strength.unwrap_or(Strength::DEFAULT);
    Ok(ModelRequest {
        task_id: task.id.clone(),
        prompt: aspect::prompt_with(task.refinement.refinement_prompt.trim(), aspects),
        strength: strength.value() as f32,
        seed: task.refinement.seed,
        logo_description: task.refinement.logo_description.clone(),
        theme_description: task.refinement.theme_description.clone(),
        media_type: original.format().media_type(),
        source_url,
        receipt_key: receipt_key(lease),
        time_left: config.task_timeout,
        options: Vec::new(),
    })
}

fn new_image<B>(
    lease: &Lease,
    task: &Task,
    refined: &Contents<B>,
    provenance: &Provenance,
) -> NewImage {
    let refinement = &task.refinement;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut metadata = vec![
        ("logo_description", text(&refinement.logo_description)),
        ("theme_description", text(&refinement.theme_description)),
        ("refinement_prompt", refinement.refinement_prompt.clone()),
        ("task_id", task.id.clone()),
        ("is_refinement", "true".to_owned()),
    ];
    if provenance.original_had_credentials {
        metadata.push((ORIGINAL_HAD_CREDENTIALS, "true".to_owned()));
    }
    let metadata = metadata.into_iter();
    NewImage {
        kind: ImageKind::Refined,
        name: refined::name(&task.id, lease.attempt),
        owner: task.user_id.clone(),
        media_type: refined.format().media_type().to_owned(),
        length: ImageLength::Exactly(refined.length()),
        metadata: metadata
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        limits: None,
    }
}

async fn store_refined_image<P: Ports>(
    ports: &P,
    image: &NewImage,
    refined: &Contents<P::Blob>,
) -> Result<Stored, Interrupted> {
    let failed = |reason: String| Interrupted::Failed(Stage::StoringImage, Reason::fault(reason));
    let put = async || ports.put(image.clone(), refined).await;
    match reached(ports, put).await {
        Ok(StoredOrNot::Stored(stored)) => Ok(stored),
        Ok(StoredOrNot::LimitReached(_)) => Err(failed("too many images are kept".to_owned())),
        Ok(StoredOrNot::WrongLength) => Err(failed("the image was cut short".to_owned())),
        Err(error) => Err(failed(error.message)),
    }
}

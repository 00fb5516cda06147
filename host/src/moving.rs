//! Moves the contents of an embedded store to other engines: nothing is lost, and the
//! source is not changed.
//!
//! Images are moved first, because images of unknown tasks are never deleted. Existing
//! records and images are not changed, so that an interrupted move continues when it is
//! repeated. At the end both sides are read, counted and compared. The target of a move
//! that has ended is only compared: what users have deleted there would come back.

mod copy;
mod records;

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use concept_refinement_capability::create_directory;
use concept_refinement_capability::directory;
use concept_refinement_capability::embedded::NamedImages;
use concept_refinement_capability::engine::{OpenImages, OpenTasks};
use concept_refinement_capability::folder::{Folder, Place, Trust};
use concept_refinement_capability::moving::{
    ImagesAtRest, Records, TABLES, Table, UNFINISHED_MOVE, UPLOAD_RESERVATIONS, WholeImage,
    half_moved, source_of,
};
use concept_refinement_domain::capability::{CapabilityError, ImageInfo, ImageKind, StoredOrNot};
use concept_refinement_domain::etag;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::secret::LENGTH;
use futures::{StreamExt as _, TryStreamExt as _, future, stream};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

pub use copy::refuse_begun;

use self::copy::Copied;
use self::records::{compare_all, copy_records, read_all};
use crate::config::Config;
use crate::wiring::capabilities::ConfiguredStores;
use crate::wiring::secret::{self, Secret};

/// Images moved concurrently.
const AT_ONCE: usize = 8;

/// Why the two sides may differ in the end, and what to do.
const DIFFERENT: &str = "the target was used before, or the source since the move began, so move \
     to an empty target";

/// What was moved.
pub struct Moved {
    /// The name and number of each kind of record.
    pub counts: Vec<(&'static str, u64)>,
    /// Which images are missing or damaged, as a sentence.
    pub missing: Option<String>,
}

/// Moves everything in `source` to the stores of `target`. `report` gets each completed
/// step.
///
/// # Errors
///
/// A store is in use or not usable, or the two sides differ at the end. The source is
/// unchanged, and the move can be repeated.
pub async fn move_stores(
    source: &Config,
    target: &Config,
    mut report: impl FnMut(&str),
) -> anyhow::Result<Moved> {
    let shown = source.data_dir.display();
    let place = fs::canonicalize(&source.data_dir)
        .with_context(|| format!("the source's data directory {shown} cannot be read"))?;
    refuse_within(&place, &target.data_dir)?;
    refuse_begun(&source.data_dir)?;
    let at_rest = ConfiguredStores::of(source).at_rest().await?;
    let at_rest = at_rest.with_context(|| format!("{shown} has nothing to move"))?;
    let shown = target.data_dir.display();
    create_directory(&target.data_dir)
        .with_context(|| format!("creating the target's data directory {shown}"))?;
    let mut named = NamedImages::default();
    let copy = Copied::of(&place, &at_rest, &target.data_dir, &mut named)?;
    for images in at_rest.iter().filter_map(|store| store.images.as_ref()) {
        let begun = images.begin(copy.path());
        begun.context("copying the images' table")?;
    }
    let copied = copy.open(source).await?;
    refuse_half_moved(&copied).await?;
    let generated = secret_of(&source.data_dir)?;
    report("the source is held, and its tasks are copied");

    let stores = ConfiguredStores::of(target);
    let tasks = stores.open_tasks().await?;
    let (from, to) = (&*copied.records, &*tasks.records);
    let state = state_of(target, &tasks).await?;
    if state == TargetState::Empty {
        begin(&place, to).await?;
    }
    let drawn = generated.unwrap_or_else(|| rand::rng().random());
    // If this fails the secret may be there all the same, so that the move has begun.
    let secret = move_secret(drawn, target, &tasks).await?;
    if (generated.is_some() || state == TargetState::Empty) && !secret.is(&drawn) {
        if state == TargetState::Empty {
            // A service has made it just now. Nothing is moved, so the service can go on.
            drop(copied);
            if let Err(left) = end(copy, to).await {
                tracing::warn!("{left:#}");
            }
        }
        bail!("the target has a secret of its own already: was it used before?");
    }
    let mut of_records = Vec::new();
    if state == TargetState::Complete {
        of_records = compare_all(read_all(from).await?, to).await?;
        // Opening the images would make anew what is lost, so that nobody misses it.
        let images = stores.images()?;
        if !images.exists()? || images.lost()?.is_some() {
            bail!("the target's images are lost: {DIFFERENT}");
        }
    }
    let reservations = Arc::clone(&tasks.upload_reservations);
    let images = stores.open_images(&secret, reservations).await?;

    let mut counts = Vec::new();
    let (mut expected, mut damaged) = (None, HashSet::new());
    for from in at_rest.iter().filter_map(|store| store.images.as_ref()) {
        let (count, differing) = move_images(from, &images, state).await?;
        expected = Some(count);
        damaged = differing;
    }
    // Images of the source may have been in the target's bucket before.
    let count = note_images(&images, &damaged, &mut named).await?;
    if let Some(expected) = expected {
        if count != expected {
            bail!("the target has {count} images, the source {expected}: {DIFFERENT}");
        }
        report(&format!("{count} images are moved and compared"));
        counts.push(("images", count));
    }
    if state != TargetState::Complete {
        copy_records(&UPLOAD_RESERVATIONS, from, to).await?;
        let mut moved = Vec::new();
        for table in TABLES {
            moved.push((table, copy_records(table, from, to).await?));
        }
        of_records = compare_all(moved, to).await?;
    }
    counts.extend(of_records);
    drop(copied);
    end(copy, to).await?;
    report("all records are moved and compared");
    let missing = named.missing();
    Ok(Moved { counts, missing })
}

/// Refuses a target in the source, which has to stay as it is.
fn refuse_within(source: &Path, target: &Path) -> anyhow::Result<()> {
    let shown = target.display();
    let existing = fs::canonicalize(target).ok();
    if existing.as_deref() == Some(source) {
        bail!("the source and the target have the same data directory, {shown}");
    }
    // Links lead on as where it is created.
    let created = || Place::of(target, Trust::Anybody).map(|place| place.path());
    let found = existing.map_or_else(created, Ok);
    if found.is_ok_and(|found| found.starts_with(source)) {
        let source = source.display();
        bail!("the target's data directory, {shown}, is in the source's, {source}");
    }
    Ok(())
}

/// Lets services start on the target. They are kept away as long as the folder or the record is
/// there, and the folder without the record would say that a move has begun which has ended.
async fn end(copy: Copied, to: &dyn Records) -> anyhow::Result<()> {
    copy.remove()?;
    to.clear(&UNFINISHED_MOVE).await?;
    Ok(())
}

/// Refuses a task store that an unfinished move has filled only partly.
///
/// # Errors
///
/// A move is unfinished, or the store cannot be reached.
pub async fn refuse_half_moved(tasks: &OpenTasks) -> Result<(), HalfMoved> {
    match source_of(&tasks.records.records(&UNFINISHED_MOVE, None, 1).await?) {
        Some(source) => Err(HalfMoved::Begun(source)),
        None => Ok(()),
    }
}

/// Why a store may be incomplete.
#[derive(Debug, thiserror::Error)]
pub enum HalfMoved {
    #[error("the task store cannot be used: {}", half_moved(.0))]
    Begun(String),
    #[error(transparent)]
    Unavailable(#[from] CapabilityError),
}

/// What a target has before anything is moved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TargetState {
    Empty,
    /// What a move has left that did not end: no service has started on it.
    Partial,
    /// What a move has left that did end, or what a service has made.
    Complete,
}

/// What the target has.
///
/// # Errors
///
/// It has records but no secret, or it cannot be read.
async fn state_of(target: &Config, tasks: &OpenTasks) -> anyhow::Result<TargetState> {
    let has = async |table: &'static Table| {
        let first = tasks.records.records(table, None, 1).await?;
        Ok::<_, CapabilityError>(!first.is_empty())
    };
    if has(&UNFINISHED_MOVE).await? {
        return Ok(TargetState::Partial);
    }
    // It stays, although users may have deleted all records.
    let has_secret = match &tasks.shared {
        Some(shared) => shared.secret.existing().await?.is_some(),
        None => Secret::existing(&target.data_dir)?.is_some(),
    };
    if has_secret {
        return Ok(TargetState::Complete);
    }
    for table in TABLES.into_iter().chain([&UPLOAD_RESERVATIONS]) {
        if has(table).await? {
            let name = table.known_as;
            bail!("the target has {name} but no secret: {DIFFERENT}");
        }
    }
    Ok(TargetState::Empty)
}

/// Marks an empty target as incomplete, so that services do not start on it.
async fn begin(source: &Path, target: &dyn Records) -> Result<(), CapabilityError> {
    let source = vec![0.into(), source.to_string_lossy().into()];
    target.restore(&UNFINISHED_MOVE, vec![source]).await
}

/// The source's own secret. None: it has made none yet.
fn secret_of(source: &Path) -> anyhow::Result<Option<[u8; LENGTH]>> {
    let file = directory::existing(Folder::open(source)?.file(secret::FILE));
    let file = file.context("the source's secret")?;
    let generated = file.map(secret::read).transpose();
    generated.context("the source's secret is damaged")
}

/// Gives the target the source's secret if it has none, so that sessions and URLs that were signed
/// with it stay valid. Returns the target's.
async fn move_secret(
    drawn: [u8; LENGTH],
    target: &Config,
    tasks: &OpenTasks,
) -> anyhow::Result<Secret> {
    match &tasks.shared {
        Some(shared) => Ok(Secret::shared(&*shared.secret, || drawn).await?),
        None => Secret::open(&target.data_dir, || drawn),
    }
}

/// Returns the number of images, and the paths of those that were damaged before.
async fn move_images(
    from: &Arc<dyn ImagesAtRest>,
    to: &OpenImages,
    state: TargetState,
) -> anyhow::Result<(u64, HashSet<String>)> {
    let paths = {
        let from = Arc::clone(from);
        tokio::task::spawn_blocking(move || from.paths()).await??
    };
    let count = paths.len() as u64;
    let damaged = stream::iter(paths)
        .map(|path| move_image(from, to, path, state))
        .buffer_unordered(AT_ONCE)
        .try_filter_map(future::ok)
        .try_collect::<HashSet<_>>()
        .await?;
    Ok((count, damaged))
}

/// Moves an image as it is; to a complete target it has been moved. Returns its path if it
/// was damaged before: its bytes are not those that were stored.
async fn move_image(
    from: &Arc<dyn ImagesAtRest>,
    to: &OpenImages,
    path: String,
    state: TargetState,
) -> anyhow::Result<Option<String>> {
    let WholeImage {
        image,
        info,
        contents,
    } = open(from, &path).await?;
    if is_there(to, &info).await? {
        return Ok(None);
    }
    if state != TargetState::Complete {
        let restore = to.restore.as_ref();
        let restore = restore.context("images cannot be moved to this engine")?;
        let stored = restore.restore(image, info.created_at, contents).await;
        match stored.with_context(|| format!("storing {path}"))? {
            StoredOrNot::Stored(_) => {}
            other => bail!("{path} cannot be stored: {other:?}"),
        }
        // This compares the etag, too: a hash of the bytes that arrived.
        if is_there(to, &info).await? {
            return Ok(None);
        }
    }
    let contents = open(from, &path).await?.contents;
    let hash = contents
        .try_fold(Sha256::new(), async |hash, chunk| {
            Ok(hash.chain_update(chunk))
        })
        .await?
        .finalize();
    let etag = etag::of_hash(&hash);
    let is_damaged = etag != info.etag;
    let read = ImageInfo {
        etag,
        sha256: info.sha256.as_ref().map(|_| hex(&hash)),
        ..info
    };
    match is_there(to, &read).await? {
        true => Ok(is_damaged.then_some(path)),
        false if state == TargetState::Complete => {
            bail!("the target does not have {path} as the source has it: {DIFFERENT}")
        }
        false => bail!("{path} is not as it was in the source"),
    }
}

async fn open(from: &Arc<dyn ImagesAtRest>, path: &str) -> anyhow::Result<WholeImage> {
    let opened = {
        let (from, path) = (Arc::clone(from), path.to_owned());
        tokio::task::spawn_blocking(move || from.open(&path)).await?
    };
    let whole = opened.with_context(|| format!("reading {path}"))?;
    whole.with_context(|| format!("{path} is damaged"))
}

/// Whether the target has this image.
async fn is_there(to: &OpenImages, image: &ImageInfo) -> Result<bool, CapabilityError> {
    let found = to.store.stat(&image.path).await?;
    Ok(found.is_some_and(|mut found| {
        if image.sha256.is_none() {
            // Of an image of 0.1 only the etag is known, which is a part of the hash.
            found.sha256 = None;
        }
        found == *image
    }))
}

/// Notes which images the target has undamaged, and returns the number of all.
async fn note_images(
    to: &OpenImages,
    damaged: &HashSet<String>,
    named: &mut NamedImages,
) -> Result<u64, CapabilityError> {
    let mut count = 0;
    for kind in [ImageKind::Upload, ImageKind::Refined] {
        let mut listed = to.store.list(kind).await?;
        while let Some(image) = listed.try_next().await? {
            count += 1;
            if !damaged.contains(&image.path) {
                named.remove(&image.path);
            }
        }
    }
    Ok(count)
}

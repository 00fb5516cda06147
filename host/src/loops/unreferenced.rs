//! Removes images that nothing refers to, as the task store says.
//!
//! It removes only images that a store lists, in batches with pauses in between, so that no
//! request waits for it, and can be stopped at any moment.

use std::collections::BTreeSet;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::images::Listed;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use futures::future::ready;
use futures::{StreamExt as _, TryStreamExt as _};

/// Images per batch.
const BATCH: usize = 100;

const PAUSE: Duration = Duration::from_millis(50);

/// Removes unreferenced images of a kind for which `is_due`. Returns how many were deleted.
pub async fn remove(
    host: &Capabilities,
    runtime: &dyn Runtime,
    kind: ImageKind,
    is_due: impl Fn(&Listed) -> bool + Send + Sync,
) -> Result<u64, CapabilityError> {
    let mut removed = 0;
    let images = host.images.list(kind).await?;
    let mut batches = images
        .try_filter(|image| ready(is_due(image)))
        .try_chunks(BATCH)
        .boxed();
    while let Some(listed) = batches.next().await {
        // If the list fails, the incomplete batch has to wait for the next round.
        let listed = listed.map_err(|broken| broken.1)?;
        removed += delete_unreferenced(host, listed).await?;
        runtime.sleep(PAUSE).await;
    }
    Ok(removed)
}

/// Deletes those of these images that nothing refers to, and reads only those. Returns how
/// many were deleted.
pub async fn delete_unreferenced(
    host: &Capabilities,
    listed: Vec<Listed>,
) -> Result<u64, CapabilityError> {
    let paths = listed.iter().map(|image| image.path.clone()).collect();
    let unreferenced = host.maintenance().unreferenced(paths).await?;
    let unreferenced: BTreeSet<_> = unreferenced.into_iter().collect();
    let mut paths = Vec::with_capacity(unreferenced.len());
    for image in listed {
        if unreferenced.contains(&image.path) {
            let described = match image.is_whole() {
                true => None,
                // None: this is the second object of an image that was never stored.
                false => host.images.describe(&image.path).await?,
            };
            paths.push(described.unwrap_or(image).path);
        }
    }
    Ok(delete(host, paths).await)
}

/// Returns how many were deleted. One that cannot be deleted does not stop the others.
pub async fn delete(host: &Capabilities, paths: Vec<String>) -> u64 {
    let mut deleted = 0;
    for path in paths {
        match host.images.delete(&path).await {
            Ok(()) => deleted += 1,
            Err(error) => tracing::error!(%error, path, "an image cannot be removed"),
        }
    }
    deleted
}

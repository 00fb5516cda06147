//! All images of a kind, an owner's folder at a time.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::super::path::folder;
use super::super::{Images, Listed};
use super::{Store, envelope, on_disk};

pub(super) async fn list(store: Arc<Store>, kind: ImageKind) -> Result<Images, CapabilityError> {
    let place = store.root.join(folder(kind));
    let folders = on_disk(move || entries(place)).await?;
    let listed = stream::try_unfold(VecDeque::from(folders), move |mut folders| async move {
        let Some(of_owner) = folders.pop_front() else {
            return Ok(None);
        };
        let images = on_disk(move || in_folder(kind, of_owner)).await?;
        Ok(Some((stream::iter(images).map(Ok), folders)))
    });
    Ok(listed.try_flatten().boxed())
}

fn in_folder(kind: ImageKind, of_owner: PathBuf) -> io::Result<Vec<Listed>> {
    let Some(tag) = of_owner.file_name().and_then(|tag| tag.to_str()) else {
        return Ok(vec![]);
    };
    let mut images = Vec::new();
    for file in entries(of_owner.clone())? {
        let Some(name) = file.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let described = fs::File::open(&file).and_then(|mut file| envelope::read(&mut file));
        match described {
            Ok(envelope) => images.extend(envelope.listed(kind, tag, name)),
            // It was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::error!(%error, file = %file.display(), "an image cannot be listed");
            }
        }
    }
    Ok(images)
}

/// Empty where the directory is gone.
fn entries(directory: PathBuf) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(vec![]),
        Err(error) => Err(error),
    }
}

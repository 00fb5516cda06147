//! Lists all images of a kind, one owner's folder at a time.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use concept_refinement_capability::images::{Images, Listed};
use concept_refinement_domain::capability::{CapabilityError, ImageKind};
use concept_refinement_domain::image_path::folder;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::disk::on_disk;
use super::envelope;
use super::store::Store;

/// An image that is replaced meanwhile by one of another size may be listed twice.
pub(super) async fn list(store: Arc<Store>, kind: ImageKind) -> Result<Images, CapabilityError> {
    let files = files(Arc::clone(&store), kind).await?;
    match kind {
        ImageKind::Refined => Ok(files.chain(small(store)).boxed()),
        ImageKind::Upload => Ok(files),
    }
}

fn small(store: Arc<Store>) -> Images {
    let pages = stream::try_unfold(Some(0), move |after| {
        let store = Arc::clone(&store);
        async move {
            let Some(after) = after else {
                return Ok(None);
            };
            let (images, next) = on_disk(move || store.small.list(after)).await?;
            Ok(Some((stream::iter(images).map(Ok), next)))
        }
    });
    pages.try_flatten().boxed()
}

async fn files(store: Arc<Store>, kind: ImageKind) -> Result<Images, CapabilityError> {
    let place = store.root.join(folder(kind));
    let folders = on_disk(move || {
        store.lock.check()?;
        entries(place)
    })
    .await?;
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
    let mut images = Vec::new();
    for file in entries(of_owner)? {
        let described =
            fs::File::open(&file).and_then(|mut open| described(kind, &file, &mut open));
        match described {
            Ok(listed) => images.extend(listed),
            // It was deleted meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::error!(%error, file = %file.display(), "an image cannot be listed");
            }
        }
    }
    Ok(images)
}

/// Describes an image by its file. None: its name is not that of an image.
pub(super) fn described(
    kind: ImageKind,
    path: &Path,
    file: &mut fs::File,
) -> io::Result<Option<Listed>> {
    let last = |path: &Path| Some(path.file_name()?.to_str()?.to_owned());
    let Some((tag, name)) = path.parent().and_then(last).zip(last(path)) else {
        return Ok(None);
    };
    let envelope = envelope::read(file)?;
    Ok(envelope.listed(kind, &tag, &name))
}

/// Total size of all images in the owners' folders, in bytes.
pub(super) fn bytes(folder: &Path) -> io::Result<u64> {
    let mut sum = 0_u64;
    for of_owner in entries(folder.to_owned())? {
        for file in entries(of_owner)? {
            sum = sum.saturating_add(envelope::image_bytes(&file)?);
        }
    }
    Ok(sum)
}

/// Empty if the directory is gone, or if its name belongs to another kind of file.
pub(super) fn entries(directory: PathBuf) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(directory) {
        Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect(),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Ok(vec![]),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_capability::images::{ImageStore, Signing};
    use concept_refinement_domain::capability::{ImageLength, NewImage, StoredOrNot};

    use super::*;
    use crate::images::FileImages;

    async fn stored(images: &FileImages, name: &str) -> String {
        let image = NewImage {
            kind: ImageKind::Upload,
            name: name.into(),
            owner: "ada".into(),
            media_type: "image/png".into(),
            length: ImageLength::Exactly(5),
            metadata: vec![],
            limits: None,
        };
        let contents = stream::iter([Ok(Bytes::from_static(b"image"))]).boxed();
        match images.put(image, contents).await.unwrap() {
            StoredOrNot::Stored(stored) => stored.path,
            other => panic!("not stored: {other:?}"),
        }
    }

    /// Foreign files in the folders are ignored.
    #[tokio::test]
    async fn what_is_no_image_is_skipped_and_ends_no_list() {
        let place = tempfile::tempdir().unwrap();
        let signing = Signing {
            key: vec![],
            ttl: std::time::Duration::from_secs(1),
            public_url: None,
        };
        let clock = Arc::new(ManualClock::default());
        let images = FileImages::open(place.path(), signing, Arc::default(), clock).unwrap();
        let [first, damaged, last] = [
            stored(&images, "a").await,
            stored(&images, "b").await,
            stored(&images, "c").await,
        ];
        let file = |path: &str| place.path().join(path.trim_end_matches(".png"));
        fs::write(file(&damaged), "half").unwrap();
        let folder = file(&first).parent().map(Path::to_owned).unwrap();
        fs::write(folder.join("empty"), "").unwrap();
        fs::create_dir(folder.join("folder")).unwrap();
        fs::copy(file(&first), folder.join("NAME")).unwrap();
        fs::write(place.path().join("uploads/0-stray"), "").unwrap();
        fs::create_dir(place.path().join("uploads/lost+found")).unwrap();
        fs::copy(file(&first), place.path().join("uploads/lost+found/a")).unwrap();

        let listed = images.list(ImageKind::Upload).await.unwrap();
        let listed: Vec<Listed> = listed.try_collect().await.unwrap();
        let mut paths: Vec<_> = listed.into_iter().map(|image| image.path).collect();
        paths.sort();
        assert_eq!(paths, [first, last]);
    }
}

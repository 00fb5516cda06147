//! Images as files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use concept_refinement_host::capability::clock::ManualClock;
use concept_refinement_host::capability::images::file::FileImages;
use concept_refinement_host::capability::images::{ImageStore, Signing};
use tempfile::TempDir;

use super::{DurableImageBackend, ImageBackend, OwnedImageBackend};

pub struct Files {
    images: FileImages,
    place: TempDir,
}

impl ImageBackend for Files {
    fn start(signing: Signing, clock: Arc<ManualClock>) -> Self {
        let place = tempfile::tempdir().unwrap();
        Self {
            images: FileImages::open(place.path(), signing, Arc::default(), clock).unwrap(),
            place,
        }
    }

    fn images(&self) -> Arc<dyn ImageStore> {
        Arc::new(self.images.clone())
    }

    fn stored_count(&self) -> usize {
        files(self.place.path())
    }
}

impl DurableImageBackend for Files {
    fn crash(&self, signing: Signing, clock: Arc<ManualClock>) -> Self {
        let place = tempfile::tempdir().unwrap();
        copy(self.place.path(), place.path());
        Self {
            images: FileImages::open(place.path(), signing, Arc::default(), clock).unwrap(),
            place,
        }
    }
}

impl OwnedImageBackend for Files {
    fn open_again(&self, signing: Signing, clock: Arc<ManualClock>) -> Result<(), String> {
        FileImages::open(self.place.path(), signing, Arc::default(), clock)
            .map(drop)
            .map_err(|error| error.to_string())
    }
}

/// Without the lock, which stays. A folder may go while it is looked at.
fn files(directory: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += files(&path);
        } else if path.extension().is_none_or(|extension| extension != "lock") {
            count += 1;
        }
    }
    count
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

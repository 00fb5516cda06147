//! Images as files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::images::{ImageStore, Signing};
use concept_refinement_embedded::images::FileImages;
use concept_refinement_tests::directory::copy_into;
use rusqlite::{Connection, OpenFlags};
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
        files(self.place.path()) + rows(self.place.path())
    }
}

impl DurableImageBackend for Files {
    fn crash(&self, signing: Signing, clock: Arc<ManualClock>) -> Self {
        let place = tempfile::tempdir().unwrap();
        copy_into(self.place.path(), place.path());
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

/// Of small images. By the same way as the store, which lets no other in.
fn rows(directory: &Path) -> usize {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let table = directory.join("small.sqlite");
    let table = Connection::open_with_flags_and_vfs(table, flags, "unix-excl").unwrap();
    let count = "SELECT count(*) FROM image WHERE NOT removed";
    let count: i64 = table.query_row(count, [], |row| row.get(0)).unwrap();
    count.try_into().unwrap()
}

/// Without the lock and the table of small images, which stay. A folder may go
/// while it is looked at.
fn files(directory: &Path) -> usize {
    let mut count = 0;
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += files(&path);
        } else if !is_kept(&path) {
            count += 1;
        }
    }
    count
}

fn is_kept(file: &Path) -> bool {
    let name = file.file_name().unwrap().to_str().unwrap();
    name == "images.lock" || name.starts_with("small.")
}

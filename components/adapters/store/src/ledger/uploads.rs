//! Counts the images of which a user may have only a limited number.
//!
//! A slot is reserved before the image is stored and released after it is
//! deleted, so a crash in between leaves a slot without an image. Those are
//! found when no slot is left.

use std::time::Duration;

use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Ledger, Outcome};

/// Age at which a slot without an image is released; no upload takes so long.
const STALE_AFTER: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The newest image of this slot.
    path: String,
    since: Timestamp,
}

impl Ledger {
    /// Reserves a slot for an image, or reuses that of the same kind and name.
    /// False: no slot is left.
    pub fn reserve_slot(
        &mut self,
        path: &ImagePath,
        at_most: u32,
        now: Timestamp,
    ) -> Outcome<bool> {
        self.uploads.retain(|upload| !upload.has_slot_of(path));
        let of_kind =
            |upload: &&Upload| upload.path().is_some_and(|upload| upload.kind == path.kind);
        if self.uploads.iter().filter(of_kind).count() >= at_most as usize {
            return Outcome::Unchanged(false);
        }
        self.uploads.push(Upload {
            path: path.to_string(),
            since: now,
        });
        Outcome::Changed(true)
    }

    /// Gives the place of an image back.
    pub fn release_slot(&mut self, path: &ImagePath) -> Outcome<()> {
        let before = self.uploads.len();
        self.uploads.retain(|upload| !upload.has_slot_of(path));
        if self.uploads.len() == before {
            Outcome::Unchanged(())
        } else {
            Outcome::Changed(())
        }
    }

    /// The images of slots that may be stale.
    pub fn stale_slots(&self, now: Timestamp) -> Vec<ImagePath> {
        self.uploads
            .iter()
            .filter(|upload| upload.since.plus(STALE_AFTER) <= now)
            .filter_map(Upload::path)
            .collect()
    }
}

impl Upload {
    fn path(&self) -> Option<ImagePath> {
        ImagePath::parse(&self.path)
    }

    /// Whatever the format.
    fn has_slot_of(&self, path: &ImagePath) -> bool {
        self.path()
            .is_some_and(|upload| (upload.kind, &upload.name) == (path.kind, &path.name))
    }
}

//! Counts images, of which a user may have a limited number.
//!
//! A slot is reserved before the image is stored, settled afterwards, and released after
//! the image is deleted. A crash in between leaves an unsettled slot. Once it has
//! expired, it no longer counts as in progress; when a limit is reached, it is settled or
//! released depending on whether its image exists.

use std::time::Duration;

use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::document::OtherFields;
use concept_refinement_domain::image_limits::{ImageLimit, ImageLimits, ImageUsage};
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Outcome, UserRecord};

/// Age at which an unsettled slot expires; no upload takes that long.
const EXPIRES_AFTER: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    /// The newest image of this slot.
    path: String,
    since: Timestamp,
    /// Size of the image; until it is stored, its maximum size.
    #[serde(default)]
    bytes: u64,
    /// Not stored yet.
    #[serde(default)]
    is_under_way: bool,
    #[serde(flatten)]
    other: OtherFields,
}

impl UserRecord {
    /// Reserves a slot for an image, or reuses the one of the same kind and name. An
    /// error: the limit that is reached.
    pub fn reserve_slot(
        &mut self,
        path: &ImagePath,
        limits: Option<ImageLimits>,
        longest: u64,
        now: Timestamp,
    ) -> Outcome<Result<(), ImageLimit>> {
        let mut usage = ImageUsage::default();
        for upload in &self.uploads {
            if !upload.is_of_kind(path) || upload.has_slot_of(path) {
                continue;
            }
            match upload.is_under_way && !upload.has_expired(now) {
                true => usage.add_under_way(upload.bytes),
                false => usage.add_stored(upload.bytes),
            }
        }
        if let Some(limits) = limits
            && let Err(limit) = limits.admit(usage, longest)
        {
            return Outcome::Unchanged(Err(limit));
        }
        self.uploads.retain(|upload| !upload.has_slot_of(path));
        self.uploads.push(Upload {
            path: path.to_string(),
            since: now,
            bytes: longest,
            is_under_way: true,
            other: OtherFields::default(),
        });
        Outcome::Changed(Ok(()))
    }

    /// Records that the image of a slot is stored. True: the slot has changed.
    pub fn settle_slot(&mut self, path: &ImagePath, bytes: u64) -> Outcome<bool> {
        let slot = self.uploads.iter_mut().find(|slot| slot.has_slot_of(path));
        match slot {
            Some(slot) if slot.is_under_way || slot.bytes != bytes => {
                slot.is_under_way = false;
                slot.bytes = bytes;
                Outcome::Changed(true)
            }
            Some(_) | None => Outcome::Unchanged(false),
        }
    }

    /// Releases the slot of an image. False: it has none.
    pub fn release_slot(&mut self, path: &ImagePath) -> Outcome<bool> {
        let before = self.uploads.len();
        self.uploads.retain(|upload| !upload.has_slot_of(path));
        if self.uploads.len() == before {
            Outcome::Unchanged(false)
        } else {
            Outcome::Changed(true)
        }
    }

    /// Whether there is a slot of an upload.
    pub fn has_uploads(&self) -> bool {
        let is_upload = |path: ImagePath| path.kind == ImageKind::Upload;
        self.uploads.iter().filter_map(Upload::path).any(is_upload)
    }

    /// The uploads of slots that are settled, or have expired.
    pub fn stored_uploads(&self, now: Timestamp) -> Vec<ImagePath> {
        self.uploads
            .iter()
            .filter(|upload| !upload.is_under_way || upload.has_expired(now))
            .filter_map(Upload::path)
            .filter(|path| path.kind == ImageKind::Upload)
            .collect()
    }

    /// The images of slots that have expired, or that a deletion may have left.
    pub fn expired_slots(&self, now: Timestamp) -> Vec<ImagePath> {
        self.uploads
            .iter()
            .filter(|upload| upload.has_expired(now))
            .filter_map(Upload::path)
            .collect()
    }
}

impl Upload {
    fn path(&self) -> Option<ImagePath> {
        ImagePath::parse(&self.path)
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        self.since.plus(EXPIRES_AFTER) <= now
    }

    fn is_of_kind(&self, path: &ImagePath) -> bool {
        self.path().is_some_and(|upload| upload.kind == path.kind)
    }

    /// Ignores the format.
    fn has_slot_of(&self, path: &ImagePath) -> bool {
        self.path()
            .is_some_and(|upload| (upload.kind, &upload.name) == (path.kind, &path.name))
    }
}

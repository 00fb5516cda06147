//! Idempotency keys: a repeated submission gets the answer of the first one.
//!
//! The newest keys are in the record. Older ones are moved to documents, which are
//! written before the swap that drops them from the record. So if a key is in neither and
//! the swap succeeds, the key was never used before.

use concept_refinement_domain::document::OtherFields;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::idempotency::{REMEMBERED, Submitted};
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::UserRecord;
use crate::documents::Document;

/// Limit of keys in a record; beyond it the older half is moved out.
const IN_RECORD: usize = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// The hash of the key, in hexadecimal.
    pub hash: String,
    #[serde(flatten)]
    pub submitted: Submitted,
    #[serde(flatten)]
    other: OtherFields,
}

impl Document for Key {}

impl Key {
    pub fn new(hash: String, submitted: Submitted) -> Self {
        Self {
            hash,
            submitted,
            other: OtherFields::default(),
        }
    }
}

/// The hash of a key, as used in records and document names.
pub fn hash(key: &str) -> String {
    hex(&Sha256::digest(key))
}

impl UserRecord {
    /// Whether a key that is not in the record may be in a document.
    pub fn may_have_moved(&self, hash: &str, now: Timestamp) -> bool {
        self.keys_moved_until.is_some_and(|until| now < until)
            && !self.keys.iter().any(|key| key.hash == hash)
    }

    /// The submission under the key with this hash. `moved`: the contents of the
    /// key's document.
    pub fn submitted(&self, hash: &str, moved: Option<Key>) -> Option<Submitted> {
        let in_record = self.keys.iter().rev().find(|key| key.hash == hash);
        in_record.cloned().or(moved).map(|key| key.submitted)
    }

    /// Adds a key; removes and returns the keys that must be written as documents before
    /// the swap.
    pub(super) fn remember(&mut self, key: Key, now: Timestamp) -> Vec<Key> {
        self.keys
            .retain(|other| other.hash != key.hash && other.submitted.is_remembered(now));
        self.keys.push(key);
        if self.keys.len() <= IN_RECORD {
            return Vec::new();
        }
        let moved: Vec<_> = self.keys.drain(..IN_RECORD / 2).collect();
        self.keys_moved_until = moved
            .last()
            .map(|key| key.submitted.created_at.plus(REMEMBERED));
        moved
    }

    pub(super) fn forget_key_of(&mut self, task_id: &str) {
        self.keys.retain(|key| key.submitted.task_id != task_id);
    }
}

//! Idempotency keys: what answers a repeated submission as the first one was.
//!
//! The newest stand in the record. Older ones move into documents of their own,
//! each written before the swap that drops it from the record: who finds a key
//! neither in the record nor in its document may swap, since nobody else did.

use concept_refinement_domain::hex::hex;
use concept_refinement_domain::idempotency::{REMEMBERED, fingerprint};
use concept_refinement_domain::task::Refinement;
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Ledger;

/// How many keys a record holds before the older half moves out.
const IN_RECORD: usize = 64;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Key {
    /// Of the key, in hexadecimal.
    pub hash: String,
    /// Of the refinement, in hexadecimal.
    fingerprint: String,
    pub task_id: String,
    pub is_anonymous: bool,
    pub original_path: Option<String>,
    pub created_at: Timestamp,
}

/// What was submitted under a key before.
#[derive(Clone, Debug, PartialEq)]
pub enum Earlier {
    /// Another refinement.
    Different,
    /// The same one.
    Same(Key),
}

/// What a key is called in a record and in the name of a document.
pub fn hash(key: &str) -> String {
    hex(&Sha256::digest(key))
}

impl Key {
    pub(super) fn new(
        key: &str,
        task_id: &str,
        is_anonymous: bool,
        original_path: Option<&str>,
        refinement: &Refinement,
        now: Timestamp,
    ) -> Self {
        Self {
            hash: hash(key),
            fingerprint: hex(&fingerprint(refinement)),
            task_id: task_id.to_owned(),
            is_anonymous,
            original_path: original_path.map(str::to_owned),
            created_at: now,
        }
    }

    fn is_forgotten(&self, now: Timestamp) -> bool {
        self.created_at.plus(REMEMBERED) <= now
    }
}

impl Ledger {
    /// Whether a key that is not in the record may be in a document.
    pub fn may_have_moved(&self, hash: &str, now: Timestamp) -> bool {
        self.keys_moved_until.is_some_and(|until| now < until)
            && !self.keys.iter().any(|key| key.hash == hash)
    }

    /// What was submitted under the key within the time that it is remembered.
    /// `moved`: what its document holds.
    pub(super) fn earlier(
        &self,
        key: &str,
        refinement: &Refinement,
        moved: Option<&Key>,
        now: Timestamp,
    ) -> Option<Earlier> {
        let hash = hash(key);
        let known = self
            .keys
            .iter()
            .rev()
            .chain(moved)
            .find(|key| key.hash == hash && !key.is_forgotten(now))?;
        Some(if known.fingerprint == hex(&fingerprint(refinement)) {
            Earlier::Same(known.clone())
        } else {
            Earlier::Different
        })
    }

    /// Remembers a key, and takes those out that have to move into documents
    /// before the swap.
    pub(super) fn remember(&mut self, key: Key, now: Timestamp) -> Vec<Key> {
        self.keys
            .retain(|known| known.hash != key.hash && !known.is_forgotten(now));
        self.keys.push(key);
        if self.keys.len() <= IN_RECORD {
            return Vec::new();
        }
        let moved: Vec<_> = self.keys.drain(..IN_RECORD / 2).collect();
        self.keys_moved_until = moved.last().map(|key| key.created_at.plus(REMEMBERED));
        moved
    }

    pub(super) fn forget_key_of(&mut self, task_id: &str) {
        self.keys.retain(|key| key.task_id != task_id);
    }
}

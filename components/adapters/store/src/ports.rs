//! What the store needs from a platform: records, documents and settings.
//!
//! A platform that cannot swap a record atomically must not implement this: all
//! promises of the store depend on it.

use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::rulebook::Refusal;
use concept_refinement_domain::timestamp::Timestamp;
use thiserror::Error;

/// Records, which change only by compare-and-swap.
///
/// A key of a record or a document is a path of `a-z`, `0-9`, `.` and `-` of at
/// most 250 bytes; see [`crate::names`].
///
/// A record never has the same bytes twice (records count their versions), so
/// that a platform may compare by value.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Records {
    /// What a swap needs to know about the read before it.
    type Held;

    /// Reads the record, if it exists, for a swap.
    async fn read(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Held), Fault>;

    /// Reads the record without a swap.
    async fn peek(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.read(key).await?.0)
    }

    /// Durably replaces or creates the record if it has not changed since the
    /// read. False: it has changed, and nothing was written.
    async fn swap(&self, held: Self::Held, value: Vec<u8>) -> Result<bool, Fault>;
}

/// Documents, usually written once under a name of their own. The last writer
/// wins, so nothing may depend on which one that is.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Documents {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault>;

    /// In the order of the keys.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Fault>;

    /// Writes or replaces each document durably. After a fault or a crash some
    /// may be written, each whole.
    async fn set_many(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Fault>;

    /// Removes the existing ones.
    async fn delete_many(&self, keys: &[String]) -> Result<(), Fault>;
}

#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Settings {
    /// By its name as on the command line (`public-url`). None: not set, or
    /// empty.
    async fn setting(&self, name: &str) -> Option<String>;
}

/// Time and randomness, which only tests replace.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Machine {
    fn now(&self) -> Timestamp;

    /// Random enough to be used as a unique name.
    fn random(&self) -> u64;

    async fn pause(&self, duration: Duration);
}

/// A platform. `Default` opens nothing: each call opens what it needs, so that
/// a failing call affects no other.
pub trait Platform: Records + Documents + Settings + Default {}

impl<P: Records + Documents + Settings + Default> Platform for P {}

/// Why a platform failed. The detail is for the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A repeat can help.
    #[error("the platform's store cannot be used: {0}")]
    Unavailable(String),
    /// A repeat can help once there is room.
    #[error("the platform's store is full: {0}")]
    Full(String),
    /// Stored data is invalid, or the request is impossible: a retry cannot
    /// help.
    #[error("{0}")]
    Invalid(&'static str),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// The error for a caller, without the detail.
impl From<Fault> for CapabilityError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unavailable(_) => Self::unavailable("The store cannot be used right now."),
            Fault::Full(_) => Self::full("The store is full."),
            Fault::Invalid(sentence) => Self::invalid(sentence),
            Fault::Refused(refusal) => Self::invalid(refusal.to_string()),
        }
    }
}

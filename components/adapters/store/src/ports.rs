//! The interface of a platform that the store needs: records, documents and settings.
//!
//! A platform that cannot swap a record atomically must not implement this: all
//! guarantees of the store depend on it.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::rulebook::Refusal;
use concept_refinement_guest::{Clock, Random};
use thiserror::Error;

/// Records, which change only by compare-and-swap.
///
/// The key of a record or a document is a path of `a-z`, `0-9`, `.` and `-` of at most
/// 250 bytes; see [`crate::names`].
///
/// A record never has the same bytes twice (records count their versions), so that a
/// platform may compare values.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Records {
    /// State of the read that its swap needs.
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

/// Documents, usually written once under unique names. The last writer wins, so nothing
/// may depend on which one that is.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Documents {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault>;

    /// In the order of the keys.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Fault>;

    /// Durably writes or replaces each document. After an error or a crash, some may be
    /// written, each completely.
    async fn set_many(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Fault>;

    /// Deletes those that exist.
    async fn delete_many(&self, keys: &[String]) -> Result<(), Fault>;
}

#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Settings {
    /// A setting by its name on the command line (`public-url`). None: not set, or empty.
    async fn setting(&self, name: &str) -> Option<String>;
}

/// Time and randomness; replaced only in tests.
pub trait Machine: Clock + Random {}

impl<M: Clock + Random> Machine for M {}

/// A platform. `Default` opens nothing: each call opens what it needs, so that a failing
/// call affects no other.
pub trait Platform: Records + Documents + Settings + Default {}

impl<P: Records + Documents + Settings + Default> Platform for P {}

/// Why a platform failed. The details are for the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Trying again can help.
    #[error("the platform's store cannot be used: {0}")]
    Unavailable(String),
    /// Trying again can help once there is space.
    #[error("the platform's store is full: {0}")]
    Full(String),
    /// Stored data is invalid, or the request is impossible: trying again does not help.
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

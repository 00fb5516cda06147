//! What a store needs of its platform: records, documents and settings.
//!
//! A platform that cannot swap a record atomically must not implement this:
//! all that the store promises stands on it.

use std::time::Duration;

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::rulebook::Refusal;
use concept_refinement_domain::timestamp::Timestamp;
use thiserror::Error;

/// Records that change, each by compare-and-swap alone.
///
/// A key, of a record as of a document, is a path of `a-z`, `0-9`, `.` and `-`
/// of at most 250 bytes; see [`crate::names`].
///
/// Whoever writes a record makes its bytes differ from all that it held before
/// (records count their versions), so that a platform may compare by value.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Records {
    /// What was read, for the swap that follows.
    type Held;

    /// The record as it stands, none if there is none, and what a swap needs.
    async fn read(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Held), Fault>;

    /// The record as it stands, for who will not swap it.
    async fn peek(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.read(key).await?.0)
    }

    /// Replaces the record, or creates it, durably, if nobody did since it was
    /// read. False: somebody did, and nothing was changed.
    async fn swap(&self, held: Self::Held, value: Vec<u8>) -> Result<bool, Fault>;
}

/// Documents, each with a name of its own, written once and hardly ever
/// changed. The last writer wins, so nobody may depend on who that is.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Documents {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault>;

    /// In the order of the keys.
    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Fault>;

    /// Writes each durably; a document that was there is replaced. After a
    /// fault or a crash some may be written, each of them whole.
    async fn set_many(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Fault>;

    /// Removes those that are there.
    async fn delete_many(&self, keys: &[String]) -> Result<(), Fault>;
}

#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Settings {
    /// By its name as on the command line (`public-url`). None: not set, or
    /// empty.
    async fn setting(&self, name: &str) -> Option<String>;
}

/// Time and chance, which are the same on all platforms but not in a test.
#[allow(async_fn_in_trait, reason = "components have one thread")]
pub trait Machine {
    fn now(&self) -> Timestamp;

    /// So unlikely to come twice that it names something.
    fn random(&self) -> u64;

    async fn pause(&self, duration: Duration);
}

/// A platform's offer. `Default` opens nothing: each call finds its own way, so
/// that one that fails harms no other.
pub trait Platform: Records + Documents + Settings + Default {}

impl<P: Records + Documents + Settings + Default> Platform for P {}

/// Why a platform did not do what it was asked. The detail is for the log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A repeat can help.
    #[error("the platform's store cannot be used: {0}")]
    Unavailable(String),
    /// A repeat can help once there is room.
    #[error("the platform's store is full: {0}")]
    Full(String),
    /// What is stored makes no sense, or what is asked for is impossible: a
    /// repeat cannot help.
    #[error("{0}")]
    Invalid(&'static str),
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// What a caller may be told.
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

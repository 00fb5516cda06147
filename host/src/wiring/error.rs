//! Errors that prevent a host from starting.

use concept_refinement_capability::OpenError;
use concept_refinement_domain::capability::CapabilityError;
use thiserror::Error;

use crate::config::ConfigError;
use crate::moving::HalfMoved;

/// Why a host could not be started, or a refiner made. The messages are for operators:
/// they name paths and addresses, but no secrets.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// A setting is invalid. Trying again does not help until it is changed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The bytes of a component are missing or cannot be read. Trying again does not
    /// help.
    #[error(transparent)]
    Components(anyhow::Error),
    /// A component cannot be compiled, or does not fit this host: it was made for another
    /// version, or imports something that it is not granted. Trying again does not help.
    #[error(transparent)]
    Component(anyhow::Error),
    /// An address cannot be listened on. Trying again helps if another program uses it
    /// and ends.
    #[error(transparent)]
    Listen(anyhow::Error),
    /// The data directory, or the generated secret in it, cannot be read or written.
    /// Trying again does not help until that is fixed.
    #[error(transparent)]
    DataDirectory(anyhow::Error),
    /// A store cannot be opened. Trying again helps if another process has it open and
    /// ends ([`OpenError::InUse`]).
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A store was opened and then could not be used. The kind says whether trying again
    /// helps.
    #[error(transparent)]
    Capability(#[from] CapabilityError),
    /// A move into the task store has begun and not ended. Trying again helps once the
    /// command `move` was repeated.
    #[error("{0}")]
    UnfinishedMove(String),
    /// The system lacks threads or memory, or does not provide the time or its list of
    /// authorities. Trying again may help later.
    #[error(transparent)]
    System(anyhow::Error),
}

impl HostError {
    /// Whether the same call may succeed later without a change to settings, files or
    /// components.
    pub fn is_repeatable(&self) -> bool {
        match self {
            Self::Listen(_) | Self::System(_) => true,
            Self::Store(error) => matches!(error, OpenError::InUse(_)),
            Self::Capability(error) => error.is_repeatable(),
            Self::Config(_)
            | Self::Components(_)
            | Self::Component(_)
            | Self::DataDirectory(_)
            | Self::UnfinishedMove(_) => false,
        }
    }
}

impl From<HalfMoved> for HostError {
    fn from(error: HalfMoved) -> Self {
        match error {
            HalfMoved::Begun(_) => Self::UnfinishedMove(error.to_string()),
            HalfMoved::Unavailable(error) => Self::Capability(error),
        }
    }
}

//! Why there is no host.

use concept_refinement_capability::OpenError;
use concept_refinement_domain::capability::CapabilityError;
use thiserror::Error;

use crate::assembly::moving::HalfMoved;
use crate::config::ConfigError;

/// Why a host cannot be started, or a refiner made. The sentences are for the operator:
/// they name paths and addresses, but no secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HostError {
    /// A setting cannot be used. Repeating does not help until it is changed.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The bytes of a component are missing or cannot be read. Repeating does not help.
    #[error(transparent)]
    Components(anyhow::Error),
    /// A component cannot be compiled, or does not fit this host: it was made for another
    /// version, or imports what it is not granted. Repeating does not help.
    #[error(transparent)]
    Component(anyhow::Error),
    /// An address cannot be listened on. Repeating helps where another program has it and
    /// ends.
    #[error(transparent)]
    Listen(anyhow::Error),
    /// The data directory, or the generated secret in it, cannot be read or written.
    /// Repeating does not help until somebody has mended it.
    #[error(transparent)]
    DataDirectory(anyhow::Error),
    /// A store cannot be opened. Repeating helps where another process has it and ends
    /// ([`OpenError::InUse`]).
    #[error(transparent)]
    Store(#[from] OpenError),
    /// A store was opened and then could not be used. Its kind says whether repeating
    /// helps.
    #[error(transparent)]
    Capability(#[from] CapabilityError),
    /// A move into the task store was begun and did not end. Repeating helps once the
    /// command `move` was repeated.
    #[error("{0}")]
    UnfinishedMove(String),
    /// The system refuses threads, memory, time or its list of authorities. Repeating
    /// helps where it has more later.
    #[error(transparent)]
    System(anyhow::Error),
}

impl HostError {
    /// Whether the same call can succeed later, though nobody has changed a setting, a
    /// file or a component.
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
            HalfMoved::Away(error) => Self::Capability(error),
        }
    }
}

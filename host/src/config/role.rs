//! Which parts of the service a process runs.

use concept_refinement_domain::words;

use super::error::ConfigError;
use super::reader::Reader;

words! {
    /// Which parts of the service a process runs. Separate parts need stores with servers.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Role {
        /// Everything.
        All = "all",
        /// The API, without working on tasks.
        Api = "api",
        /// Working on tasks. HTTP serves only the health and pushes of a queue.
        Worker = "worker",
    }
}

impl Role {
    /// Whether clients are served anything besides the health.
    pub(crate) fn serves_api(self) -> bool {
        match self {
            Self::All | Self::Api => true,
            Self::Worker => false,
        }
    }

    /// Whether this process works on tasks.
    pub(crate) fn works(self) -> bool {
        match self {
            Self::All | Self::Worker => true,
            Self::Api => false,
        }
    }
}

/// Whether other processes can reach a store: one that is named by a word instead of a URL is
/// inside this process.
pub(super) fn is_shared(engine: &str) -> bool {
    engine.contains("://")
}

/// If parts run separately, they must be able to reach the same stores.
pub(super) fn read(values: &Reader<'_>) -> Result<Role, ConfigError> {
    let role = Role::of(values.word("role")?).unwrap_or(Role::All);
    for name in ["tasks", "images"] {
        let engine = values.parse(name, Ok)?;
        if role != Role::All && !is_shared(engine) {
            let problem = format!(
                "must be all where {name} is {engine}: an embedded store belongs to one process \
                 at a time"
            );
            return Err(values.unusable("role", problem));
        }
    }
    Ok(role)
}

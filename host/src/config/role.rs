//! Which parts of the service a process runs.

use super::error::ConfigError;
use super::reader::Reader;

/// Which parts of the service a process runs. Separate parts need stores with servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Everything.
    All,
    /// The API, without working on tasks.
    Api,
    /// Working on tasks. HTTP serves only the health and pushes of a queue.
    Worker,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Api => "api",
            Self::Worker => "worker",
        }
    }

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

/// If parts run separately, they must be able to reach the same stores: one that is named
/// by a word instead of a URL is inside this process.
pub(super) fn read(values: &Reader<'_>) -> Result<Role, ConfigError> {
    let role = match values.word("role")? {
        "api" => Role::Api,
        "worker" => Role::Worker,
        _ => Role::All,
    };
    for name in ["tasks", "images"] {
        let engine = values.parse(name, Ok)?;
        if role != Role::All && !engine.contains("://") {
            let problem = format!(
                "must be all where {name} is {engine}: an embedded store belongs to one process \
                 at a time"
            );
            return Err(values.unusable("role", problem));
        }
    }
    Ok(role)
}

//! Which parts of the service a process runs.

use super::error::ConfigError;
use super::reader::{Reader, unusable};

/// Which parts of the service a process runs. Parts of their own need stores that have
/// servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    All,
    /// The API, without work on tasks.
    Api,
    /// Work on tasks. Over HTTP there are the health and pushes of a queue only.
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

    /// Whether clients get more than the health.
    pub(crate) fn serves_api(self) -> bool {
        match self {
            Self::All | Self::Api => true,
            Self::Worker => false,
        }
    }

    /// Whether tasks are worked on.
    pub(crate) fn works(self) -> bool {
        match self {
            Self::All | Self::Worker => true,
            Self::Api => false,
        }
    }
}

/// Stores that a role of its own shares with others must be where others reach
/// them: what a word names, and not a URL, is inside this process.
pub(super) fn read(values: &Reader<'_>) -> Result<Role, ConfigError> {
    let role = match values.only("role", &["all", "api", "worker"])? {
        "api" => Role::Api,
        "worker" => Role::Worker,
        _ => Role::All,
    };
    for name in ["tasks", "images"] {
        let engine = values.parse(name, Ok)?;
        if role != Role::All && !engine.contains("://") {
            return Err(unusable(
                "role",
                format!(
                    "must be all where {name} is {engine}: an embedded store belongs to one \
                     process at a time"
                ),
            ));
        }
    }
    Ok(role)
}

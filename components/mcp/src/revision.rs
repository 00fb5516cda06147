//! The revisions of the protocol, and by which one a request is answered.
//!
//! Since 2026-07-28 each request says its revision and what its client can do. Before that a
//! client agreed on a revision once, by `initialize`; what differs between those is nothing
//! that is used here, so that no request has to remember which one it was.

use serde_json::Value;

use crate::error::Error;
use crate::message::Params;
use crate::task;

/// Where a request tells its revision, below `_meta`.
pub const PROTOCOL_VERSION: &str = "io.modelcontextprotocol/protocolVersion";

const CLIENT_CAPABILITIES: &str = "io.modelcontextprotocol/clientCapabilities";

/// All of them, newest first.
pub const REVISIONS: &[Revision] = &[
    Revision::V2026_07_28,
    Revision::V2025_11_25,
    Revision::V2025_06_18,
];

/// A revision of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revision {
    V2026_07_28,
    V2025_11_25,
    V2025_06_18,
}

impl Revision {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V2026_07_28 => "2026-07-28",
            Self::V2025_11_25 => "2025-11-25",
            Self::V2025_06_18 => "2025-06-18",
        }
    }

    /// None: it is not supported.
    pub fn parse(version: &str) -> Option<Self> {
        let mut revisions = REVISIONS.iter().copied();
        revisions.find(|revision| revision.as_str() == version)
    }

    /// Whether each request stands for itself, without `initialize`.
    pub fn is_stateless(self) -> bool {
        self == Self::V2026_07_28
    }

    /// What `initialize` agrees on: the version that a client asks for, or else the newest
    /// one that has `initialize`.
    pub fn agreed(requested: Option<&str>) -> Self {
        requested
            .and_then(Self::parse)
            .filter(|revision| !revision.is_stateless())
            .unwrap_or(Self::V2025_11_25)
    }
}

/// By what a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Of several that `initialize` can agree on, the newest one.
    pub revision: Revision,
    /// Whether a call may be answered by a task.
    pub has_tasks: bool,
}

impl Terms {
    const AGREED: Self = Self {
        revision: Revision::V2025_11_25,
        has_tasks: false,
    };

    /// Reads what a request says of itself. `header` is the revision that it bears outside of
    /// the message, where the transport has such a place; it must agree elsewhere.
    ///
    /// # Errors
    ///
    /// The revision is not supported, or what it demands of each request is missing.
    pub fn of(method: &str, params: &Params, header: Option<&str>) -> Result<Self, Error> {
        let meta = params.get("_meta").and_then(Value::as_object);
        let version = meta.and_then(|meta| meta.get(PROTOCOL_VERSION));
        let version = match version {
            None => None,
            Some(Value::String(version)) => Some(version.as_str()),
            Some(_) => return Err(missing(PROTOCOL_VERSION)),
        };
        let Some(named) = version.or(header) else {
            return Ok(match method {
                // Its answer exists in this revision only.
                "server/discover" => return Err(missing(PROTOCOL_VERSION)),
                _ => Self::AGREED,
            });
        };
        // A client that agrees names what it wants in its parameters.
        if method == "initialize" && version.is_none() {
            return Ok(Self::AGREED);
        }
        let Some(revision) = Revision::parse(named) else {
            return Err(Error::unsupported_version(named));
        };
        if !revision.is_stateless() {
            return Ok(Self::AGREED);
        }
        if version.is_none() {
            return Err(missing(PROTOCOL_VERSION));
        }
        let capabilities = meta
            .and_then(|meta| meta.get(CLIENT_CAPABILITIES))
            .and_then(Value::as_object)
            .ok_or_else(|| missing(CLIENT_CAPABILITIES))?;
        let extensions = capabilities.get("extensions");
        let tasks = extensions.and_then(|extensions| extensions.get(task::EXTENSION));
        Ok(Self {
            revision,
            has_tasks: tasks.is_some_and(Value::is_object),
        })
    }
}

fn missing(key: &str) -> Error {
    Error::invalid_params(format!("Invalid params: _meta must have {key}"))
}

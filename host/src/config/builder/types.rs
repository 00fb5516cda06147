//! What settings may be, where Rust and libraries have no type for it.

use std::fmt;

use ipnet::IpNet;
use url::{Host, Url};

/// How users prove who they are.
#[derive(Clone, PartialEq, Eq)]
pub enum Authentication {
    /// Each browser gets a session of its own, signed with the generated secret.
    Anonymous,
    /// By tokens (HS256) that are signed with this secret, of at least 32 bytes.
    Secret(String),
    /// By tokens of an issuer that publishes its keys here.
    Jwks(Url),
}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anonymous => f.write_str("Anonymous"),
            Self::Secret(_) => f.write_str("Secret"),
            Self::Jwks(url) => write!(f, "Jwks({url})"),
        }
    }
}

/// What a provider that can download originals gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    /// The bytes, which were checked.
    Bytes,
    /// The URL.
    Url,
}

impl Original {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Url => "url",
        }
    }
}

/// A host or a network that may be asked though it is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// A host, and one port of it. None: any port.
    Host(Host, Option<u16>),
    /// All addresses of a network, on any port.
    Network(IpNet),
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host, Some(port)) => write!(f, "{host}:{port}"),
            Self::Host(host, None) => write!(f, "{host}"),
            Self::Network(network) => write!(f, "{network}"),
        }
    }
}

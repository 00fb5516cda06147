//! Types of settings for which neither Rust nor the libraries have one.

use std::fmt;

use concept_refinement_domain::words;
use ipnet::IpNet;
use url::{Host, Url};

/// How users authenticate.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// Each browser gets its own session, signed with the generated secret.
    Anonymous,
    /// Tokens (HS256) that are signed with this secret of at least 32 bytes.
    Secret(String),
    /// Tokens of an issuer that publishes its keys at this URL.
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

words! {
    /// What a provider that can download originals gets.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub enum Original {
        /// The bytes, which were checked.
        Bytes = "bytes",
        /// The URL.
        Url = "url",
    }
}

/// A host or a network that is allowed although it is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Allowed {
    /// A host, and one of its ports. None: any port.
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

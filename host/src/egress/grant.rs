//! What one component may connect to.

use std::net::IpAddr;

use concept_refinement_domain::address::is_public;
use concept_refinement_domain::original::AllowedSources;
use http::uri::Scheme;

/// What one component may connect to.
#[derive(Clone, Debug, Default)]
pub enum Grant {
    #[default]
    Nothing,
    /// Public addresses, the sources that the operator allows, and for URLs
    /// that a model answered, its provider's origin.
    Public {
        allowed: AllowedSources,
        provider: Option<Origin>,
    },
    /// One origin, even at a private address, since the operator named it.
    Origin(Origin),
}

/// Scheme, host in lower case, port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    pub scheme: Scheme,
    pub host: String,
    pub port: u16,
}

impl Origin {
    /// None: not an http or https URL.
    pub fn of_url(url: &url::Url) -> Option<Self> {
        Self::of(&url.as_str().parse().ok()?)
    }

    /// None: not an http or https address.
    pub fn of(uri: &http::Uri) -> Option<Self> {
        let scheme = uri.scheme()?.clone();
        let port = match (uri.port_u16(), &scheme) {
            (Some(port), _) => port,
            (None, scheme) if *scheme == Scheme::HTTPS => 443,
            (None, scheme) if *scheme == Scheme::HTTP => 80,
            (None, _) => return None,
        };
        let host = uri.host()?.to_ascii_lowercase();
        Some(Self { scheme, host, port })
    }
}

impl Grant {
    /// Decides whether the origin is allowed, and if so, returns the rule for
    /// the addresses behind its name.
    pub fn permits(&self, origin: &Origin, purpose: Purpose) -> Option<impl Fn(IpAddr) -> bool> {
        let judge = match self {
            Self::Nothing => None,
            Self::Origin(granted) => (granted == origin).then_some(Judge::Any),
            Self::Public { allowed, provider } => {
                let anywhere = (purpose == Purpose::ModelAnswer
                    && provider.as_ref() == Some(origin))
                    || allowed.allows_host(&origin.host, origin.port);
                Some(if anywhere {
                    Judge::Any
                } else {
                    Judge::PublicOr(allowed, origin.port)
                })
            }
        }?;
        Some(move |address| match &judge {
            Judge::Any => true,
            Judge::PublicOr(allowed, port) => {
                is_public(address) || allowed.allows_address(address, *port)
            }
        })
    }
}

enum Judge<'a> {
    Any,
    PublicOr(&'a AllowedSources, u16),
}

/// The purpose of a request, from a header that the component sets and the host
/// removes. Only counts for a component with the grant `Public`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Any,
    /// Downloads a URL that a model answered.
    ModelAnswer,
}

impl Purpose {
    const HEADER: &str = "concept-refinement-purpose";

    /// Reads and removes the header.
    pub fn taken_from(headers: &mut http::HeaderMap) -> Self {
        match headers.remove(Self::HEADER) {
            Some(value) if value == "model-answer" => Self::ModelAnswer,
            Some(_) | None => Self::Any,
        }
    }
}

#[cfg(test)]
mod tests;

//! What one component may connect to.

use std::net::IpAddr;

use concept_refinement_domain::address::{is_at_domain, is_public};
use concept_refinement_domain::original::AllowedSources;
use concept_refinement_domain::purpose::{HEADER, Purpose};
use http::uri::Scheme;

/// What one component may connect to.
#[derive(Clone, Debug, Default)]
pub enum Grant {
    /// No connection at all.
    #[default]
    Nothing,
    /// Public addresses except the machine's own; sources that the operator allows; and,
    /// for URLs that a model answered with, the origin of its provider.
    Public {
        /// What the operator allows.
        allowed: AllowedSources,
        /// The origins of the model's providers.
        providers: Vec<Origin>,
    },
    /// By https: public addresses except the machine's own. By http as well: what the
    /// operator allows.
    Https {
        /// What the operator allows.
        allowed: AllowedSources,
    },
    /// One origin, even at a private address, since the operator named it.
    Origin(Origin),
    /// The origin of a provider; and by https, on the usual port and at public addresses, the
    /// hosts below its domain.
    Domain {
        /// Where it is asked.
        origin: Origin,
        /// In lower case.
        domain: &'static str,
    },
}

/// Scheme, host in lower case, and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// http or https.
    pub scheme: Scheme,
    /// In lower case.
    pub host: String,
    /// The default of the scheme, unless the URL names another one.
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
        let usual = match &scheme {
            scheme if *scheme == Scheme::HTTPS => 443,
            scheme if *scheme == Scheme::HTTP => 80,
            _ => return None,
        };
        let port = uri.port_u16().unwrap_or(usual);
        let host = uri.host()?.to_ascii_lowercase();
        Some(Self { scheme, host, port })
    }

    /// Whether it is this domain or below it, by https on the usual port.
    fn is_below(&self, domain: &str) -> bool {
        is_at_domain(&self.host, domain) && self.scheme == Scheme::HTTPS && self.port == 443
    }
}

impl Grant {
    /// Checks whether requests to the origin are allowed, and if so, returns the rule for
    /// the addresses that its name resolves to. `is_own` recognises the machine's own
    /// addresses.
    pub fn permits<'a>(
        &'a self,
        origin: &Origin,
        purpose: Purpose,
        is_own: impl Fn(IpAddr) -> bool + 'a,
    ) -> Option<impl Fn(IpAddr) -> bool + 'a> {
        let judge = self.judge(origin, purpose)?;
        Some(move |address| match &judge {
            Judge::Any => true,
            Judge::Public => is_public(address) && !is_own(address),
            Judge::PublicOr(allowed, port) => {
                allowed.allows_address(address, *port) || is_public(address) && !is_own(address)
            }
            Judge::Allowed(allowed, port) => allowed.allows_address(address, *port),
        })
    }

    fn judge(&self, origin: &Origin, purpose: Purpose) -> Option<Judge<'_>> {
        match self {
            Self::Nothing => None,
            Self::Origin(granted) => (granted == origin).then_some(Judge::Any),
            Self::Domain {
                origin: granted, ..
            } if granted == origin => Some(Judge::Any),
            Self::Domain { domain, .. } => origin.is_below(domain).then_some(Judge::Public),
            Self::Public { allowed, providers } => {
                let anywhere = (purpose == Purpose::ModelAnswer && providers.contains(origin))
                    || allowed.allows_host(&origin.host, origin.port);
                Some(if anywhere {
                    Judge::Any
                } else {
                    Judge::PublicOr(allowed, origin.port)
                })
            }
            Self::Https { allowed } => {
                let (host, port) = (&origin.host, origin.port);
                Some(match origin.scheme == Scheme::HTTPS {
                    _ if allowed.allows_host(host, port) => Judge::Any,
                    true => Judge::PublicOr(allowed, port),
                    false => Judge::Allowed(allowed, port),
                })
            }
        }
    }
}

enum Judge<'a> {
    Any,
    Public,
    PublicOr(&'a AllowedSources, u16),
    Allowed(&'a AllowedSources, u16),
}

/// Takes the purpose of a request out of its header, which must not leave the host. Users
/// cannot set it.
pub fn take_purpose(headers: &mut http::HeaderMap) -> Purpose {
    let value = headers.remove(HEADER);
    Purpose::parse(value.as_ref().map(http::HeaderValue::as_bytes))
}

#[cfg(test)]
mod tests;

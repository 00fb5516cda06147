//! Access: tokens, proxies, and other origins.

use concept_refinement_domain::secret::SHORTEST;
use concept_refinement_domain::sentence::without_credentials;
use concept_refinement_domain::words;
use url::{Host, Url};

use super::error::ConfigError;
use super::forms::public_url;
use super::reader::Reader;
use super::table;

/// Settings that have an effect with one value of `auth` only.
const OF_ONE: [(&str, Auth); 3] = [
    ("jwt-secret", Auth::Secret),
    ("jwks-url", Auth::Jwks),
    ("anonymous-retention", Auth::Anonymous),
];

words! {
    /// How tokens are verified.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Auth {
        Anonymous = "anonymous",
        Secret = "secret",
        Jwks = "jwks",
    }
}

/// Reads how tokens are verified.
pub(super) fn auth(values: &Reader<'_>) -> Result<(Auth, Option<Url>), ConfigError> {
    let auth = Auth::of(values.word("auth")?).unwrap_or(Auth::Anonymous);
    let secret = values.optional("jwt-secret", |secret| match secret.len() {
        SHORTEST.. => Ok(()),
        _ => Err(format!("must have at least {SHORTEST} bytes")),
    })?;
    let jwks_url = values.optional("jwks-url", jwks_url)?;
    let needed = match (auth, secret, &jwks_url) {
        (Auth::Secret, None, _) => Some("jwt-secret"),
        (Auth::Jwks, _, None) => Some("jwks-url"),
        (Auth::Secret | Auth::Jwks | Auth::Anonymous, _, _) => None,
    };
    match needed {
        Some(name) => {
            let sentence = format!("{name} is required with auth {:?}", auth.as_str());
            Err(ConfigError(sentence))
        }
        None => Ok((auth, jwks_url)),
    }
}

/// The settings that have no effect with this value of `auth`, as sentences. They are no error,
/// since they may be left over; but who set one may believe that tokens are required.
pub(super) fn without_effect(values: &Reader<'_>, auth: Auth) -> Vec<String> {
    let default = |name: &str| table::find(name).and_then(|setting| setting.default);
    OF_ONE
        .into_iter()
        .filter(|&(name, needed)| needed != auth && values.0.get(name) != default(name))
        .map(|(name, _)| {
            let (name, auth) = (values.name_of(name), auth.as_str());
            format!("{name} has no effect: auth is {auth}")
        })
        .collect()
}

/// Keys must be fetched by https or from this machine: an attacker who can change them
/// can pose as any user.
pub(super) fn jwks_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .ok_or("must be a URL, as https://issuer.example/.well-known/jwks.json")?;
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    if url.scheme() == "https" || is_loopback {
        Ok(url)
    } else {
        Err("must be https, unless it is on this machine".to_owned())
    }
}

/// Origins in the form that browsers send.
pub(super) fn cors_origins(text: &str) -> Result<Vec<String>, String> {
    entries(text)
        .map(|entry| {
            public_url(entry).map_err(|_| {
                let entry = without_credentials(entry);
                format!("{entry:?} is not an http or https origin, as https://app.example.com")
            })
        })
        .collect()
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
}

//! A token taken apart (RFC 7515, 7.1), of which nothing is believed yet.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::key::Algorithm;

/// More than any issuer needs, in bytes.
pub const MAX_LENGTH: usize = 8 * 1024;

pub struct Compact<'a> {
    pub algorithm: Algorithm,
    /// The name of the key that it claims to be signed with.
    pub key_id: Option<String>,
    /// What is signed.
    pub message: &'a [u8],
    pub signature: Vec<u8>,
    claims: &'a str,
}

/// What counts of a header. Where it names or brings a key (`jku`, `jwk`, `x5u`,
/// `x5c`) it is not heard: whoever forges a token has a key for it too.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    #[serde(default)]
    crit: Present,
}

/// Whether a member is there, with whatever value.
#[derive(Default)]
struct Present(bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer)?;
        Ok(Self(true))
    }
}

impl<'a> Compact<'a> {
    /// None: it is not a token that anyone here could have signed.
    pub fn parse(token: &'a str) -> Option<Self> {
        if token.len() > MAX_LENGTH {
            return None;
        }
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        if claims.contains('.') {
            return None;
        }
        let header: Header = json(header)?;
        header.is_of_a_token().then_some(())?;
        Some(Self {
            algorithm: Algorithm::of_name(&header.alg)?,
            key_id: header.kid,
            message: message.as_bytes(),
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
            claims,
        })
    }

    pub fn claims<T: DeserializeOwned>(&self) -> Option<T> {
        json(self.claims)
    }
}

impl Header {
    /// An extension that must be understood is none of ours (RFC 7515, 4.1.11),
    /// a token within a token is none either, and what is meant for another
    /// purpose, as to log out, lets nobody in (RFC 8725, 3.11).
    fn is_of_a_token(&self) -> bool {
        let is =
            |value: &str, names: &[&str]| names.iter().any(|name| value.eq_ignore_ascii_case(name));
        let is_jwt = self
            .typ
            .as_deref()
            .is_none_or(|typ| is(typ, &["JWT", "at+jwt", "application/at+jwt"]));
        let is_nested = self.cty.as_deref().is_some_and(|cty| is(cty, &["JWT"]));
        is_jwt && !is_nested && !self.crit.0
    }
}

/// Members that are there twice make it unusable.
fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

//! Parses a token (RFC 7515, 7.1) without verifying it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use crate::key::Algorithm;

/// Longest token, in bytes; more than any issuer needs.
pub const MAX_LENGTH: usize = 8 * 1024;

pub struct Compact<'a> {
    pub algorithm: Algorithm,
    /// The `kid` in its header.
    pub key_id: Option<String>,
    /// The signed text.
    pub message: &'a [u8],
    pub signature: Vec<u8>,
    claims: &'a str,
}

/// The relevant part of the header. Keys in it (`jku`, `jwk`, `x5u`, `x5c`) are ignored,
/// since a forger could include their own.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    cty: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

/// True, whatever it is.
fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Ok(true)
}

impl<'a> Compact<'a> {
    /// None: not a token that could be valid here.
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
    /// Refuses critical extensions (RFC 7515, 4.1.11), nested tokens, and tokens for
    /// another purpose such as logout (RFC 8725, 3.11).
    fn is_of_a_token(&self) -> bool {
        let is =
            |value: &str, names: &[&str]| names.iter().any(|name| value.eq_ignore_ascii_case(name));
        let is_jwt = self
            .typ
            .as_deref()
            .is_none_or(|typ| is(typ, &["JWT", "at+jwt", "application/at+jwt"]));
        let is_nested = self.cty.as_deref().is_some_and(|cty| is(cty, &["JWT"]));
        is_jwt && !is_nested && !self.crit
    }
}

/// Only objects are accepted (RFC 7519, 7.2): serde would also accept a list of values in
/// the order of the fields. Duplicate members are errors, too.
fn json<T: DeserializeOwned>(part: &str) -> Option<T> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    json.trim_ascii_start().starts_with(b"{").then_some(())?;
    serde_json::from_slice(&json).ok()
}

//! Parses a JWK Set (RFC 7517).
//!
//! A key that is weak, for another use or of an unknown kind is skipped, and does not
//! affect the others.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::compact::Compact;
use super::key::{Algorithm, Key};

/// Most keys of a set.
const MAX_KEYS: usize = 64;

/// Most keys to try for a token without `kid`.
const MAX_TRIED: usize = 4;

#[derive(Debug, Default)]
pub struct KeySet(Vec<Named>);

#[derive(Debug)]
struct Named {
    id: Option<String>,
    key: Key,
}

/// The result of checking a signature against the set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Yes,
    No,
    /// No key matches; a newer set may have one.
    Unknown,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    alg: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    /// Only present in private keys. A published private key is worthless.
    d: Option<Value>,
}

impl KeySet {
    /// None: not a JWK Set. A set without usable keys is valid.
    pub fn parse(document: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(document).ok()?;
        let keys = document
            .keys
            .into_iter()
            .filter_map(Named::of)
            .take(MAX_KEYS);
        Some(Self(keys.collect()))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Selects keys by `kid` if both token and key have one; otherwise tries the keys of
    /// the algorithm, up to a limit.
    pub fn judge(&self, token: &Compact<'_>) -> Signed {
        let is_of_name = |key: &&Named| key.id.is_some() && key.id == token.key_id;
        let is_named = self.0.iter().any(|key| is_of_name(&key));
        let is_signed = self
            .0
            .iter()
            .filter(|key| match is_named {
                true => is_of_name(key),
                false => key.id.is_none() || token.key_id.is_none(),
            })
            .filter(|key| key.key.algorithm() == token.algorithm)
            .take(MAX_TRIED)
            .any(|key| key.key.verifies(token.message, &token.signature));
        match (is_signed, is_named) {
            (true, _) => Signed::Yes,
            (false, true) => Signed::No,
            (false, false) => Signed::Unknown,
        }
    }
}

impl Named {
    fn of(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let is_to_verify = jwk.r#use.as_deref().is_none_or(|usage| usage == "sig")
            && jwk
                .key_ops
                .as_ref()
                .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !is_to_verify || jwk.d.is_some() {
            return None;
        }
        let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Key::rsa(&bytes(jwk.n)?, &bytes(jwk.e)?),
            ("EC", Some("P-256")) => Key::p256(coordinate(jwk.x)?, coordinate(jwk.y)?),
            ("OKP", Some("Ed25519")) => Key::ed25519(coordinate(jwk.x)?),
            _ => None,
        }?;
        let is_meant = jwk
            .alg
            .is_none_or(|alg| Algorithm::of_name(&alg) == Some(key.algorithm()));
        is_meant.then_some(Self { id: jwk.kid, key })
    }
}

fn bytes(text: Option<String>) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text?).ok()
}

fn coordinate(text: Option<String>) -> Option<[u8; 32]> {
    bytes(text)?.try_into().ok()
}

//! A JWK Set (RFC 7517): the keys of it that tokens may be signed with.
//!
//! It comes from an issuer that the operator trusts, over a network that may
//! not be: a key that is weak, meant for something else or not understood is
//! left out, and never spoils the others.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::Value;

use super::compact::Compact;
use super::key::{Algorithm, Key};

/// The most keys that are taken of one set.
const MAX_KEYS: usize = 64;

/// The most keys that one token is tried with, where it names none.
const MAX_TRIED: usize = 4;

#[derive(Debug, Default)]
pub struct KeySet(Vec<Named>);

#[derive(Debug)]
struct Named {
    id: Option<String>,
    key: Key,
}

/// What a set of keys says of a token's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    Yes,
    No,
    /// By none of these keys; a newer set may have the one.
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
    /// There in a private key only, which is worthless once anyone can read it.
    d: Option<Value>,
}

impl KeySet {
    /// None: the document is not a JWK Set. One without a usable key is one.
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

    /// A key counts by its name, where token and key have one. Of several
    /// without, all of the algorithm are tried, as far as that has an end.
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

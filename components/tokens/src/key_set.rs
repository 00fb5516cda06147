//! Parses a JWK Set (RFC 7517).
//!
//! A key that is weak, for another use or of an unknown kind is skipped, and does not
//! affect the others.

use concept_refinement_domain::issuer_keys::decode;
use concept_refinement_domain::sentence::sanitize;
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use crate::compact::Compact;
use crate::key::{Algorithm, Key};

/// Most keys of a set.
const MAX_KEYS: usize = 64;

/// Most keys to try for a token without `kid`.
const MAX_TRIED: usize = 4;

/// Most skipped keys to report, and most characters of a `kid`.
const MAX_TOLD: usize = 16;
const MAX_ID: usize = 64;

#[derive(Debug, Default)]
pub struct KeySet(Vec<Named>);

/// A key of the set that verifies nothing here.
#[derive(Debug, PartialEq, Eq, Error)]
#[error("a key of the issuer is skipped, kid {id}: {reason}")]
pub struct Skipped {
    /// For the log.
    id: String,
    reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Reason {
    #[error("it is not a JWK, or a member has another type than it should")]
    Form,
    #[error("by its use or key_ops it verifies no signatures")]
    Use,
    #[error("it is a private key, so anyone may have signed with it")]
    Private,
    #[error("it is neither RSA nor EC with P-256 nor OKP with Ed25519")]
    Kind,
    #[error("its {0} is missing or is not in base64url")]
    Number(&'static str),
    #[error("its {0} has not the length that its curve needs")]
    Length(&'static str),
    #[error("its numbers are weak, invalid, or of fewer than 2,048 or more than 4,096 bits")]
    Weak,
    #[error("its alg is not the one of its kind: RS256, ES256 or EdDSA")]
    Algorithm,
    #[error("there are {MAX_KEYS} before it")]
    TooMany,
}

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
    /// The set, and the first ones of the keys that were skipped. None: not a JWK Set. A
    /// set without usable keys is valid.
    pub fn parse(document: &[u8]) -> Option<(Self, Vec<Skipped>)> {
        let document: Document = serde_json::from_slice(document).ok()?;
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for jwk in document.keys {
            let id = match jwk.get("kid") {
                Some(Value::String(id)) => sanitize(id, MAX_ID),
                Some(_) | None => "(none)".to_owned(),
            };
            let reason = match Named::of(jwk) {
                Ok(key) if keys.len() < MAX_KEYS => {
                    keys.push(key);
                    continue;
                }
                Ok(_) => Reason::TooMany,
                Err(reason) => reason,
            };
            if skipped.len() < MAX_TOLD {
                skipped.push(Skipped { id, reason });
            }
        }
        Some((Self(keys), skipped))
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
            .any(|key| key.key.has_signed(token));
        match (is_signed, is_named) {
            (true, _) => Signed::Yes,
            (false, true) => Signed::No,
            (false, false) => Signed::Unknown,
        }
    }
}

impl Named {
    fn of(jwk: Value) -> Result<Self, Reason> {
        let jwk: Jwk = serde_json::from_value(jwk).map_err(|_| Reason::Form)?;
        let is_to_verify = jwk.r#use.as_deref().is_none_or(|usage| usage == "sig")
            && jwk
                .key_ops
                .as_ref()
                .is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if !is_to_verify {
            return Err(Reason::Use);
        }
        if jwk.d.is_some() {
            return Err(Reason::Private);
        }
        let key = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("RSA", _) => Key::rsa(&number("n", jwk.n)?, &number("e", jwk.e)?),
            ("EC", Some("P-256")) => Key::p256(coordinate("x", jwk.x)?, coordinate("y", jwk.y)?),
            ("OKP", Some("Ed25519")) => Key::ed25519(point("x", &number("x", jwk.x)?)?),
            _ => return Err(Reason::Kind),
        };
        let key = key.ok_or(Reason::Weak)?;
        let is_meant = jwk
            .alg
            .is_none_or(|alg| Algorithm::of_name(&alg) == Some(key.algorithm()));
        match is_meant {
            true => Ok(Self { id: jwk.kid, key }),
            false => Err(Reason::Algorithm),
        }
    }
}

fn number(name: &'static str, text: Option<String>) -> Result<Vec<u8>, Reason> {
    let bytes = text.and_then(|text| decode(&text));
    bytes.ok_or(Reason::Number(name))
}

/// Some issuers write a coordinate like any other number: without leading zeros, or with
/// an extra zero that marks it as not negative.
fn coordinate(name: &'static str, text: Option<String>) -> Result<[u8; 32], Reason> {
    let bytes = number(name, text)?;
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    let padding = 32usize
        .checked_sub(digits.len())
        .ok_or(Reason::Length(name))?;
    let mut padded = vec![0; padding];
    padded.extend_from_slice(digits);
    point(name, &padded)
}

fn point(name: &'static str, bytes: &[u8]) -> Result<[u8; 32], Reason> {
    bytes.try_into().map_err(|_| Reason::Length(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_skipped_key_is_told_with_its_name_and_why() {
        let rsa = || json!({"kty": "RSA", "kid": "it", "n": "AQAB", "e": "AQAB"});
        let with = |member: &str, value: Value| {
            let mut key = rsa();
            key[member] = value;
            key
        };
        for (name, key, reason) in [
            ("no key", json!("key"), Reason::Form),
            ("another name", with("kid", json!(5)), Reason::Form),
            ("to encrypt", with("use", json!("enc")), Reason::Use),
            ("to sign", with("key_ops", json!(["sign"])), Reason::Use),
            ("private", with("d", json!("AQAB")), Reason::Private),
            ("a secret", json!({"kty": "oct", "kid": "it"}), Reason::Kind),
            ("no modulus", with("n", Value::Null), Reason::Number("n")),
            ("no base64", with("e", json!("!")), Reason::Number("e")),
            ("short", rsa(), Reason::Weak),
            (
                "a long point",
                json!({"kty": "OKP", "crv": "Ed25519", "kid": "it", "x": "AQAB"}),
                Reason::Length("x"),
            ),
        ] {
            let document = json!({ "keys": [key] }).to_string();
            let (set, skipped) = KeySet::parse(document.as_bytes()).unwrap();
            assert!(set.is_empty(), "{name}");
            let id = match reason {
                Reason::Form => "(none)".to_owned(),
                _ => "it".to_owned(),
            };
            assert_eq!(skipped, [Skipped { id, reason }], "{name}");
        }
    }

    #[test]
    fn what_is_told_of_skipped_keys_is_short() {
        let keys = vec![json!({"kty": "x", "kid": "\u{1b}[1m".repeat(99)}); 99];
        let document = json!({ "keys": keys }).to_string();
        let (_, skipped) = KeySet::parse(document.as_bytes()).unwrap();
        assert_eq!(skipped.len(), MAX_TOLD);
        let line = skipped[0].to_string();
        assert!(
            line.chars().count() < 200 && !line.contains('\u{1b}'),
            "{line}"
        );
    }
}

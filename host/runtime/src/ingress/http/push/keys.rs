//! Google's keys, which verify the tokens of push requests.

use std::sync::Arc;

use bytes::Bytes;
use concept_refinement_domain::issuer_keys::{STALE, decode};
use concept_refinement_domain::sentence::sanitize;
use parking_lot::Mutex;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;
use tokio::time::Instant;

use crate::egress::Egress;

/// Limit of keys in a set.
const MAX_KEYS: usize = 64;

/// Most skipped keys to log, and most characters of a `kid`.
const MAX_LOGGED: usize = 16;
const MAX_ID: usize = 64;

/// Smallest modulus, in bytes.
const MIN_MODULUS: usize = 2048 / 8;

/// The keys that were fetched last.
pub struct KeyCache {
    google: Egress,
    cached: Mutex<Option<Cached>>,
}

struct Cached {
    document: Bytes,
    keys: Vec<Key>,
    fetched: Instant,
}

/// A public key of RSA.
#[derive(Clone)]
pub struct Key(Arc<Parts>);

struct Parts {
    id: String,
    n: Vec<u8>,
    e: Vec<u8>,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    alg: Option<String>,
    r#use: Option<String>,
    n: String,
    e: String,
}

impl KeyCache {
    /// `google`: fetches and caches the document.
    pub fn new(google: Egress) -> Self {
        Self {
            google,
            cached: Mutex::default(),
        }
    }

    /// The key with this id. The document's cache decides how often it is fetched:
    /// unknown ids do not cause more fetches.
    ///
    /// # Errors
    ///
    /// Why there are no keys.
    pub async fn of(&self, id: &str) -> Result<Option<Key>, String> {
        if let Some(cached) = &*self.cached.lock()
            && cached.fetched.elapsed() < STALE
            && let Some(key) = cached.named(id)
        {
            return Ok(Some(key));
        }
        let document = self.google.issuer_keys().await;
        let mut cached = self.cached.lock();
        let error = match (document, &mut *cached) {
            (Ok(document), Some(cached)) if cached.document == document => {
                cached.fetched = Instant::now();
                return Ok(cached.named(id));
            }
            (Ok(document), _) => match parse(&document) {
                Some((keys, skipped)) => {
                    for (id, reason) in skipped {
                        tracing::warn!("a key of Google is skipped, kid {id}: {reason}");
                    }
                    let cached = cached.insert(Cached {
                        document,
                        keys,
                        fetched: Instant::now(),
                    });
                    return Ok(cached.named(id));
                }
                None => "it is not a JWK Set".to_owned(),
            },
            (Err(error), _) => error.to_string(),
        };
        let cached = cached.as_ref().ok_or(error)?;
        Ok(cached.named(id))
    }
}

impl Cached {
    fn named(&self, id: &str) -> Option<Key> {
        self.keys.iter().find(|key| key.0.id == id).cloned()
    }
}

impl Key {
    /// Verifies an RS256 signature. Keys of fewer than 2,048 bits are never accepted.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let Parts { n, e, .. } = &*self.0;
        RsaPublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok()
    }

    fn of(jwk: Value) -> Result<Self, Reason> {
        let jwk: Jwk = serde_json::from_value(jwk).map_err(|_| Reason::Form)?;
        if jwk.kty != "RSA" || jwk.alg.is_some_and(|alg| alg != "RS256") {
            return Err(Reason::Kind);
        }
        if jwk.r#use.is_some_and(|usage| usage != "sig") {
            return Err(Reason::Use);
        }
        let number = |text| decode(text).ok_or(Reason::Number);
        let (n, e) = (number(&jwk.n)?, number(&jwk.e)?);
        let zeros = n.iter().take_while(|byte| **byte == 0).count();
        if n.len() - zeros < MIN_MODULUS {
            return Err(Reason::Weak);
        }
        let id = jwk.kid;
        Ok(Self(Arc::new(Parts { id, n, e })))
    }
}

/// Why a key verifies nothing here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
enum Reason {
    #[error("it is not an RSA key in the form of a JWK, or has no kid")]
    Form,
    #[error("it is not for RS256")]
    Kind,
    #[error("by its use it verifies no signatures")]
    Use,
    #[error("its n or e is not in base64url")]
    Number,
    #[error("it has fewer than 2,048 bits")]
    Weak,
}

/// The `kid` of a key that is skipped, and why.
type Skipped = (String, Reason);

/// The keys, and the first ones that are skipped. None: not a JWK Set.
fn parse(document: &[u8]) -> Option<(Vec<Key>, Vec<Skipped>)> {
    let document: Document = serde_json::from_slice(document).ok()?;
    let (mut keys, mut skipped) = (Vec::new(), Vec::new());
    for jwk in document.keys.into_iter().take(MAX_KEYS) {
        let id = jwk.get("kid").and_then(Value::as_str).unwrap_or("(none)");
        let id = sanitize(id, MAX_ID);
        match Key::of(jwk) {
            Ok(key) => keys.push(key),
            Err(reason) => skipped.push((id, reason)),
        }
    }
    skipped.truncate(MAX_LOGGED);
    Some((keys, skipped))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_that_is_skipped_has_a_reason() {
        let good = || {
            let n = "_".repeat(341) + "w";
            json!({"kty": "RSA", "kid": "it", "n": n, "e": "AQAB"})
        };
        let with = |member: &str, value: &str| {
            let mut key = good();
            key[member] = json!(value);
            key
        };
        for (name, key, expected) in [
            ("good", good(), None),
            ("for signatures", with("use", "sig"), None),
            ("a word", json!("key"), Some(Reason::Form)),
            (
                "without n",
                json!({"kty": "RSA", "kid": "it", "e": "AQAB"}),
                Some(Reason::Form),
            ),
            ("another kind", with("kty", "EC"), Some(Reason::Kind)),
            ("another hash", with("alg", "RS512"), Some(Reason::Kind)),
            ("to encrypt", with("use", "enc"), Some(Reason::Use)),
            ("no number", with("e", "!"), Some(Reason::Number)),
            ("short", with("n", "AQAB"), Some(Reason::Weak)),
            (
                "short, with zeros",
                with("n", &"A".repeat(342)),
                Some(Reason::Weak),
            ),
        ] {
            let document = json!({ "keys": [key] }).to_string();
            let (keys, skipped) = parse(document.as_bytes()).unwrap();
            let reasons: Vec<_> = skipped.iter().map(|(_, reason)| *reason).collect();
            assert_eq!(reasons, expected.as_slice(), "{name}");
            assert_eq!(keys.is_empty(), expected.is_some(), "{name}");
        }
    }
}

//! Google's keys, which verify the tokens of push requests.

use std::sync::Arc;

use concept_refinement_domain::issuer_keys::{STALE, decode};
use parking_lot::Mutex;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use crate::egress::Egress;

/// Limit of keys in a set.
const MAX_KEYS: usize = 64;

/// The keys that were fetched last.
pub struct KeyCache {
    google: Egress,
    keys: Mutex<Option<(Vec<Key>, Instant)>>,
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
            keys: Mutex::default(),
        }
    }

    /// The key with this id. The document's cache decides how often it is fetched:
    /// unknown ids do not cause more fetches.
    ///
    /// # Errors
    ///
    /// Why there are no keys.
    pub async fn of(&self, id: &str) -> Result<Option<Key>, String> {
        let named = |keys: &[Key]| keys.iter().find(|key| key.0.id == id).cloned();
        if let Some((keys, fetched)) = &*self.keys.lock()
            && fetched.elapsed() < STALE
            && let Some(key) = named(keys)
        {
            return Ok(Some(key));
        }
        let document = self.google.issuer_keys().await;
        let fetched = document
            .map_err(|error| error.to_string())
            .and_then(|document| parse(&document).ok_or("it is not a JWK Set".to_owned()));
        let mut cached = self.keys.lock();
        match (fetched, &*cached) {
            (Ok(keys), _) => {
                let key = named(&keys);
                *cached = Some((keys, Instant::now()));
                Ok(key)
            }
            (Err(_), Some((keys, _))) => Ok(named(keys)),
            (Err(error), None) => Err(error),
        }
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

    fn of(jwk: Value) -> Option<Self> {
        let jwk: Jwk = serde_json::from_value(jwk).ok()?;
        let is_meant = jwk.kty == "RSA"
            && jwk.alg.is_none_or(|alg| alg == "RS256")
            && jwk.r#use.is_none_or(|usage| usage == "sig");
        let parts = Parts {
            id: jwk.kid,
            n: decode(&jwk.n)?,
            e: decode(&jwk.e)?,
        };
        is_meant.then(|| Self(Arc::new(parts)))
    }
}

/// None: not a JWK Set. Keys of unknown kinds are skipped.
fn parse(document: &[u8]) -> Option<Vec<Key>> {
    let document: Document = serde_json::from_slice(document).ok()?;
    let keys = document.keys.into_iter().filter_map(Key::of);
    Some(keys.take(MAX_KEYS).collect())
}

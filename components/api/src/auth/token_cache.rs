//! A cache of tokens that the same keys have verified, since clients that poll send the same
//! one each time.
//!
//! Tokens are looked up by SHA-256. The timing of that reveals nothing useful, since
//! nobody can choose a token by its hash.

use std::collections::HashMap;

use concept_refinement_tokens::{Caller, Span};
use sha2::{Digest, Sha256};

/// Half of the capacity. Once the younger half is full, the older one is dropped.
const HALF: usize = 512;

/// Longest user name that is cached, in bytes: so the whole cache takes about half a
/// megabyte.
const MAX_USER: usize = 256;

#[derive(Default)]
pub struct TokenCache {
    younger: HashMap<Hash, Verified>,
    older: HashMap<Hash, Verified>,
}

pub type Hash = [u8; 32];

pub type Verified = (Caller, Span);

pub fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

impl TokenCache {
    /// The result, if the token was verified before. It may have expired since.
    pub fn find(&mut self, hash: &Hash) -> Option<Verified> {
        if let Some(verified) = self.younger.get(hash) {
            return Some(verified.clone());
        }
        let verified = self.older.remove(hash)?;
        self.put(*hash, verified.clone());
        Some(verified)
    }

    pub fn insert(&mut self, hash: Hash, verified: &Verified) {
        if verified.0.user.len() <= MAX_USER {
            self.put(hash, verified.clone());
        }
    }

    fn put(&mut self, hash: Hash, verified: Verified) {
        if self.younger.len() >= HALF {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(hash, verified);
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::timestamp::Timestamp;
    use concept_refinement_tokens::{Claims, Rules, Signer};
    use serde_json::json;

    use super::*;

    fn verified(user: &str) -> Verified {
        let claims: Claims = serde_json::from_value(json!({"sub": user, "exp": 1e10})).unwrap();
        claims.judge(&Rules::default(), Signer::Service).unwrap()
    }

    fn count(cache: &TokenCache) -> usize {
        cache.younger.len() + cache.older.len()
    }

    #[test]
    fn a_bounded_number_is_cached_and_those_in_use_longest() {
        let mut cache = TokenCache::default();
        let polled = hash("polled");
        cache.insert(polled, &verified("ann"));
        for number in 0..10 * HALF {
            let token = number.to_string();
            cache.insert(hash(&token), &verified(&token));
            assert!(cache.find(&polled).is_some(), "after {number}");
            assert!(count(&cache) <= 2 * HALF);
        }
        let (caller, span) = cache.find(&hash("5119")).unwrap();
        assert_eq!(caller.user, "5119");
        assert!(span.check(Timestamp::from_secs(1)).is_ok());
        assert!(cache.find(&hash("0")).is_none());
    }

    #[test]
    fn a_long_user_name_is_not_cached() {
        let mut cache = TokenCache::default();
        for (length, is_cached) in [(MAX_USER, true), (MAX_USER + 1, false)] {
            let user = "a".repeat(length);
            cache.insert(hash(&user), &verified(&user));
            assert_eq!(cache.find(&hash(&user)).is_some(), is_cached);
        }
    }
}

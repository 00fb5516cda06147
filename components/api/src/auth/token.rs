//! Tokens, signed either with a secret or with a key of the issuer's set; one
//! kind is never accepted in place of the other.

use std::cell::RefCell;
use std::rc::Rc;

use concept_refinement_domain::session;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_tokens::{
    Caller, Compact, Issued, Key, MAX_LENGTH, Refusal, Signed, Signer, read,
};

use super::key_cache::KeyCache;
use super::token_cache::{self, TokenCache, Verified};
use crate::config::{TokenKeys, TokenRules};
use crate::ports::Ports;

/// Verifies tokens and issues those of anonymous sessions.
pub struct Tokens {
    rules: TokenRules,
    keys: Keys,
}

enum Keys {
    /// With the tokens that it has verified.
    Secret(Box<Key>, RefCell<TokenCache>),
    Issuer(Rc<KeyCache>),
    Unknown,
}

/// When to retry if the keys are not known yet, in seconds.
const UNKNOWN_RETRY_AFTER: u32 = 1;

/// Why a request is not authenticated by its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Refused(Refusal),
    /// There are no keys, and they will not be fetched again for this many seconds.
    NoKeys(u32),
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Tokens {
    pub fn new(rules: TokenRules) -> Self {
        let keys = match &rules.keys {
            TokenKeys::Secret(secret) => {
                Keys::Secret(Box::new(Key::secret(secret)), RefCell::default())
            }
            TokenKeys::SetAt(url) => Keys::Issuer(Rc::new(KeyCache::new(url.clone()))),
            TokenKeys::Unknown => Keys::Unknown,
        };
        Self { rules, keys }
    }

    pub async fn verify<P: Ports>(&self, ports: &P, token: &str) -> Result<Caller, TokenError> {
        let now = ports.now();
        let cache = match &self.keys {
            Keys::Secret(key, verified) => {
                let judged = self.judge(token, now, verified, |token| key.has_signed(token));
                let (caller, _) = judged?;
                return Ok(caller);
            }
            Keys::Issuer(cache) => cache,
            Keys::Unknown => return Err(TokenError::NoKeys(UNKNOWN_RETRY_AFTER)),
        };
        let keys = cache.keys(ports).await.map_err(TokenError::NoKeys)?;
        let mut is_unknown = false;
        let judged = self.judge(token, now, &keys.verified, |token| {
            let signed = keys.set.judge(token);
            is_unknown = signed == Signed::Unknown;
            signed == Signed::Yes
        });
        let newer = match is_unknown {
            true => cache.newer(ports, &keys).await,
            false => None,
        };
        let judged = match newer {
            Some(keys) => self.judge(token, now, &keys.verified, |token| {
                keys.set.judge(token) == Signed::Yes
            }),
            None => judged,
        };
        let (caller, _) = judged?;
        Ok(caller)
    }

    /// The anonymous user of a valid session of ours, and when it ends.
    pub fn session(&self, token: &str, now: Timestamp) -> Option<(String, Timestamp)> {
        let Keys::Secret(key, verified) = &self.keys else {
            return None;
        };
        let judged = self.judge(token, now, verified, |token| key.has_signed(token));
        let (caller, span) = judged.ok()?;
        caller.is_anonymous.then(|| (caller.user, span.expires()))
    }

    /// Verifies a token, unless it is among those that the same keys have verified.
    fn judge(
        &self,
        token: &str,
        now: Timestamp,
        verified: &RefCell<TokenCache>,
        is_signed: impl FnOnce(&Compact<'_>) -> bool,
    ) -> Result<Verified, Refusal> {
        if token.len() > MAX_LENGTH {
            return Err(Refusal::TooLong);
        }
        let hash = token_cache::hash(token);
        let cached = verified.borrow_mut().find(&hash);
        let (caller, span) = match cached {
            Some(cached) => cached,
            None => {
                let signer = match self.keys {
                    Keys::Secret(..) => Signer::Service,
                    Keys::Issuer(_) | Keys::Unknown => Signer::Issuer,
                };
                let judged = read(token, &self.rules.rules, signer, is_signed)?;
                verified.borrow_mut().insert(hash, &judged);
                judged
            }
        };
        span.check(now)?;
        Ok((caller, span))
    }

    /// A token for a new anonymous user. None: there is no secret to sign with, or it is
    /// not known yet.
    pub fn issue(&self, user: &str, now: Timestamp) -> Option<String> {
        let Keys::Secret(key, _) = &self.keys else {
            return None;
        };
        let session = Issued {
            user,
            is_anonymous: true,
            for_users: false,
            plan: None,
            now,
            expires: now.plus(session::LIFE),
        };
        session.sign(key, &self.rules.rules)
    }
}

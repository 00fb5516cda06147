//! JSON Web Tokens, signed either with a secret or with a key of the issuer's set; one
//! kind is never accepted in place of the other.

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use concept_refinement_domain::session;
use concept_refinement_domain::timestamp::Timestamp;
use serde::Serialize;

use super::caller::{Caller, TokenError};
use super::claims::Claims;
use super::compact::{Compact, MAX_LENGTH};
use super::key::Key;
use super::key_cache::KeyCache;
use super::key_set::Signed;
use super::token_cache::{self, TokenCache, Verified};
use crate::config::{TokenKeys, TokenRules};
use crate::ports::Ports;

/// Verifies tokens and issues those of anonymous sessions.
pub struct Tokens {
    rules: TokenRules,
    keys: Keys,
    verified: RefCell<TokenCache>,
}

enum Keys {
    Secret(Key),
    Issuer(Rc<KeyCache>),
    Unknown,
}

/// When to retry if the keys are not known yet, in seconds.
const UNKNOWN_RETRY_AFTER: u32 = 1;

#[derive(Serialize)]
struct SessionHeader {
    typ: &'static str,
    alg: &'static str,
}

#[derive(Serialize)]
struct SessionClaims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    is_anonymous: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
}

impl Tokens {
    pub fn new(rules: TokenRules) -> Self {
        let keys = match &rules.keys {
            TokenKeys::Secret(secret) => Keys::Secret(Key::secret(secret)),
            TokenKeys::SetAt(url) => Keys::Issuer(Rc::new(KeyCache::new(url.clone()))),
            TokenKeys::Unknown => Keys::Unknown,
        };
        Self {
            rules,
            keys,
            verified: RefCell::default(),
        }
    }

    pub async fn verify<P: Ports>(&self, ports: &P, token: &str) -> Result<Caller, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::TooLong);
        }
        let now = ports.now();
        let cache = match &self.keys {
            Keys::Secret(key) => {
                let verified = self.judge(token, now, 0, |token| key.has_signed(token));
                return verified.map(|(caller, _)| caller);
            }
            Keys::Issuer(cache) => cache,
            Keys::Unknown => return Err(TokenError::NoKeys(UNKNOWN_RETRY_AFTER)),
        };
        let keys = cache.keys(ports).await.map_err(TokenError::NoKeys)?;
        let mut is_unknown = false;
        let judged = self.judge(token, now, keys.generation, |token| {
            let signed = keys.set.judge(token);
            is_unknown = signed == Signed::Unknown;
            signed == Signed::Yes
        });
        let judged = judged.map(|(caller, _)| caller);
        if !is_unknown {
            return judged;
        }
        let Some(keys) = cache.newer(ports, &keys).await else {
            return judged;
        };
        let judged = self.judge(token, now, keys.generation, |token| {
            keys.set.judge(token) == Signed::Yes
        });
        judged.map(|(caller, _)| caller)
    }

    /// The anonymous user of a valid session of ours, and when it ends.
    pub fn session(&self, token: &str, now: Timestamp) -> Option<(String, Timestamp)> {
        let Keys::Secret(key) = &self.keys else {
            return None;
        };
        if token.len() > MAX_LENGTH {
            return None;
        }
        let judged = self.judge(token, now, 0, |token| key.has_signed(token));
        let (caller, span) = judged.ok()?;
        caller.is_anonymous.then(|| (caller.user, span.expires()))
    }

    /// Verifies a token with the keys of one generation, unless the cache has it.
    fn judge(
        &self,
        token: &str,
        now: Timestamp,
        generation: u64,
        is_signed: impl FnOnce(&Compact<'_>) -> bool,
    ) -> Result<Verified, TokenError> {
        let hash = token_cache::hash(token);
        let cached = self.verified.borrow_mut().find(&hash, generation);
        let (caller, span) = match cached {
            Some(cached) => cached,
            None => {
                let token = Compact::parse(token)
                    .filter(is_signed)
                    .ok_or(TokenError::Invalid)?;
                let claims: Claims = token.claims().ok_or(TokenError::Invalid)?;
                let verified = claims.judge(&self.rules)?;
                let mut cache = self.verified.borrow_mut();
                cache.insert(hash, generation, &verified);
                verified
            }
        };
        span.check(now)?;
        Ok((caller, span))
    }

    /// A token for a new anonymous user. None: there is no secret to sign with, or it is
    /// not known yet.
    pub fn issue(&self, user: &str, now: Timestamp) -> Option<String> {
        let Keys::Secret(key) = &self.keys else {
            return None;
        };
        let header = SessionHeader {
            typ: "JWT",
            alg: "HS256",
        };
        let claims = SessionClaims {
            sub: user,
            iat: now.as_secs(),
            exp: now.plus(session::LIFE).as_secs(),
            is_anonymous: true,
            iss: self.rules.issuer.as_deref(),
            aud: self.rules.audience.as_deref(),
        };
        let message = format!("{}.{}", part(&header)?, part(&claims)?);
        let signature = key.sign(message.as_bytes())?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn part(value: &impl Serialize) -> Option<String> {
    let json = serde_json::to_vec(value).ok()?;
    Some(URL_SAFE_NO_PAD.encode(json))
}

//! JSON Web Tokens: signed with a secret, or with a key that their issuer
//! publishes; never one where the other is meant.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use concept_refinement_domain::timestamp::Timestamp;
use serde::Serialize;

use super::Caller;
use super::claims::{Claims, Rules};
use super::compact::{Compact, MAX_LENGTH};
use super::key::Key;
use super::key_set::Signed;
use super::known::{self, Known};
use super::published::{NoKeys, Published};
use crate::ports::Ports;

/// How long an anonymous session lasts.
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Verifies tokens, and issues those of anonymous sessions.
pub struct Tokens {
    keys: Keys,
    rules: Rules,
    known: RefCell<Known>,
}

enum Keys {
    Secret(Key),
    Published(Rc<Published>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Expired,
    /// Whatever else is wrong with it; why is not told to whoever sent it.
    Unusable,
    /// The issuer's keys are not to be had for so many seconds.
    NoKeys(u32),
}

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
    /// Signed by HS256 with this secret, and by nothing else.
    pub fn of_secret(secret: &str, rules: Rules) -> Option<Self> {
        Key::secret(secret.as_bytes()).map(|key| Self::new(Keys::Secret(key), rules))
    }

    /// Signed by RS256, ES256 or EdDSA with a key of the set at this URL, and by
    /// nothing else.
    pub fn of_key_set(url: String, rules: Rules) -> Self {
        Self::new(Keys::Published(Rc::new(Published::new(url))), rules)
    }

    fn new(keys: Keys, rules: Rules) -> Self {
        Self {
            keys,
            rules,
            known: RefCell::default(),
        }
    }

    pub async fn verify<P: Ports + 'static>(
        &self,
        ports: &P,
        token: &str,
    ) -> Result<Caller, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Unusable);
        }
        let now = ports.now();
        let published = match &self.keys {
            Keys::Secret(key) => {
                let is_signed = |token: &Compact<'_>| {
                    token.algorithm == key.algorithm()
                        && key.verifies(token.message, &token.signature)
                };
                return self.judge(token, now, 0, is_signed);
            }
            Keys::Published(published) => published,
        };
        let keys = published.keys(ports).await?;
        let mut is_unknown = false;
        let judged = self.judge(token, now, keys.generation, |token| {
            let signed = keys.set.judge(token);
            is_unknown = signed == Signed::Unknown;
            signed == Signed::Yes
        });
        if !is_unknown {
            return judged;
        }
        let Some(keys) = published.newer(ports, &keys).await else {
            return judged;
        };
        self.judge(token, now, keys.generation, |token| {
            keys.set.judge(token) == Signed::Yes
        })
    }

    /// By the keys of one generation, unless it is known from before.
    fn judge(
        &self,
        token: &str,
        now: Timestamp,
        generation: u64,
        is_signed: impl FnOnce(&Compact<'_>) -> bool,
    ) -> Result<Caller, TokenError> {
        let name = known::name(token);
        let known = self.known.borrow_mut().find(&name, generation);
        let (caller, span) = match known {
            Some(known) => known,
            None => {
                let token = Compact::parse(token)
                    .filter(is_signed)
                    .ok_or(TokenError::Unusable)?;
                let claims: Claims = token.claims().ok_or(TokenError::Unusable)?;
                let holder = claims.judge(&self.rules)?;
                let mut known = self.known.borrow_mut();
                known.remember(name, generation, &holder);
                holder
            }
        };
        span.check(now)?;
        Ok(caller)
    }

    /// A token for a new anonymous user. None: it could not be signed.
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
            exp: now.plus(SESSION_LIFE).as_secs(),
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

impl From<NoKeys> for TokenError {
    fn from(NoKeys(seconds): NoKeys) -> Self {
        Self::NoKeys(seconds)
    }
}

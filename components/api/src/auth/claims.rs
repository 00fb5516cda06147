//! The claims of a token with a valid signature.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use serde::Deserialize;

use super::caller::{Caller, TokenError};
use crate::config::TokenRules;

/// Tolerance for clock differences, in seconds.
const LEEWAY: f64 = 60.0;

#[derive(Deserialize)]
pub struct Claims {
    sub: String,
    /// In seconds, possibly with a fraction (RFC 7519, section 2).
    exp: f64,
    nbf: Option<f64>,
    iss: Option<String>,
    aud: Option<Audience>,
    #[serde(default)]
    is_anonymous: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

/// When a token is valid.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    expires: f64,
    begins: Option<f64>,
}

impl Claims {
    /// Checks the claims, and returns the caller and when the token is valid.
    pub fn judge(self, rules: &TokenRules) -> Result<(Caller, Span), TokenError> {
        let issued_by = rules.issuer.is_none() || self.iss == rules.issuer;
        let meant_for = rules.audience.as_ref().is_none_or(|ours| match &self.aud {
            None => false,
            Some(Audience::One(theirs)) => theirs == ours,
            Some(Audience::Many(theirs)) => theirs.contains(ours),
        });
        // Control characters are refused, since a store may not support them.
        let has_subject = !self.sub.trim().is_empty() && !self.sub.contains(char::is_control);
        if !(issued_by && meant_for && has_subject) {
            return Err(TokenError::Invalid);
        }
        let caller = Caller {
            user: self.sub,
            is_anonymous: self.is_anonymous == serde_json::Value::Bool(true),
        };
        let span = Span {
            expires: self.exp,
            begins: self.nbf,
        };
        Ok((caller, span))
    }
}

impl Span {
    /// When it ends.
    pub fn expires(self) -> Timestamp {
        let expires = Duration::try_from_secs_f64(self.expires.max(0.0));
        Timestamp::default().plus(expires.unwrap_or(Duration::MAX))
    }

    pub fn check(self, now: Timestamp) -> Result<(), TokenError> {
        let now = Duration::from_micros(now.0).as_secs_f64();
        if self.expires + LEEWAY <= now {
            return Err(TokenError::Expired);
        }
        if self.begins.is_some_and(|begin| begin - LEEWAY > now) {
            return Err(TokenError::Invalid);
        }
        Ok(())
    }
}

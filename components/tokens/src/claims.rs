//! The claims of a token with a valid signature.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use serde::Deserialize;

use crate::caller::Caller;
use crate::refusal::Refusal;

/// Tolerance for clock differences, in seconds.
const LEEWAY: f64 = 60.0;

/// What the claims have to be, besides a user and an expiry.
#[derive(Clone, Debug, Default)]
pub struct Required {
    /// Of `aud`, if it is checked.
    pub audience: Option<String>,
    /// Of `iss`, if it is checked.
    pub issuer: Option<String>,
}

/// Who signed a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signer {
    /// Whoever has the secret that the service signs its own with.
    Service,
    /// An issuer, whose claims may be set by its users: one that is for our own tokens does
    /// not count.
    Issuer,
}

#[derive(Deserialize)]
pub struct Claims {
    sub: Option<String>,
    /// In seconds, possibly with a fraction (RFC 7519, section 2).
    exp: Option<f64>,
    nbf: Option<f64>,
    iss: Option<String>,
    aud: Option<Audience>,
    #[serde(default)]
    is_anonymous: serde_json::Value,
    #[serde(default)]
    for_users: serde_json::Value,
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
    ///
    /// # Errors
    ///
    /// The first claim that is not as it has to be.
    pub fn judge(self, required: &Required, signer: Signer) -> Result<(Caller, Span), Refusal> {
        let expires = self.exp.ok_or(Refusal::NoExpiry)?;
        if required.issuer.is_some() && self.iss != required.issuer {
            return Err(Refusal::Issuer);
        }
        let is_meant = required
            .audience
            .as_ref()
            .is_none_or(|ours| match &self.aud {
                None => false,
                Some(Audience::One(theirs)) => theirs == ours,
                Some(Audience::Many(theirs)) => theirs.contains(ours),
            });
        if !is_meant {
            return Err(Refusal::Audience);
        }
        // Control characters are refused, since a store may not support them.
        let is_name = |sub: &String| !sub.trim().is_empty() && !sub.contains(char::is_control);
        let user = self.sub.filter(is_name).ok_or(Refusal::Subject)?;
        let caller = Caller {
            user,
            is_anonymous: self.is_anonymous == serde_json::Value::Bool(true),
            for_users: signer == Signer::Service && self.for_users == serde_json::Value::Bool(true),
        };
        let span = Span {
            expires,
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

    /// # Errors
    ///
    /// It is over, or did not begin yet.
    pub fn check(self, now: Timestamp) -> Result<(), Refusal> {
        let now = Duration::from_micros(now.0).as_secs_f64();
        if self.expires + LEEWAY <= now {
            return Err(Refusal::Expired);
        }
        if self.begins.is_some_and(|begin| begin - LEEWAY > now) {
            return Err(Refusal::NotYet);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_is_for_users_if_the_service_signed_exactly_that() {
        for (claim, signer, expected) in [
            (json!(true), Signer::Service, true),
            (json!(true), Signer::Issuer, false),
            (json!(false), Signer::Service, false),
            (json!(null), Signer::Service, false),
            (json!("true"), Signer::Service, false),
            (json!(1), Signer::Service, false),
            (json!([true]), Signer::Service, false),
        ] {
            let claims = json!({"sub": "ann", "exp": 1e10, "for_users": claim});
            let claims: Claims = serde_json::from_value(claims).unwrap();
            let (caller, _) = claims.judge(&Required::default(), signer).unwrap();
            assert_eq!(caller.for_users, expected, "{claim}, {signer:?}");
        }
        let claims: Claims = serde_json::from_value(json!({"sub": "ann", "exp": 1e10})).unwrap();
        let (caller, _) = claims.judge(&Required::default(), Signer::Service).unwrap();
        assert!(!caller.for_users);
    }
}

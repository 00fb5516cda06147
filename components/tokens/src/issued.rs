//! The tokens that the service signs itself.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use concept_refinement_domain::timestamp::Timestamp;
use serde::Serialize;

use crate::claims::Rules;
use crate::key::Key;

/// What a token of ours says.
pub struct Issued<'a> {
    /// The user.
    pub user: &'a str,
    pub is_anonymous: bool,
    /// Whether it may act for users of its own.
    pub for_users: bool,
    /// The user's plan.
    pub plan: Option<&'a str>,
    pub now: Timestamp,
    pub expires: Timestamp,
}

/// The same in each of them.
const HEADER: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    iat: u64,
    exp: u64,
    is_anonymous: bool,
    /// Left out where it is false, so that all other tokens are as they were.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    for_users: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    #[serde(flatten)]
    plan: BTreeMap<&'a str, &'a str>,
}

impl Issued<'_> {
    /// Signs it with HS256, with the issuer and the audience that are required, and with the
    /// plan in the claim of exactly the configured name. None: the key is not a secret.
    pub fn sign(&self, key: &Key, rules: &Rules) -> Option<String> {
        let claims = Claims {
            sub: self.user,
            iat: self.now.as_secs(),
            exp: self.expires.as_secs(),
            is_anonymous: self.is_anonymous,
            for_users: self.for_users,
            iss: rules.issuer.as_deref(),
            aud: rules.audience.as_deref(),
            plan: rules
                .plan_claim
                .as_deref()
                .zip(self.plan)
                .into_iter()
                .collect(),
        };
        let claims = serde_json::to_vec(&claims).ok()?;
        let [header, claims] = [HEADER.as_bytes(), &claims].map(|it| URL_SAFE_NO_PAD.encode(it));
        let message = format!("{header}.{claims}");
        let signature = key.sign(message.as_bytes())?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Refusal, Signer, read};

    #[test]
    fn what_is_signed_is_read_until_it_expires() {
        let now = Timestamp::from_secs(1_795_176_000);
        let key = Key::secret("a secret of the tests, 32 bytes and more");
        let rules = Rules {
            issuer: Some("us".into()),
            audience: Some("them".into()),
            plan_claim: Some("https://example.com/plan".into()),
        };
        let issued = Issued {
            user: "ann",
            is_anonymous: false,
            for_users: true,
            plan: Some("pro"),
            now,
            expires: now.plus(Duration::from_secs(3600)),
        };
        let token = issued.sign(&key, &rules).unwrap();
        let is_signed = |key: &Key| {
            read(&token, &rules, Signer::Service, |token| {
                key.has_signed(token)
            })
        };
        let (caller, span) = is_signed(&key).unwrap();
        assert_eq!((&*caller.user, caller.for_users), ("ann", true));
        assert_eq!(caller.plan.as_deref(), Some("pro"));
        assert_eq!(span.check(now), Ok(()));
        let late = now.plus(Duration::from_secs(3600 + 61));
        assert_eq!(span.check(late), Err(Refusal::Expired));
        let other = is_signed(&Key::secret("another secret of at least 32 bytes"));
        assert_eq!(other.unwrap_err(), Refusal::Signature);
    }
}

//! The claims of a token with a valid signature.

use std::time::Duration;

use concept_refinement_domain::plan;
use concept_refinement_domain::sentence::sanitize;
use concept_refinement_domain::timestamp::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::caller::Caller;
use crate::refusal::Refusal;

/// How much sooner than it says a token may be used, in seconds: its issuer's clock may be
/// ahead of ours.
const LEEWAY: f64 = 60.0;

/// What the claims have to be, besides a user and an expiry, and which of them is the plan.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Of `aud`, if it is checked.
    pub audience: Option<String>,
    /// Of `iss`, if it is checked.
    pub issuer: Option<String>,
    /// The name of the claim with the user's plan, or its path through objects, with dots.
    /// None: tokens name no plan.
    pub plan_claim: Option<String>,
}

/// Claims with a meaning of their own, which none of them loses to a plan.
const OTHERS: [&str; 7] = [
    "sub",
    "exp",
    "nbf",
    "iss",
    "aud",
    "is_anonymous",
    "for_users",
];

/// Longest user, in bytes. With the name of a user of its own behind it (128 characters, 512
/// bytes) and an idempotency key beside it (325 bytes with the hash of an edit), it has to fit
/// into a row of an index of Postgres, which holds 2,704 bytes. Our store for Postgres escapes
/// only control characters, which no user has.
const MAX_USER: usize = 1024;

/// Longest name of a claim, in bytes.
const MAX_CLAIM: usize = 256;

/// Checks the name of the claim with the user's plan. The error completes the sentence
/// "it …".
///
/// # Errors
///
/// It can be no claim's name, or the claim means something else.
pub fn parse_plan_claim(text: &str) -> Result<String, String> {
    match text {
        "" => Err("must not be empty".to_owned()),
        _ if text.len() > MAX_CLAIM || text.contains(char::is_control) => {
            Err(format!("must be one line of at most {MAX_CLAIM} bytes"))
        }
        _ if OTHERS.contains(&text) => Err(format!(
            "must be a claim for plans alone, which {text} is not"
        )),
        _ => Ok(text.to_owned()),
    }
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
    is_anonymous: Value,
    #[serde(default)]
    for_users: Value,
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
    pub fn judge(self, rules: &Rules, signer: Signer) -> Result<(Caller, Span), Refusal> {
        let expires = self.exp.ok_or(Refusal::NoExpiry)?;
        if rules.issuer.is_some() && self.iss != rules.issuer {
            return Err(Refusal::Issuer);
        }
        let is_meant = rules.audience.as_ref().is_none_or(|ours| match &self.aud {
            None => false,
            Some(Audience::One(theirs)) => theirs == ours,
            Some(Audience::Many(theirs)) => theirs.contains(ours),
        });
        if !is_meant {
            return Err(Refusal::Audience);
        }
        // Control characters are refused, since a store may not support them.
        let is_name = |sub: &String| {
            !sub.trim().is_empty() && sub.len() <= MAX_USER && !sub.contains(char::is_control)
        };
        let user = self.sub.filter(is_name).ok_or(Refusal::Subject)?;
        let caller = Caller {
            user,
            is_anonymous: self.is_anonymous == Value::Bool(true),
            for_users: signer == Signer::Service && self.for_users == Value::Bool(true),
            plan: None,
        };
        let span = Span {
            expires,
            begins: self.nbf,
        };
        Ok((caller, span))
    }
}

/// The plan that the claims of an accepted token name: the text of the claim with exactly this
/// name, else of the one at the end of the path. No text of another claim ever becomes the name
/// of a plan.
pub fn plan_of(claims: &Map<String, Value>, claim: &str) -> Option<String> {
    let by_path = || {
        let (objects, last) = claim.rsplit_once('.')?;
        let mut objects = objects.split('.');
        let object = objects.try_fold(claims, |object, name| object.get(name)?.as_object());
        object?.get(last)
    };
    let text = claims.get(claim).or_else(by_path)?.as_str()?;
    // What is cut or not printable is the name of no plan afterwards either.
    (!text.is_empty()).then(|| sanitize(text, plan::MAX_NAME))
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
        if self.expires <= now {
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
            let (caller, _) = claims.judge(&Rules::default(), signer).unwrap();
            assert_eq!(caller.for_users, expected, "{claim}, {signer:?}");
        }
        let claims: Claims = serde_json::from_value(json!({"sub": "ann", "exp": 1e10})).unwrap();
        let (caller, _) = claims.judge(&Rules::default(), Signer::Service).unwrap();
        assert!(!caller.for_users);
    }

    /// Any store can keep it, whoever signed the token.
    #[test]
    fn a_user_has_at_most_1024_bytes() {
        for (sub, expected) in [
            ("a".repeat(1_024), Ok(1_024)),
            ("a".repeat(1_025), Err(Refusal::Subject)),
            ("ü".repeat(512), Ok(1_024)),
            ("ü".repeat(513), Err(Refusal::Subject)),
        ] {
            for signer in [Signer::Service, Signer::Issuer] {
                let claims = json!({"sub": sub, "exp": 1e10});
                let claims: Claims = serde_json::from_value(claims).unwrap();
                let judged = claims.judge(&Rules::default(), signer);
                let length = judged.map(|(caller, _)| caller.user.len());
                assert_eq!(length, expected, "{signer:?}");
            }
        }
    }

    fn plan(claims: &Value, plan_claim: Option<&str>) -> Option<String> {
        plan_of(claims.as_object().unwrap(), plan_claim?)
    }

    #[test]
    fn the_plan_is_the_claim_of_that_name_or_at_the_end_of_that_path() {
        let url = "https://example.com/plan";
        let by_path = json!({"app_metadata": {"plan": "pro"}, "user_metadata": {"plan": "all"}});
        let deep = json!({"a": {"b": {"c": "pro"}}});
        for (claims, name, expected) in [
            (json!({"plan": "pro"}), Some("plan"), Some("pro")),
            (json!({"plan": "pro"}), None, None),
            (json!({"plan": "pro"}), Some("tier"), None),
            (json!({url: "pro"}), Some(url), Some("pro")),
            (by_path.clone(), Some("app_metadata.plan"), Some("pro")),
            (by_path.clone(), Some("plan"), None),
            (by_path.clone(), Some("app_metadata"), None),
            (by_path.clone(), Some("app_metadata.tier"), None),
            (by_path, Some(".plan"), None),
            (deep.clone(), Some("a.b.c"), Some("pro")),
            (deep, Some("a.b.c.d"), None),
            (
                json!({"a.b": "first", "a": {"b": "second"}}),
                Some("a.b"),
                Some("first"),
            ),
            (json!({"a": "b"}), Some("a."), None),
        ] {
            let found = plan(&claims, name);
            assert_eq!(found.as_deref(), expected, "{name:?} of {claims}");
        }
    }

    #[test]
    fn a_claim_for_plans_means_nothing_else() {
        let longest = "a".repeat(256);
        for name in [
            "plan",
            "app_metadata.plan",
            "https://example.com/plan",
            &longest,
        ] {
            assert_eq!(parse_plan_claim(name), Ok(name.to_owned()));
        }
        for name in ["", "sub", "for_users", "a\nb", &"a".repeat(257)] {
            assert!(parse_plan_claim(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_plan_that_is_no_text_is_not_named() {
        for value in [
            json!(null),
            json!(true),
            json!(5),
            json!(["pro"]),
            json!({"name": "pro"}),
            json!(""),
        ] {
            assert_eq!(plan(&json!({"plan": value}), Some("plan")), None, "{value}");
        }
    }

    #[test]
    fn of_a_hostile_plan_little_is_kept_that_is_none() {
        let longest = "a".repeat(32);
        let longer = "a".repeat(33);
        for (value, expected) in [
            (longest.as_str(), longest.clone()),
            (&longer, format!("{}…", "a".repeat(31))),
            ("pro\n", "pro ".to_owned()),
            ("\u{1b}[2J", "\u{fffd}[2J".to_owned()),
            (&"𝔭".repeat(2_000), format!("{}…", "𝔭".repeat(31))),
        ] {
            let kept = plan(&json!({"plan": value}), Some("plan"));
            assert_eq!(kept.as_deref(), Some(&*expected), "{value}");
        }
    }

    /// Otherwise whoever adds a claim could hide one.
    #[test]
    fn no_claim_of_ours_may_be_there_twice() {
        let twice = r#"{"sub": "ann", "exp": 1, "plan": "pro", "sub": "bob"}"#;
        assert!(serde_json::from_str::<Claims>(twice).is_err());
    }
}

//! The token of a push: an OpenID Connect token of Google, signed with RS256 and nothing
//! else.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use concept_refinement_tokens::{Algorithm, Compact};
use serde_json::{Map, Value};

use super::Proof;

/// Google's two issuer names.
const ISSUERS: [&str; 2] = ["accounts.google.com", "https://accounts.google.com"];

/// Tolerance for clock differences, in seconds.
const LEEWAY: u64 = 60;

/// A token whose signature is yet to be verified.
pub struct Token<'a> {
    /// What is signed, and how.
    pub compact: Compact<'a>,
    claims: Map<String, Value>,
}

impl<'a> Token<'a> {
    /// None: not a token that could be valid here. Google's has a narrower header than
    /// those of other issuers may have.
    pub fn parse(token: &'a str) -> Option<Self> {
        let compact = Compact::parse(token)?;
        let header = object(token.split('.').next()?)?;
        let typ = header.get("typ").map(Value::as_str);
        let is_jwt = typ.is_none_or(|typ| typ.is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")));
        let is_of_google = compact.algorithm == Algorithm::Rs256
            && compact.key_id.is_some()
            && is_jwt
            && !header.contains_key("cty");
        is_of_google.then_some(())?;
        let claims = compact.claims()?;
        Some(Self { compact, claims })
    }

    /// Whether its claims are those of a push. `now` is in seconds since the epoch.
    pub fn proves(&self, proof: &Proof, now: u64) -> bool {
        let time = |name| self.claims.get(name).map(Value::as_u64);
        let is_current = matches!(time("exp"), Some(Some(end)) if end.saturating_add(LEEWAY) > now);
        let is_past = |begin: u64| begin <= now.saturating_add(LEEWAY);
        let has_begun = time("nbf").is_none_or(|begin| begin.is_some_and(is_past));
        let claim = |name| self.claims.get(name).and_then(Value::as_str);
        let is_meant = claim("aud") == Some(proof.audience.as_str());
        let is_of_google = claim("iss").is_some_and(|issuer| ISSUERS.contains(&issuer));
        let is_of_account = claim("email") == Some(proof.account.as_str())
            && self.claims.get("email_verified") == Some(&Value::Bool(true));
        is_current && has_begun && is_meant && is_of_google && is_of_account
    }
}

fn object(part: &str) -> Option<Map<String, Value>> {
    let json = URL_SAFE_NO_PAD.decode(part).ok()?;
    serde_json::from_slice(&json).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn proof() -> Proof {
        Proof {
            audience: "https://refine.example".to_owned(),
            account: "pusher@project.iam.gserviceaccount.com".to_owned(),
        }
    }

    fn claims() -> Value {
        json!({
            "aud": "https://refine.example",
            "email": "pusher@project.iam.gserviceaccount.com",
            "email_verified": true,
            "iss": "https://accounts.google.com",
            "exp": NOW + 3600,
            "iat": NOW,
            "sub": "113774264463038321964",
        })
    }

    #[test]
    fn a_header_is_of_rs256_or_of_nothing() {
        let is_taken = |header: &Value| {
            let token = format!("{}.{}.AAAA", part(header), part(&claims()));
            Token::parse(&token).is_some()
        };
        for (field, value, expected) in [
            ("typ", json!("JWT"), true),
            ("typ", json!("logout+jwt"), false),
            ("alg", json!("none"), false),
            ("alg", json!("HS256"), false),
            ("alg", json!("ES256"), false),
            ("alg", json!("rs256"), false),
            ("crit", json!([]), false),
            ("cty", json!("JWT"), false),
        ] {
            let mut header = json!({"alg": "RS256", "kid": "a"});
            header[field] = value;
            assert_eq!(is_taken(&header), expected, "{header}");
        }
        assert!(is_taken(&json!({"alg": "RS256", "kid": "a"})));
        assert!(!is_taken(&json!({"alg": "RS256"})), "no kid");
        assert!(!is_taken(&json!(["RS256", "a"])), "a list");
        let header = part(&json!({"alg": "RS256", "kid": "a"}));
        for token in [
            String::new(),
            "..".to_owned(),
            format!("{header}.{}", part(&claims())),
            format!("{header}.{}.AAAA.AAAA", part(&claims())),
            format!("{header}.{}.AAAA=", part(&claims())),
            format!("{header}.{}.AAAA", part(&json!([]))),
            format!("{header}.{}.AAAA", "A".repeat(8 * 1024)),
        ] {
            assert!(Token::parse(&token).is_none(), "{token:.40}");
        }
    }

    #[test]
    fn each_claim_has_to_hold() {
        let header = part(&json!({"alg": "RS256", "kid": "a"}));
        for (name, claim, value, proves) in [
            ("as it is", "sub", json!("another"), true),
            ("the other name", "iss", json!("accounts.google.com"), true),
            ("just expired", "exp", json!(NOW - LEEWAY + 1), true),
            ("expired", "exp", json!(NOW - LEEWAY), false),
            ("no end", "exp", Value::Null, false),
            ("an end in words", "exp", json!("2100"), false),
            ("begun", "nbf", json!(NOW), true),
            ("not yet", "nbf", json!(NOW + LEEWAY + 1), false),
            (
                "another audience",
                "aud",
                json!("https://other.example"),
                false,
            ),
            ("no audience", "aud", Value::Null, false),
            (
                "audiences",
                "aud",
                json!(["https://refine.example", "b"]),
                false,
            ),
            (
                "another issuer",
                "iss",
                json!("https://google.example"),
                false,
            ),
            ("another account", "email", json!("a@b.example"), false),
            ("not verified", "email_verified", json!(false), false),
            ("verified in words", "email_verified", json!("true"), false),
            ("not said to be", "email_verified", Value::Null, false),
        ] {
            let mut claims = claims();
            claims[claim] = value;
            let token = format!("{header}.{}.AAAA", part(&claims));
            let token = Token::parse(&token).unwrap();
            assert_eq!(token.proves(&proof(), NOW), proves, "{name}");
        }
    }
}

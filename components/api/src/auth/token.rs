//! JSON Web Tokens, signed with a secret by HS256 and by nothing else.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::Caller;

/// How long an anonymous session lasts.
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

const MAX_LENGTH: usize = 8 * 1024;
/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: f64 = 60.0;

/// Verifies tokens, and issues those of anonymous sessions.
pub struct Tokens {
    verifying: DecodingKey,
    signing: EncodingKey,
    validation: Validation,
    audience: Option<String>,
    issuer: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Expired,
    /// Whatever else is wrong with it; why is not told to whoever sent it.
    Unusable,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Seconds, perhaps with a fraction (RFC 7519, section 2).
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
    /// Audience and issuer are checked where they are given.
    pub fn new(secret: &str, audience: Option<String>, issuer: Option<String>) -> Self {
        // The library checks the signature and the algorithm. The claims are
        // checked here, since it would read the system's clock.
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_nbf = false;
        validation.validate_aud = false;
        Self {
            verifying: DecodingKey::from_secret(secret.as_bytes()),
            signing: EncodingKey::from_secret(secret.as_bytes()),
            validation,
            audience,
            issuer,
        }
    }

    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, TokenError> {
        if token.len() > MAX_LENGTH {
            return Err(TokenError::Unusable);
        }
        let token = jsonwebtoken::decode::<Claims>(token, &self.verifying, &self.validation)
            .map_err(|_| TokenError::Unusable)?;
        // An extension that must be understood is none of ours (RFC 7515, 4.1.11).
        if token.header.crit.is_some() {
            return Err(TokenError::Unusable);
        }
        self.check(token.claims, now)
    }

    fn check(&self, claims: Claims, now: Timestamp) -> Result<Caller, TokenError> {
        let issued_by = self.issuer.is_none() || claims.iss == self.issuer;
        let meant_for = self.audience.as_ref().is_none_or(|ours| match &claims.aud {
            None => false,
            Some(Audience::One(theirs)) => theirs == ours,
            Some(Audience::Many(theirs)) => theirs.contains(ours),
        });
        // A store may not be able to hold control characters.
        let has_subject = !claims.sub.trim().is_empty() && !claims.sub.contains(char::is_control);
        if !(issued_by && meant_for && has_subject) {
            return Err(TokenError::Unusable);
        }
        let now = Duration::from_micros(now.0).as_secs_f64();
        if claims.exp + LEEWAY <= now {
            return Err(TokenError::Expired);
        }
        if claims.nbf.is_some_and(|begin| begin - LEEWAY > now) {
            return Err(TokenError::Unusable);
        }
        Ok(Caller {
            user: claims.sub,
            is_anonymous: claims.is_anonymous == serde_json::Value::Bool(true),
        })
    }

    /// A token for a new anonymous user. None: it could not be signed.
    pub fn issue(&self, user: &str, now: Timestamp) -> Option<String> {
        let claims = SessionClaims {
            sub: user,
            iat: now.as_secs(),
            exp: now.plus(SESSION_LIFE).as_secs(),
            is_anonymous: true,
            iss: self.issuer.as_deref(),
            aud: self.audience.as_deref(),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing).ok()
    }
}

//! Authentication, and protection against requests forged by other sites.

mod credentials;
mod key_cache;
mod token;
mod token_cache;

use std::time::Duration;

use concept_refinement_domain::session;
use concept_refinement_tokens::{Refusal, key_id};

pub use concept_refinement_tokens::Caller;
pub use credentials::{Credentials, credentials};

use token::{TokenError, Tokens};

use crate::config::Config;
use crate::log;
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::{Headers, Request};
use crate::warnings::Warnings;

/// Verifies the tokens of callers. It caches keys and verified tokens.
pub struct Authenticator<P> {
    ports: P,
    tokens: Tokens,
    public_origin: Option<Origin>,
    refusals: Warnings,
}

/// Minimum interval of lines about refused tokens.
const REFUSAL_INTERVAL: Duration = Duration::from_secs(1);

impl<P: Ports> Authenticator<P> {
    pub fn new(config: &Config, ports: P) -> Self {
        Self {
            ports,
            tokens: Tokens::new(config.tokens.clone()),
            public_origin: config.public_origin.clone(),
            refusals: Warnings::every(REFUSAL_INTERVAL),
        }
    }

    /// Authenticates a request that changes nothing.
    pub async fn reader(&self, request: &Request) -> Result<Caller, Problem> {
        self.verified(credentials(&request.headers)).await
    }

    /// Authenticates a request that changes something. Refuses a request with a cookie
    /// that another site caused (CSRF).
    pub async fn writer(&self, request: &Request) -> Result<Caller, Problem> {
        let credentials = credentials(&request.headers);
        let by_cookie = matches!(credentials, Credentials::Cookie(_));
        let caller = self.verified(credentials).await?;
        if by_cookie && self.is_cross_origin(&request.headers, &request.origin) {
            return Err(Problem::Forbidden(
                "A request from another origin cannot change anything by cookie.",
            ));
        }
        Ok(caller)
    }

    /// A token for a new anonymous user. None: tokens are issued elsewhere, or the secret
    /// is not known yet.
    pub fn issue(&self, user: &str) -> Option<String> {
        self.tokens.issue(user, self.ports.now())
    }

    /// The anonymous user of a request with a valid session: from a bearer token, or from
    /// a cookie unless another site caused the request.
    pub fn session_user(&self, headers: &Headers, is_cross_origin: bool) -> Option<String> {
        let token = match credentials(headers) {
            Credentials::Bearer(token) => token,
            Credentials::Cookie(token) if !is_cross_origin => token,
            _ => return None,
        };
        let session = self.tokens.session(token, self.ports.now());
        session.map(|(user, _)| user)
    }

    /// The anonymous user of a request with a cookie whose session has to be renewed;
    /// never if another site caused the request.
    pub fn renewable_user(&self, headers: &Headers, origin: &Origin) -> Option<String> {
        let Credentials::Cookie(token) = credentials(headers) else {
            return None;
        };
        if self.is_cross_origin(headers, origin) {
            return None;
        }
        let now = self.ports.now();
        let (user, expires) = self.tokens.session(token, now)?;
        session::is_renewable(expires, now).then_some(user)
    }

    /// Whether the browser says that another origin caused the request. If neither header
    /// is sent, the request is accepted: browsers always send one of them where it
    /// matters, and other clients do not run code of other sites.
    pub fn is_cross_origin(&self, headers: &Headers, origin: &Origin) -> bool {
        let is_ours = |value: &[u8]| self.is_own_origin(value, origin);
        let is_same_site = |value: &[u8]| matches!(value, b"same-origin" | b"none");
        !headers.all("origin").all(is_ours) || !headers.all("sec-fetch-site").all(is_same_site)
    }

    /// Whether this value of `Origin` is the service's own. `origin`: what the request was
    /// sent to.
    pub fn is_own_origin(&self, value: &[u8], origin: &Origin) -> bool {
        Origin::of_header(value)
            .is_some_and(|from| from == *origin || Some(&from) == self.public_origin.as_ref())
    }

    /// Whether the client used https, even if this is known only from the public URL,
    /// because a proxy terminates TLS.
    pub fn is_behind_https(&self, origin: &Origin) -> bool {
        let is_ours = |public: &Origin| public.is_https() && public.same_authority(origin);
        origin.is_https() || self.public_origin.as_ref().is_some_and(is_ours)
    }

    /// Whether cookies must be limited to https, even if this is known only from the
    /// public URL, because a proxy need not report it.
    pub fn is_for_https(&self, origin: &Origin) -> bool {
        let public = self.public_origin.as_ref();
        origin.is_https() || public.is_some_and(Origin::is_https)
    }

    async fn verified(&self, credentials: Credentials<'_>) -> Result<Caller, Problem> {
        let token = match credentials {
            Credentials::Bearer(token) | Credentials::Cookie(token) => token,
            Credentials::None => return Err(Problem::Unauthorized("Credentials are required.")),
            Credentials::Unusable => {
                return Err(Problem::Unauthorized(
                    "The Authorization header must be of the form Bearer <token>.",
                ));
            }
        };
        let verified = self.tokens.verify(&self.ports, token).await;
        verified.map_err(|error| match error {
            TokenError::Refused(refusal) => {
                self.log(token, refusal);
                unauthorized(refusal)
            }
            TokenError::NoKeys(seconds) => Problem::unavailable(
                "Credentials cannot be verified at the moment. Try again later.",
                seconds,
            ),
        })
    }

    /// Tells the operator why, and never the token.
    fn log(&self, token: &str, refusal: Refusal) {
        if let Some(times) = self.refusals.count(self.ports.now()) {
            let key_id = key_id(token).unwrap_or_else(|| "(none)".to_owned());
            log::warn(format_args!(
                "a token was refused, kid {key_id}: {refusal} (refused since the last line: {times})"
            ));
        }
    }
}

fn unauthorized(refusal: Refusal) -> Problem {
    Problem::Unauthorized(match refusal {
        Refusal::Expired => "The credentials have expired.",
        Refusal::NoExpiry => "The access token has no expiry (exp).",
        Refusal::TooLong => "The credentials are larger than 8 KiB.",
        // A forger learns nothing, and neither does who has a token for another service.
        Refusal::Form
        | Refusal::Signature
        | Refusal::Claims
        | Refusal::NotYet
        | Refusal::Subject
        | Refusal::Issuer
        | Refusal::Audience => "The access token is not valid.",
    })
}

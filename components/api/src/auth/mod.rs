//! Who is asking, and whether they ask of their own accord.

mod credentials;
mod token;

pub use credentials::{Credentials, credentials};
pub use token::{SESSION_LIFE, Tokens};

use concept_refinement_domain::timestamp::Timestamp;

use crate::config::Config;
use crate::origin::Origin;
use crate::problem::Problem;
use crate::request::{Headers, Request};
use token::TokenError;

/// A user who proved to be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    pub is_anonymous: bool,
}

/// The caller of a request that changes nothing.
pub fn reader<B>(config: &Config, request: &Request<B>, now: Timestamp) -> Result<Caller, Problem> {
    verified(config, credentials(&request.headers), now)
}

/// The caller of a request that changes something. A browser sends a cookie
/// also with what another site made it ask for: that is refused.
pub fn writer<B>(config: &Config, request: &Request<B>, now: Timestamp) -> Result<Caller, Problem> {
    let credentials = credentials(&request.headers);
    let by_cookie = matches!(credentials, Credentials::Cookie(_));
    let caller = verified(config, credentials, now)?;
    if by_cookie && is_from_elsewhere(config, &request.headers, &request.origin) {
        return Err(Problem::Forbidden(
            "A request from another origin cannot change anything by cookie.",
        ));
    }
    Ok(caller)
}

/// Whether the browser says that another origin made the request. What is not
/// sent says nothing: browsers always send one of the two fields where it
/// matters, other clients do not act for someone else.
pub fn is_from_elsewhere(config: &Config, headers: &Headers, origin: &Origin) -> bool {
    let is_ours = |value: &[u8]| {
        std::str::from_utf8(value)
            .ok()
            .and_then(Origin::of_url)
            .is_some_and(|from| from == *origin || Some(&from) == config.public_origin.as_ref())
    };
    let is_own_site = |value: &[u8]| matches!(value, b"same-origin" | b"none");
    !headers.all("origin").all(is_ours) || !headers.all("sec-fetch-site").all(is_own_site)
}

fn verified(
    config: &Config,
    credentials: Credentials<'_>,
    now: Timestamp,
) -> Result<Caller, Problem> {
    let token = match credentials {
        Credentials::Bearer(token) | Credentials::Cookie(token) => token,
        Credentials::None => return Err(Problem::Unauthorized("Credentials are required.")),
        Credentials::Unusable => {
            return Err(Problem::Unauthorized(
                "The Authorization header must be of the form Bearer <token>.",
            ));
        }
    };
    config
        .tokens
        .verify(token, now)
        .map_err(|error| match error {
            TokenError::Expired => Problem::Unauthorized("The credentials have expired."),
            TokenError::Unusable => Problem::Unauthorized("The credentials do not verify."),
        })
}

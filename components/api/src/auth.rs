//! Who is asking, and whether they ask of their own accord.

mod claims;
mod compact;
mod credentials;
mod key;
mod key_set;
mod known;
mod published;
mod token;

pub use claims::Rules;
pub use credentials::{Credentials, credentials};
pub use token::{SESSION_LIFE, Tokens};

use crate::api::Api;
use crate::config::Config;
use crate::origin::Origin;
use crate::ports::Ports;
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
pub async fn reader<P: Ports + 'static, B>(
    api: &Api<P>,
    request: &Request<B>,
) -> Result<Caller, Problem> {
    verified(api, credentials(&request.headers)).await
}

/// The caller of a request that changes something. A browser sends a cookie
/// also with what another site made it ask for: that is refused.
pub async fn writer<P: Ports + 'static, B>(
    api: &Api<P>,
    request: &Request<B>,
) -> Result<Caller, Problem> {
    let credentials = credentials(&request.headers);
    let by_cookie = matches!(credentials, Credentials::Cookie(_));
    let caller = verified(api, credentials).await?;
    if by_cookie && is_from_elsewhere(&api.config, &request.headers, &request.origin) {
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

/// Whether the client came by https, also where only the public URL tells of the
/// proxy that speaks it.
pub fn is_behind_https(config: &Config, origin: &Origin) -> bool {
    origin.is_https()
        || config
            .public_origin
            .as_ref()
            .is_some_and(|public| public.is_https() && public.same_authority(origin))
}

async fn verified<P: Ports + 'static>(
    api: &Api<P>,
    credentials: Credentials<'_>,
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
    let verified = api.config.tokens.verify(&api.ports, token).await;
    verified.map_err(|error| match error {
        TokenError::Expired => Problem::Unauthorized("The credentials have expired."),
        TokenError::Unusable => Problem::Unauthorized("The credentials do not verify."),
        TokenError::NoKeys(seconds) => Problem::Unavailable {
            detail: "Credentials cannot be verified at the moment. Try again later.".into(),
            retry_after: Some(seconds),
        },
    })
}

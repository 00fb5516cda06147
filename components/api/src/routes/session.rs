//! `POST /api/auth/session`: a new anonymous user.

use serde::Serialize;

use super::Answer;
use crate::api::Api;
use crate::auth::{self, SESSION_LIFE};
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;

/// The credentials of a new user.
#[derive(Serialize)]
#[cfg_attr(
    test,
    derive(schemars::JsonSchema),
    schemars(rename = "SessionResponse", deny_unknown_fields)
)]
pub struct Session<'a> {
    /// A JSON Web Token.
    access_token: &'a str,
    /// Always `bearer`.
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
    #[cfg_attr(test, schemars(with = "crate::openapi::form::Id"))]
    user_id: &'a str,
}

pub fn create<P: Ports, B>(api: &Api<P>, request: &Request<B>) -> Answer<P> {
    if !api.config.anonymous_sessions {
        return Err(Problem::NotFound("There are no anonymous sessions here."));
    }
    let user = api.ports.uuid();
    let token = api
        .config
        .tokens
        .issue(&user, api.ports.now())
        .ok_or(Problem::Internal)?;
    let life = SESSION_LIFE.as_secs();
    let response = Response::json(
        201,
        &Session {
            access_token: &token,
            token_type: "bearer",
            expires_in: life,
            user_id: &user,
        },
    )?;
    // Another site must not be able to replace a visitor's session.
    if auth::is_from_elsewhere(&api.config, &request.headers, &request.origin) {
        return Ok(response);
    }
    let secure = if auth::is_behind_https(&api.config, &request.origin) {
        "; Secure"
    } else {
        ""
    };
    Ok(response.with(
        "set-cookie",
        format!("session={token}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}"),
    ))
}

//! `POST /api/auth/session`: a new anonymous user.

use serde::Serialize;

use super::answer::{Answer, json};
use crate::auth::SESSION_LIFE;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::Request;
use crate::state::State;

/// A session.
#[derive(Serialize)]
pub struct Session<'a> {
    /// A JSON Web Token.
    access_token: &'a str,
    /// Always `bearer`.
    token_type: &'static str,
    /// In seconds.
    expires_in: u64,
    user_id: &'a str,
}

pub fn create<P: Ports + 'static, B>(state: &State<P>, request: &Request<B>) -> Answer<P> {
    if !state.config.anonymous_sessions {
        return Err(Problem::NotFound("There are no anonymous sessions here."));
    }
    let user = state.ports.uuid();
    let token = state.auth.issue(&user).ok_or(Problem::Internal)?;
    let life = SESSION_LIFE.as_secs();
    let response = json(
        201,
        &Session {
            access_token: &token,
            token_type: "bearer",
            expires_in: life,
            user_id: &user,
        },
    )?;
    // Another site must not replace a visitor's session.
    if state
        .auth
        .is_cross_origin(&request.headers, &request.origin)
    {
        return Ok(response);
    }
    let secure = if state.auth.is_for_https(&request.origin) {
        "; Secure"
    } else {
        ""
    };
    Ok(response.with(
        "set-cookie",
        format!("session={token}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}"),
    ))
}

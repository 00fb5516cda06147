//! `POST /api/auth/session`: a new anonymous user.

use serde::Serialize;

use super::Answer;
use crate::api::Api;
use crate::auth::{self, SESSION_LIFE};
use crate::config::Config;
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;

#[derive(Serialize)]
struct Session<'a> {
    access_token: &'a str,
    token_type: &'static str,
    expires_in: u64,
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
    let secure = if is_behind_https(&api.config, &request.origin) {
        "; Secure"
    } else {
        ""
    };
    Ok(response.with(
        "set-cookie",
        format!("session={token}; Path=/; Max-Age={life}; HttpOnly; SameSite=Lax{secure}"),
    ))
}

/// Also where only the public URL tells of the proxy that speaks https.
fn is_behind_https(config: &Config, origin: &Origin) -> bool {
    origin.is_https()
        || config
            .public_origin
            .as_ref()
            .is_some_and(|public| public.is_https() && public.same_authority(origin))
}

//! `GET /.well-known/oauth-protected-resource` (RFC 9728): who issues the tokens that are
//! accepted, so that a client that was refused knows where to get one.

use serde_json::json;

use super::answer::{Answer, json};
use super::mcp;
use crate::config::TokenKeys;
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::state::State;

pub const PATH: &str = "/.well-known/oauth-protected-resource";

/// The same, where clients look for it that were given the address of the resource.
pub const OF_MCP: &str = "/.well-known/oauth-protected-resource/mcp";

pub async fn get<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let issuer = issuer(state).ok_or(Problem::NotFound("Tokens are not issued elsewhere."))?;
    let origin = public_origin(state, &request.origin);
    let metadata = json!({
        "resource": format!("{origin}{}", mcp::PATH),
        "resource_name": "Concept Refinement",
        "authorization_servers": [issuer],
        "bearer_methods_supported": ["header"],
    });
    json(200, &metadata)
}

/// Refuses a request of `/mcp`, and says where its client learns who issues tokens.
pub fn challenge<P: Ports>(
    state: &State<P>,
    request: &Request,
    problem: Problem,
) -> Response<P::Contents> {
    let is_challenge = matches!(problem, Problem::Unauthorized(_));
    let mut response = problem.into_response();
    if is_challenge && issuer(state).is_some() {
        let origin = public_origin(state, &request.origin);
        let challenge = format!("Bearer resource_metadata=\"{origin}{OF_MCP}\"");
        response
            .headers
            .retain(|(name, _)| *name != "www-authenticate");
        response = response.with("www-authenticate", challenge);
    }
    response
}

/// Who issues tokens, as far as it is known. None: this service does, or somebody does who
/// shares a secret with it.
fn issuer<P>(state: &State<P>) -> Option<String> {
    let tokens = &state.config.tokens;
    match (&tokens.keys, &tokens.rules.issuer) {
        (TokenKeys::SetAt(_), Some(issuer)) => Some(issuer.clone()),
        (TokenKeys::SetAt(url), None) => Origin::of_url(url).map(|origin| origin.to_string()),
        (TokenKeys::Secret(_) | TokenKeys::Unknown, _) => None,
    }
}

fn public_origin<'a, P>(state: &'a State<P>, origin: &'a Origin) -> &'a Origin {
    state.config.public_origin.as_ref().unwrap_or(origin)
}

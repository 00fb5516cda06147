//! Validates the authority of `http` URLs.

use http::uri::Authority;

/// Whether the authority has only allowed characters; others would make invalid URLs.
pub fn is_host_and_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().rsplit_once(':').map(|(_, port)| port);
    let has_port = after_host.is_some_and(|port| !port.ends_with(']'));
    !authority.as_str().contains('@') && has_port == authority.port().is_some()
}

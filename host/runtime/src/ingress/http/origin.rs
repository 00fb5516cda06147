//! The origin that a request is addressed to.

use std::net::SocketAddr;

use http::uri::{Authority, PathAndQuery};

use super::client::Client;

const MALFORMED: &str = "The Host header of the request is malformed.";

/// The authority from the request target, or in HTTP/1.1 from the Host header. None: the
/// request has neither, which is valid in HTTP/1.0.
pub fn authority<B>(request: &http::Request<B>) -> Result<Option<Authority>, &'static str> {
    let mut hosts = request.headers().get_all(http::header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("The request has more than one Host header.");
    }
    let authority = match (request.uri().authority(), host) {
        (Some(authority), _) => authority.clone(),
        (None, Some(host)) => Authority::try_from(host.as_bytes()).map_err(|_| MALFORMED)?,
        (None, None) if request.version() < http::Version::HTTP_11 => return Ok(None),
        (None, None) => return Err("The request has no Host header."),
    };
    match is_host_and_port(&authority) {
        true => Ok(Some(authority)),
        false => Err(MALFORMED),
    }
}

/// Whether the authority has only allowed characters; others would make invalid URLs.
pub fn is_host_and_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().rsplit_once(':').map(|(_, port)| port);
    let has_port = after_host.is_some_and(|port| !port.ends_with(']'));
    !authority.as_str().contains('@') && has_port == authority.port().is_some()
}

/// Puts scheme and authority into the request's URI, where components read them: from the
/// headers of a trusted proxy, else `name`, the request's own authority, or else the
/// address that it arrived at.
pub fn with_origin<B>(
    mut request: http::Request<B>,
    name: Option<Authority>,
    client: &Client,
    listener: SocketAddr,
) -> Result<http::Request<B>, &'static str> {
    let authority = match name {
        Some(name) => name,
        None => Authority::try_from(listener.to_string()).map_err(|_| MALFORMED)?,
    };
    let mut parts = request.uri().clone().into_parts();
    parts.authority = Some(client.authority.clone().unwrap_or(authority));
    parts.scheme = Some(client.scheme.clone());
    if parts.path_and_query.is_none() {
        parts.path_and_query = Some(PathAndQuery::from_static("/"));
    }
    *request.uri_mut() =
        http::Uri::from_parts(parts).map_err(|_| "the request's target is malformed")?;
    Ok(request)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use http::uri::Scheme;

    use super::*;

    #[test]
    fn a_request_carries_its_origin() {
        let of_listener = Ok("http://127.0.0.1:8080/a");
        let several = Err("The request has more than one Host header.");
        let malformed = Err("The Host header of the request is malformed.");
        for (name, target, hosts, expected) in [
            ("relative", "/a?b", &["one:99"][..], Ok("http://one:99/a?b")),
            ("absolute", "http://one/a", &["two"], Ok("http://one/a")),
            ("a proxy's", "https://one/a", &["one"], Ok("http://one/a")),
            ("no host", "/a", &[], Err("The request has no Host header.")),
            ("no host in HTTP/1.0", "HTTP/1.0 /a", &[], of_listener),
            ("two hosts", "/a", &["one", "two"], several),
            ("malformed host", "/a", &["one two"], malformed),
            ("empty host", "/a", &[""], malformed),
        ] {
            let (version, target) = match target.strip_prefix("HTTP/1.0 ") {
                Some(target) => (http::Version::HTTP_10, target),
                None => (http::Version::HTTP_11, target),
            };
            let mut request = http::Request::builder().uri(target).version(version);
            for host in hosts {
                request = request.header(http::header::HOST, *host);
            }
            let client = Client {
                address: IpAddr::from([203, 0, 113, 1]),
                scheme: Scheme::HTTP,
                authority: None,
                claims_to_forward: false,
            };
            let listener = "127.0.0.1:8080".parse().unwrap();
            let request = request.body(()).unwrap();
            let request =
                authority(&request).and_then(|name| with_origin(request, name, &client, listener));
            let uri = request.map(|request| request.uri().to_string());
            let uri = uri.as_deref().map_err(|problem| *problem);
            assert_eq!(uri, expected, "{name}");
        }
    }
}

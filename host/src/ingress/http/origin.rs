//! The origin that a request was addressed to.

use http::uri::{Authority, PathAndQuery};

use super::authority::is_host_and_port;
use super::client::Client;

/// Puts scheme and authority into the request's URI, where components find
/// them: from a trusted proxy's headers, else from the Host header over
/// HTTP/1.1.
pub fn with_origin<B>(
    mut request: http::Request<B>,
    client: &Client,
) -> Result<http::Request<B>, &'static str> {
    let mut parts = request.uri().clone().into_parts();
    let mut hosts = request.headers().get_all(http::header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err("the request has more than one Host header");
    }
    if parts.authority.is_none() {
        let host = host.ok_or("the request has no Host header")?;
        let authority = Authority::try_from(host.as_bytes())
            .map_err(|_| "the request's Host header is malformed")?;
        parts.authority = Some(authority);
    }
    if !parts.authority.as_ref().is_some_and(is_host_and_port) {
        return Err("the request's Host header is malformed");
    }
    if let Some(authority) = &client.authority {
        parts.authority = Some(authority.clone());
    }
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
        for (name, target, hosts, expected) in [
            (
                "origin form",
                "/a?b",
                &["example.com:8080"][..],
                Ok("http://example.com:8080/a?b"),
            ),
            (
                "absolute form",
                "http://one/a",
                &["two"],
                Ok("http://one/a"),
            ),
            (
                "a scheme of a proxy",
                "https://one/a",
                &["one"],
                Ok("http://one/a"),
            ),
            ("no host", "/a", &[], Err("the request has no Host header")),
            (
                "two hosts",
                "/a",
                &["one", "two"],
                Err("the request has more than one Host header"),
            ),
            (
                "malformed host",
                "/a",
                &["one two"],
                Err("the request's Host header is malformed"),
            ),
            (
                "empty host",
                "/a",
                &[""],
                Err("the request's Host header is malformed"),
            ),
        ] {
            let mut request = http::Request::builder().uri(target);
            for host in hosts {
                request = request.header(http::header::HOST, *host);
            }
            let client = Client {
                address: IpAddr::from([203, 0, 113, 1]),
                scheme: Scheme::HTTP,
                authority: None,
            };
            let request = with_origin(request.body(()).unwrap(), &client);
            let uri = request.map(|request| request.uri().to_string());
            assert_eq!(
                uri.as_deref().map_err(|problem| *problem),
                expected,
                "{name}"
            );
        }
    }
}

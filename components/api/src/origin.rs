//! Origins (scheme, host, port) in a normal form, so that they can be compared.

use std::fmt;

use url::{Host, Url};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `http://host:port`, in lower case, without a default port.
    text: String,
}

impl Origin {
    /// User information in the authority is dropped.
    pub fn new(scheme: &str, authority: &str) -> Self {
        let scheme = scheme.to_ascii_lowercase();
        let host = authority
            .rsplit_once('@')
            .map_or(authority, |(_, host)| host)
            .to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => ":80",
            "https" => ":443",
            _ => "",
        };
        let host = host.strip_suffix(default_port).unwrap_or(&host);
        Self {
            text: format!("{scheme}://{host}"),
        }
    }

    /// The origin of an `http` or `https` URL.
    pub fn of_url(url: &str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let is_http = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
        (is_http && !authority.is_empty()).then(|| Self::new(scheme, authority))
    }

    /// That of a header.
    pub fn of_header(value: &[u8]) -> Option<Self> {
        std::str::from_utf8(value).ok().and_then(Self::of_url)
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// False if the platform does not tell which origin a request was sent to.
    pub fn has_authority(&self) -> bool {
        self.authority()
            .is_some_and(|authority| !authority.is_empty())
    }

    pub fn is_https(&self) -> bool {
        self.text.starts_with("https://")
    }

    /// Whether it can be reached only from its own machine.
    pub fn is_loopback(&self) -> bool {
        match Url::parse(&self.text).ok().as_ref().and_then(Url::host) {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Compares only host and port.
    pub fn same_authority(&self, other: &Self) -> bool {
        self.authority() == other.authority()
    }

    fn authority(&self) -> Option<&str> {
        self.text.split_once("://").map(|(_, authority)| authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_itself() {
        for (authority, expected) in [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("app.localhost:8080", true),
            ("127.0.0.1:8080", true),
            ("127.1.2.3", true),
            ("[::1]:8080", true),
            ("192.168.0.1:8080", false),
            ("[2001:db8::1]:8080", false),
            ("example.com", false),
            ("localhost.example.com", false),
            ("", false),
        ] {
            let origin = Origin::new("http", authority);
            assert_eq!(origin.is_loopback(), expected, "{authority}");
        }
    }

    #[test]
    fn origins_compare_in_one_notation() {
        let cases = [
            ("as it is", "http", "host:8080", "http://host:8080"),
            ("in capitals", "HTTP", "HOST:8080", "http://host:8080"),
            ("default port of http", "http", "host:80", "http://host"),
            ("default port of https", "https", "host:443", "https://host"),
            (
                "the other's default port",
                "http",
                "host:443",
                "http://host:443",
            ),
            (
                "a port that ends alike",
                "http",
                "host:8080",
                "http://host:8080",
            ),
            ("IPv6", "http", "[::1]:80", "http://[::1]"),
            ("user information", "http", "a:b@host", "http://host"),
        ];
        for (name, scheme, authority, expected) in cases {
            assert_eq!(Origin::new(scheme, authority).as_str(), expected, "{name}");
        }
    }

    #[test]
    fn an_origin_may_lack_an_authority() {
        for (authority, expected) in [
            ("host", true),
            ("[::1]:80", true),
            ("", false),
            ("a@", false),
        ] {
            assert_eq!(
                Origin::new("http", authority).has_authority(),
                expected,
                "{authority}"
            );
        }
    }

    #[test]
    fn origins_are_taken_from_urls() {
        let cases = [
            ("with a path", "https://Host/a/b", Some("https://host")),
            ("with a query", "http://host:1?x", Some("http://host:1")),
            ("bare", "http://host", Some("http://host")),
            ("another scheme", "ftp://host", None),
            ("no host", "http:///x", None),
            ("null", "null", None),
        ];
        for (name, url, expected) in cases {
            let origin = Origin::of_url(url);
            assert_eq!(origin.as_ref().map(Origin::as_str), expected, "{name}");
        }
    }
}

//! The addresses that a provider answers: where its work is polled, and where an image is.
//!
//! They come from outside: nothing may be sent to one, least of all a key, before a rule
//! has allowed it.

use concept_refinement_domain::address::is_at_domain;

use crate::settings::Base;

/// An http or https URL, in a form that can be compared and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Scheme, host in lower case, and the port if it is not the usual one.
    pub origin: Base,
    /// With the query.
    pub path: String,
}

impl Address {
    /// None: no such URL, or one that others might read differently: with user
    /// information, a fragment, a backslash or white space.
    pub fn parse(url: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'#');
        if !url.bytes().all(is_plain) {
            return None;
        }
        let url: http::Uri = url.parse().ok()?;
        let (scheme, usual_port) = match url.scheme_str()? {
            "https" => ("https", 443),
            "http" => ("http", 80),
            _ => return None,
        };
        let (authority, host) = (url.authority()?.as_str(), url.host()?);
        let port = match authority.strip_prefix(host)? {
            "" => usual_port,
            port => port.strip_prefix(':')?.parse::<u16>().ok()?,
        };
        let host = host.to_ascii_lowercase();
        let origin = match port == usual_port {
            true => format!("{scheme}://{host}"),
            false => format!("{scheme}://{host}:{port}"),
        };
        Some(Self {
            origin: Base::parse(&origin)?,
            path: url.path_and_query()?.as_str().to_owned(),
        })
    }

    /// Whether scheme, host and port are those of a base URL.
    pub fn has_origin_of(&self, base: &Base) -> bool {
        Self::parse(&base.join("/")).is_some_and(|base| base.origin == self.origin)
    }

    /// Whether it is https on the usual port, at this domain or below it.
    pub fn is_below(&self, domain: &str) -> bool {
        let origin = self.origin.join("");
        let host = origin.strip_prefix("https://").unwrap_or_default();
        is_at_domain(host, domain)
    }
}

/// Whether a text is one segment of a path, and leads nowhere else.
pub fn is_segment(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=100).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn base(url: &str) -> Base {
        Base::parse(url).unwrap()
    }

    #[test]
    fn an_address_is_an_origin_and_a_path() {
        for (url, origin, path) in [
            (
                "https://a.example/x?y=%20z",
                "https://a.example",
                "/x?y=%20z",
            ),
            ("HTTPS://A.Example:443/X", "https://a.example", "/X"),
            ("https://a.example", "https://a.example", "/"),
            ("http://127.0.0.1:8000//x", "http://127.0.0.1:8000", "//x"),
            ("http://[::1]:80/x", "http://[::1]", "/x"),
        ] {
            let expected = Address {
                origin: base(origin),
                path: path.to_owned(),
            };
            assert_eq!(Address::parse(url), Some(expected), "{url}");
        }
        for odd in [
            "",
            "/x",
            "//a.example/x",
            "a.example/x",
            "ftp://a.example/x",
            "https:///x",
            "https://a.example:/x",
            "https://a.example:99999/x",
            "https://key@a.example/x",
            "https://a.example:443@b.example/x",
            "https://a.example\\@b.example/x",
            "https://a.example/\\x",
            "https://a.example/x#y",
            "https://a.example/x y",
            " https://a.example/x",
            "https://a.example/\r\nx-key: x",
            "https://ä.example/x",
            "https://a%2eexample/x",
        ] {
            assert_eq!(Address::parse(odd), None, "{odd:?}");
        }
    }

    #[test]
    fn an_origin_is_compared_as_a_whole() {
        for (url, of, expected) in [
            ("https://a.example/x", "https://a.example", true),
            ("https://A.example:443/x", "https://a.example/proxy/", true),
            ("https://a.example/x", "https://A.EXAMPLE:443", true),
            ("http://a.example/x", "https://a.example", false),
            ("https://a.example:444/x", "https://a.example", false),
            ("https://b.a.example/x", "https://a.example", false),
            ("https://a.example.b/x", "https://a.example", false),
            ("http://127.0.0.1:8000/x", "http://127.0.0.1:8000", true),
            ("http://127.0.0.1/x", "http://127.0.0.1:8000", false),
        ] {
            let address = Address::parse(url).unwrap();
            assert_eq!(address.has_origin_of(&base(of)), expected, "{url} of {of}");
        }
    }

    #[test]
    fn a_domain_is_where_its_names_end() {
        for (url, expected) in [
            ("https://bfl.ai/x", true),
            ("https://api.eu1.BFL.ai:443/x", true),
            ("http://api.bfl.ai/x", false),
            ("https://api.bfl.ai:8443/x", false),
            ("https://evilbfl.ai/x", false),
            ("https://bfl.ai.evil.example/x", false),
            ("https://evil.example/bfl.ai", false),
            ("https://evil.example/?.bfl.ai", false),
            ("https://.bfl.ai/x", false),
            ("https://api.bfl.ai./x", false),
        ] {
            let address = Address::parse(url);
            let is_below = address.is_some_and(|address| address.is_below("bfl.ai"));
            assert_eq!(is_below, expected, "{url}");
        }
    }

    #[test]
    fn a_segment_leads_nowhere_else() {
        for (text, expected) in [
            ("gm3qorzdhgbfurvjtvhg6dckhu", true),
            ("0b7a9f3c-6a0f-4f0c-9a55-5d1c9d7f1a2b", true),
            ("gpt-image-2.5", true),
            ("", false),
            ("..", false),
            (".", false),
            ("a/b", false),
            ("a?b", false),
            ("a:b", false),
            ("a%2fb", false),
        ] {
            assert_eq!(is_segment(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_parsed_is_parsed_alike(url in "(?i)https?://[a-z0-9.@:\\\\\\[\\]/?#%-]{0,30}") {
            if let Some(address) = Address::parse(&url) {
                let again = Address::parse(&address.origin.join(&address.path));
                prop_assert_eq!(Some(address), again);
            }
        }
    }
}

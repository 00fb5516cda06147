//! The URLs of images, `<public URL or origin>/api/images/<path>`, and the signatures
//! that give access to one for a limited time.

use std::time::Duration;

use crate::capability::{CapabilityError, Resolved};
use crate::signature::{self, IMAGES};
use crate::timestamp::Timestamp;
use url::Url;

use crate::image_path::ImagePath;

/// How image URLs are signed: key, lifetime, public URL.
#[derive(Clone)]
pub struct Signing {
    /// The signing key. It must not leave this process.
    pub key: Vec<u8>,
    /// How long a signed URL is valid.
    pub ttl: Duration,
    /// The public URL. None: the origin of each request.
    pub public_url: Option<String>,
}

/// Omits the key.
impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signing")
            .field("ttl", &self.ttl)
            .field("public_url", &self.public_url)
            .finish_non_exhaustive()
    }
}

impl Signing {
    /// The unsigned URL of an image when no origin is known: absolute if there is a
    /// public URL, else only a path.
    pub fn unsigned(&self, path: &str) -> String {
        self.address(path, "")
    }

    /// Signs a path that may be invalid.
    pub fn sign_path(
        &self,
        path: &str,
        origin: &str,
        now: Timestamp,
    ) -> Result<String, CapabilityError> {
        let path = ImagePath::parse(path)
            .ok_or_else(|| CapabilityError::invalid("This is not the path of an image."))?;
        Ok(self.sign(&path.to_string(), origin, now))
    }

    fn sign(&self, path: &str, origin: &str, now: Timestamp) -> String {
        let address = self.address(path, origin);
        let query = signature::sign(&self.key, path, now, self.ttl);
        format!("{address}?{query}")
    }

    /// None: not an image URL of this service. Any URL below the prefix of images counts
    /// as ours even if it names no image, since the service must not fetch from itself.
    pub fn resolve(&self, url: &str, origin: &str, now: Timestamp) -> Option<Resolved> {
        let url = Url::parse(url).ok()?;
        let path = [self.public_url.as_deref(), Some(origin)]
            .into_iter()
            .flatten()
            .find_map(|base| path_below(base, &url))?;
        let access = signature::access(&self.key, &path, url.query(), now);
        Some(Resolved { path, access })
    }

    fn address(&self, path: &str, origin: &str) -> String {
        let base = self.public_url.as_deref().unwrap_or(origin);
        signature::address(base, path)
    }
}

/// The part of `url` after the prefix of images on `base`.
fn path_below(base: &str, url: &Url) -> Option<String> {
    let base = Url::parse(base).ok()?;
    let has_credentials = !url.username().is_empty() || url.password().is_some();
    if !matches!(url.scheme(), "http" | "https") || url.origin() != base.origin() || has_credentials
    {
        return None;
    }
    // The URL parser has already resolved dots (encoded too) and backslashes.
    let path = unescape(url.path());
    let below = unescape(base.path());
    let below = path.strip_prefix(below.trim_end_matches('/'))?;
    Some(below.strip_prefix(IMAGES)?.to_owned())
}

/// Decodes escapes of unreserved characters (RFC 3986, 6.2.2.2), once. Other
/// escapes stay: an escaped slash is not a separator.
fn unescape(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut chunks = path.split('%');
    plain.push_str(chunks.next().unwrap_or_default());
    for chunk in chunks {
        let escaped = chunk
            .split_at_checked(2)
            .filter(|(digits, _)| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|(digits, rest)| Some((u8::from_str_radix(digits, 16).ok()?, rest)))
            .filter(|(byte, _)| byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
        match escaped {
            Some((byte, rest)) => {
                plain.push(char::from(byte));
                plain.push_str(rest);
            }
            None => {
                plain.push('%');
                plain.push_str(chunk);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use crate::capability::Access;
    use proptest::prelude::*;

    use super::*;

    const ORIGIN: &str = "http://127.0.0.1:8080";
    const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

    fn signing(public_url: Option<&str>) -> Signing {
        Signing {
            key: b"key".to_vec(),
            ttl: Duration::from_secs(3600),
            public_url: public_url.map(str::to_owned),
        }
    }

    fn path(public_url: Option<&str>, url: &str) -> Option<String> {
        let resolved = signing(public_url).resolve(url, ORIGIN, NOW)?;
        Some(resolved.path)
    }

    #[test]
    fn knows_its_own() {
        const IMAGE: &str = "uploads/t/a.png";
        for (path_of, expected) in [
            ("/api/images/uploads/t/a.png", IMAGE),
            ("/api/images/uploads/t/a.png#x", IMAGE),
            ("/api/./images/x/../uploads/t/a.png", IMAGE),
            ("/api/x/%2e%2E/images/uploads/t/a.png", IMAGE),
            ("\\api\\images\\uploads/t/a.png", IMAGE),
            ("/%61pi/images/%75ploads/t/a%2Epng", IMAGE),
            ("/api/images/", ""),
            ("/api/images/no%2Fimage", "no%2Fimage"),
            ("/api/images/%2575ploads", "%2575ploads"),
            ("/api/images/%", "%"),
            ("/api/images/%zz%1", "%zz%1"),
        ] {
            for origin in [ORIGIN, "HTTP://127.0.0.1:8080", "http://127.1:8080"] {
                let url = format!("{origin}{path_of}");
                assert_eq!(path(None, &url).as_deref(), Some(expected), "{url}");
            }
        }
        for (public_url, url) in [
            (
                "https://example.org",
                "https://EXAMPLE.org:443/api/images/a",
            ),
            (
                "https://example.org/refine/",
                "https://example.org/refine/api/images/a",
            ),
            ("https://example.org", "http://127.0.0.1:8080/api/images/a"),
        ] {
            assert_eq!(path(Some(public_url), url).as_deref(), Some("a"), "{url}");
        }
    }

    #[test]
    fn knows_what_is_not_its_own() {
        for url in [
            "",
            "no url",
            "/api/images/uploads/t/a.png",
            "http://127.0.0.1:8080/api/images",
            "http://127.0.0.1:8080/api/imagesx/a",
            "http://127.0.0.1:8080/api/images/../tasks/a",
            "http://127.0.0.1:8080/x/api/images/a",
            "http://127.0.0.1:8080//api/images/a",
            "http://127.0.0.1:8080/api%2Fimages%2Fa",
            "http://127.0.0.1:8081/api/images/a",
            "http://127.0.0.1/api/images/a",
            "https://127.0.0.1:8080/api/images/a",
            "ftp://127.0.0.1:8080/api/images/a",
            "http://user@127.0.0.1:8080/api/images/a",
            "http://:secret@127.0.0.1:8080/api/images/a",
            "http://127.0.0.1:8080@example.com/api/images/a",
            "http://example.com/http://127.0.0.1:8080/api/images/a",
            "file:///api/images/a",
        ] {
            assert_eq!(path(None, url), None, "{url}");
        }
        for (public_url, url) in [
            (
                "https://example.org/refine",
                "https://example.org/api/images/a",
            ),
            (
                "https://example.org/refine",
                "https://example.org/refined/api/images/a",
            ),
            ("nonsense", "https://example.org/api/images/a"),
        ] {
            assert_eq!(path(Some(public_url), url), None, "{url}");
        }
    }

    #[test]
    fn a_signed_address_opens_its_image_for_a_while() {
        for public_url in [
            None,
            Some("https://example.org/"),
            Some("https://example.org/x"),
        ] {
            let signing = signing(public_url);
            let url = signing.sign("uploads/t/a.png", ORIGIN, NOW);
            let start = public_url.unwrap_or(ORIGIN).trim_end_matches('/');
            assert!(url.starts_with(&format!("{start}/api/images/uploads/t/a.png?")));
            let access = |url: &str, now| signing.resolve(url, ORIGIN, now).unwrap().access;
            assert_eq!(access(&url, NOW), Access::Signed);
            assert_eq!(
                access(&url, NOW.plus(Duration::from_secs(3601))),
                Access::Refused
            );
            assert_eq!(access(&url.replace("a.png", "b.png"), NOW), Access::Refused);
            let (unsigned, _) = url.split_once('?').unwrap();
            assert_eq!(access(unsigned, NOW), Access::Unsigned);
        }
        assert_eq!(signing(None).unsigned("a"), "/api/images/a");
        assert_eq!(
            signing(Some("https://example.org/")).unsigned("a"),
            "https://example.org/api/images/a"
        );
        assert!(!format!("{:?}", signing(None)).contains("key"));
    }

    proptest! {
        /// Every URL of ours is below the prefix of images on our origin.
        #[test]
        fn no_other_url_is_ours(text in any::<String>(), path in "[-a-zA-Z0-9%./\\\\?#@:]{0,40}") {
            let signing = signing(None);
            let urls = [
                text.clone(),
                path.clone(),
                format!("{ORIGIN}{path}"),
                format!("{ORIGIN}{IMAGES}{path}"),
                format!("http://{text}{IMAGES}{path}"),
                format!("{ORIGIN}@{path}{IMAGES}"),
            ];
            for url in urls {
                if signing.resolve(&url, ORIGIN, Timestamp(0)).is_some() {
                    let parsed = Url::parse(&url).unwrap();
                    prop_assert_eq!(parsed.origin().ascii_serialization(), ORIGIN, "{}", url);
                    prop_assert!(unescape(parsed.path()).starts_with(IMAGES), "{}", url);
                }
            }
        }
    }
}

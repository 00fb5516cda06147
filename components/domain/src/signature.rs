//! Signed image URLs, with which anyone can load the image for a limited time.
//!
//! A signature covers the path and the expiry time. It must be compared in constant time.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::capability::Access;
use crate::secret;
use crate::timestamp::Timestamp;

/// The path prefix of images.
pub const IMAGES: &str = "/api/images/";

const EXPIRES: &str = "expires";
const SIGNATURE: &str = "signature";

/// Separates these signatures from other uses of the key.
const PURPOSE: &[u8] = b"concept-refinement image url\n";

/// The unsigned URL of an image. `base` is an origin, or empty for a path only.
pub fn address(base: &str, path: &str) -> String {
    format!("{}{IMAGES}{path}", base.trim_end_matches('/'))
}

/// The query string that gives access to `path` for about `ttl`. The expiry time is
/// rounded down to steps of a quarter of `ttl`, so that an image keeps its URL for a
/// while and caches work; it is at least three quarters of `ttl` away.
pub fn sign(key: &[u8], path: &str, now: Timestamp, ttl: Duration) -> String {
    let step = (ttl.as_secs() / 4).max(1);
    let end = now.plus(ttl).as_secs();
    let expires = (end - end % step).to_string();
    let signature = URL_SAFE_NO_PAD.encode(mac(key, path, &expires).finalize().into_bytes());
    format!("{EXPIRES}={expires}&{SIGNATURE}={signature}")
}

/// Checks a URL's query for access to `path`. Unknown parameters are ignored; an
/// incomplete, duplicated, altered or expired signature is refused.
pub fn access(key: &[u8], path: &str, query: Option<&str>, now: Timestamp) -> Access {
    let parameters = |name: &'static str| {
        form_urlencoded::parse(query.unwrap_or_default().as_bytes())
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value)
    };
    let (mut expires, mut signature) = (parameters(EXPIRES), parameters(SIGNATURE));
    match (expires.next(), signature.next()) {
        (None, None) => Access::Unsigned,
        (Some(end), Some(code))
            if expires.next().is_none()
                && signature.next().is_none()
                && is_valid(key, path, &end, &code)
                && !has_passed(&end, now) =>
        {
            Access::Signed
        }
        _ => Access::Refused,
    }
}

fn is_valid(key: &[u8], path: &str, expires: &str, signature: &str) -> bool {
    URL_SAFE_NO_PAD
        .decode(signature)
        .is_ok_and(|code| mac(key, path, expires).verify_slice(&code).is_ok())
}

/// The text was written by [`sign`], since the signature was valid.
fn has_passed(expires: &str, now: Timestamp) -> bool {
    expires
        .parse()
        .is_ok_and(|end| Timestamp::from_secs(end) <= now)
}

fn mac(key: &[u8], path: &str, expires: &str) -> Hmac<Sha256> {
    let derived = Sha256::new().chain_update(PURPOSE).chain_update(key);
    // The expiry has no line break, so the last line break ends the path.
    secret::mac(&derived.finalize().into())
        .chain_update(path)
        .chain_update("\n")
        .chain_update(expires)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &[u8] = b"a key of some length";
    const PATH: &str = "uploads/ada/1.png";
    const NOW: Timestamp = Timestamp(1_795_176_000_123_456);
    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_signature_opens_one_path_for_a_while() {
        let query = sign(KEY, PATH, NOW, HOUR);
        let (expires, signature) = query.split_once('&').unwrap();
        let replaced = query.replace("expires=1", "expires=2");
        let other = sign(KEY, "uploads/ada/2.png", NOW, HOUR);
        for (name, path, seconds_later, expected) in [
            ("as signed", PATH, 0, Access::Signed),
            ("just before its end", PATH, 2_699, Access::Signed),
            ("after its end", PATH, 3_600, Access::Refused),
            ("another path", "uploads/ada/2.png", 0, Access::Refused),
        ] {
            let now = NOW.plus(Duration::from_secs(seconds_later));
            assert_eq!(access(KEY, path, Some(&query), now), expected, "{name}");
        }
        for query in [
            // A parameter more, and the other way round.
            format!("v=1&{query}&w"),
            format!("{signature}&{expires}"),
        ] {
            assert_eq!(access(KEY, PATH, Some(&query), NOW), Access::Signed);
        }
        for (name, query) in [
            ("another path's", other),
            ("a later expiry", replaced),
            ("the same otherwise", query.replace("expires=", "expires=0")),
            ("without its signature", expires.into()),
            ("without its expiry", signature.into()),
            ("an empty signature", format!("{expires}&signature=")),
            ("cut short", query[..query.len() - 4].into()),
            ("padded", format!("{query}=")),
            ("its expiry twice", format!("{query}&{expires}")),
            ("its signature twice", format!("{query}&{signature}")),
        ] {
            let access = access(KEY, PATH, Some(&query), NOW);
            assert_eq!(access, Access::Refused, "{name}");
        }
        for query in ["", "v=1&Expires=7"] {
            assert_eq!(access(KEY, PATH, Some(query), NOW), Access::Unsigned);
        }
        assert_eq!(access(KEY, PATH, None, NOW), Access::Unsigned);
        assert_eq!(access(b"another", PATH, Some(&query), NOW), Access::Refused);
        assert_eq!(access(b"", PATH, Some(&query), NOW), Access::Refused);
    }

    #[test]
    fn a_url_stays_the_same_for_a_quarter() {
        let start = Timestamp::from_secs(NOW.as_secs() / 900 * 900);
        let at = |seconds| sign(KEY, PATH, start.plus(Duration::from_secs(seconds)), HOUR);
        assert_eq!(at(0), at(899));
        assert_ne!(at(899), at(900));
    }

    proptest! {
        #[test]
        fn what_is_signed_is_open(
            key in proptest::collection::vec(any::<u8>(), 0..100),
            path in any::<String>(),
            now in 0u64..1 << 55,
            ttl in 4u64..10_000_000,
        ) {
            let (now, ttl) = (Timestamp(now), Duration::from_secs(ttl));
            let query = sign(&key, &path, now, ttl);
            prop_assert_eq!(access(&key, &path, Some(&query), now), Access::Signed);
            let almost = now.plus(ttl.mul_f64(0.75).saturating_sub(Duration::from_secs(1)));
            prop_assert_eq!(access(&key, &path, Some(&query), almost), Access::Signed);
            prop_assert_eq!(access(&key, &path, Some(&query), now.plus(ttl)), Access::Refused);
        }

        #[test]
        fn no_other_query_is_open(query in "(expires=[0-9]{0,20}&?|signature=[-_A-Za-z0-9]{0,50}&?|\\PC){0,4}") {
            prop_assert_ne!(access(KEY, PATH, Some(&query), NOW), Access::Signed);
        }
    }
}

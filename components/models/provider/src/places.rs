//! Places that only those know who run the provider: files of its machine, and addresses of
//! its network. Its messages are quoted to users without them.

use std::net::{IpAddr, SocketAddr};

use concept_refinement_domain::address::{is_at_domain, is_public};
use concept_refinement_domain::original::{AllowedSources, check_url};

/// Domains that no public name is in (RFC 6762, RFC 8375, and ICANN's reserved `internal`).
const INTERNAL: [&str; 4] = ["internal", "local", "home.arpa", "localhost"];

/// What a place is replaced by.
const PLACE: &str = "…";

/// The text with its places replaced. Words are what is between spaces.
pub fn without_places(text: &str) -> String {
    let words = text.split(' ');
    let words = words.map(|word| if is_place(word) { PLACE } else { word });
    words.collect::<Vec<_>>().join(" ")
}

fn is_place(word: &str) -> bool {
    has_path(word) || is_internal(word.trim_matches(|mark| "\"'`(),;<>".contains(mark)))
}

/// Whether it has an absolute path of two parts at least, as `/etc/hosts` or `C:\models`.
fn has_path(word: &str) -> bool {
    let begins = |before: Option<char>| {
        before.is_none_or(|before| !before.is_alphanumeric() && !"/:.".contains(before))
    };
    let is_unix = word.match_indices('/').any(|(at, _)| {
        let (before, path) = word.split_at(at);
        begins(before.chars().next_back()) && path.trim_matches('/').contains('/')
    });
    let is_windows = word.split_once(":\\").is_some_and(|(before, _)| {
        let mut before = before.chars().rev();
        before
            .next()
            .is_some_and(|drive| drive.is_ascii_alphabetic())
            && begins(before.next())
    });
    is_unix || is_windows
}

/// Whether it is an address that is not public, as far as that can be seen.
fn is_internal(word: &str) -> bool {
    if word.contains("://") {
        return match check_url(word, &AllowedSources::default()) {
            Ok(url) => url.host_str().is_none_or(is_internal_name),
            Err(_) => true,
        };
    }
    let address = word.parse().map(|address: SocketAddr| address.ip());
    match address.or_else(|_| word.parse::<IpAddr>()) {
        Ok(address) => !is_public(address),
        Err(_) => {
            let host = word.split(['/', ':']).next().unwrap_or_default();
            host.contains('.') && is_internal_name(host)
        }
    }
}

fn is_internal_name(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let is_address = host.starts_with('[');
    let is_of = |domain: &&str| is_at_domain(&host, domain);
    !is_address && (!host.contains('.') || INTERNAL.iter().any(is_of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_not_quoted() {
        for (text, expected) in [
            (
                "upstream http://10.0.0.1:8080/x failed",
                "upstream … failed",
            ),
            ("no answer of http://comfyui:8188", "no answer of …"),
            ("(https://user:key@models.example/x)", "…"),
            ("cannot open /var/lib/models/x.bin", "cannot open …"),
            ("No such file: '/srv/x.png', sorry", "No such file: … sorry"),
            ("path=/etc/hosts", "…"),
            (r"cannot open C:\models\x", "cannot open …"),
            ("host db-1.internal:5432 refused", "host … refused"),
            ("at 192.168.1.4:80 and [::1]:80", "at … and …"),
            ("file:///etc/hosts", "…"),
        ] {
            assert_eq!(without_places(text), expected);
        }
        for text in [
            "image/png and/or 1/2, 24/7",
            "see https://platform.example.com/docs/errors.",
            "strength 0.7: between 0 and 1",
            "version 1.2.3, at 8.8.8.8",
            "the key ***",
            "a / b",
            "use /images",
            "Exhausted balance. Top up at fal.ai/dashboard/billing",
            "ratio 16:9, e.g. local models",
        ] {
            assert_eq!(without_places(text), text);
        }
    }
}

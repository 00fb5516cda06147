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
    if word.contains("://") {
        return is_internal_url(word.trim_matches(|mark| "\"'`(),;<>".contains(mark)));
    }
    let is_of_host = |mark: char| mark.is_alphanumeric() || ".-:_[]".contains(mark);
    // What stands beside an address in messages, as in `(host='10.0.0.1',`.
    let mut parts = word.split(|mark| !is_of_host(mark));
    has_path(word) || parts.any(is_internal)
}

fn is_internal_url(url: &str) -> bool {
    match check_url(url, &AllowedSources::default()) {
        Ok(url) => url.host_str().is_none_or(is_internal_name),
        Err(_) => true,
    }
}

/// Whether it has an absolute path of two parts at least, as `/etc/hosts` or `C:\models`.
fn has_path(word: &str) -> bool {
    let is_path = |path: &str| path.trim_matches('/').contains('/');
    let is_unix = word.match_indices('/').any(|(at, _)| {
        let (before, path) = word.split_at(at);
        let before = before.chars().next_back();
        let begins =
            before.is_none_or(|before| !before.is_alphanumeric() && !"/.".contains(before));
        begins && is_path(path)
    });
    let is_of_drive = [":\\", ":/"].iter().any(|root| {
        let before = word.split_once(root).map(|(before, _)| before);
        let mut before = before.unwrap_or_default().chars().rev();
        before
            .next()
            .is_some_and(|drive| drive.is_ascii_alphabetic())
            && before.next().is_none_or(|before| !before.is_alphanumeric())
    });
    is_unix || is_of_drive || word.starts_with(r"\\")
}

/// Whether it is an address that is not public, as far as that can be seen.
fn is_internal(word: &str) -> bool {
    let word = word.trim_end_matches(['.', ':']);
    let whole = word.trim_matches(['[', ']']).parse::<IpAddr>();
    let address = whole.or_else(|_| word.parse().map(|address: SocketAddr| address.ip()));
    let host = word.split(':').next().unwrap_or_default();
    match address.or_else(|_| host.parse()) {
        Ok(address) => !is_public(address),
        Err(_) => host.contains('.') && is_internal_name(host),
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
            (
                "dial tcp 10.0.0.5:8188: connect: refused",
                "dial tcp … connect: refused",
            ),
            (
                "lookup models on 127.0.0.11:53: no",
                "lookup models on … no",
            ),
            ("Pool(host='10.0.0.1', port=8188)", "… port=8188)"),
            ("10.0.0.1:8080/x and 10.0.0.1.", "… and …"),
            ("host=db-1.internal", "…"),
            ("C:/models/x.bin", "…"),
            (r"\\server\share\x", "…"),
            ("error:/srv/models/x", "…"),
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
            "see https://x.example/?next=/a/b or C++: a::",
            "use /images",
            "Exhausted balance. Top up at fal.ai/dashboard/billing",
            "ratio 16:9, e.g. local models",
        ] {
            assert_eq!(without_places(text), text);
        }
    }
}

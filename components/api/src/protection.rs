//! Security headers for every response; a value that a route has set is kept.

use std::borrow::Cow;

use crate::response::Response;

/// Scripts and styles only from files of this origin, never inline. Images from anywhere:
/// originals by URL, and previews of files.
const PAGE: &str = "default-src 'self'; img-src 'self' data: blob: http: https:; \
                    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Other responses load and run nothing, even if a browser mistakes one for a page.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// For images, whose bytes come from users.
pub const IMAGE: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

const ALWAYS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // With `no-referrer` a browser would send the origin `null` for our own page.
    ("referrer-policy", "same-origin"),
    // Images may be embedded by any site that has their URL; they set this header
    // themselves.
    ("cross-origin-resource-policy", "same-origin"),
];

/// Half a year, for this host only, without subdomains.
const HTTPS_ONLY: &str = "max-age=15552000";

pub fn protect<C>(response: &mut Response<C>, is_behind_https: bool) {
    let is_page = response
        .headers
        .iter()
        .any(|(name, value)| *name == "content-type" && value.starts_with("text/html"));
    for (name, value) in ALWAYS {
        add(response, name, value);
    }
    match (response.status, is_page) {
        // A cached response keeps the policy that it was sent with.
        (304, _) => {}
        (_, true) => {
            add(response, "content-security-policy", PAGE);
            add(response, "cross-origin-opener-policy", "same-origin");
        }
        (_, false) => add(response, "content-security-policy", NO_PAGE),
    }
    if is_behind_https {
        add(response, "strict-transport-security", HTTPS_ONLY);
    }
}

fn add<C>(response: &mut Response<C>, name: &'static str, value: &'static str) {
    if response.headers.iter().all(|(there, _)| *there != name) {
        response.headers.push((name, Cow::Borrowed(value)));
    }
}

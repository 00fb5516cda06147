//! Header fields by which a browser protects whoever looks at an answer. Each
//! answer has them; one that says something else of its own keeps it.

use std::borrow::Cow;

use crate::response::Response;

/// Scripts and styles come from here as files, never inline. Originals are shown
/// from wherever they are, and previews before they are uploaded.
const PAGE: &str = "default-src 'self'; img-src 'self' data: blob: http: https:; \
                    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Nothing that is not a page loads or runs anything, should a browser take it
/// for one.
const NO_PAGE: &str = "default-src 'none'; frame-ancestors 'none'";

/// The bytes of an image come from a user.
pub const IMAGE: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

const ALWAYS: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    // With no-referrer a browser would call our own page's origin null.
    ("referrer-policy", "same-origin"),
    // Images may be shown by any site that has their URL, and say so.
    ("cross-origin-resource-policy", "same-origin"),
];

/// Half a year, for this host alone: others are not ours to speak for.
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
        // What the client has keeps the policy that it came with.
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

//! The files of the page, and the description of the API, served unchanged.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::answer::{Answer, with};

/// Allows nothing from other origins and nothing inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
     img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

const FILES: [(&str, &str, &str); 4] = [
    (
        "/",
        "text/html; charset=utf-8",
        include_str!("page/index.html"),
    ),
    (
        "/admin.css",
        "text/css; charset=utf-8",
        concat!(
            include_str!("../../../components/api/page/colours.css"),
            include_str!("../../../components/api/page/shared.css"),
            include_str!("page/style.css"),
        ),
    ),
    (
        "/admin.js",
        "text/javascript; charset=utf-8",
        include_str!("page/script.js"),
    ),
    (
        "/admin/v1/openapi.json",
        "application/json",
        include_str!("openapi.json"),
    ),
];

/// None: there is no such file. The files contain nothing secret, so anyone may read
/// them.
pub(super) fn file(path: &str) -> Option<Answer> {
    let (_, media_type, text) = FILES.into_iter().find(|(name, ..)| *name == path)?;
    let text = Bytes::from_static(text.as_bytes());
    let mut answer = with(StatusCode::OK, media_type, text);
    answer
        .headers_mut()
        .insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Some(answer)
}

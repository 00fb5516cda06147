//! Addresses of services that an operator names.

use url::Url;

/// An http or https URL without user information, query and fragment: paths are appended to
/// it, and logs and answers may show it. None: it is something else.
pub fn parse(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    is_plain.then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_plain_address() {
        for (text, expected) in [
            ("http://127.0.0.1:9465", true),
            ("https://[::1]:9465/", true),
            ("HTTPS://ops.example/refine", true),
            ("127.0.0.1:9465", false),
            ("ftp://ops.example", false),
            ("http://", false),
            ("https://ada@ops.example", false),
            ("https://:hush@ops.example", false),
            ("https://ops.example/?token=hush", false),
            ("https://ops.example/#top", false),
        ] {
            assert_eq!(parse(text).is_some(), expected, "{text}");
        }
    }
}

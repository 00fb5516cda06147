//! Whether a client prefers HTML, as browsers do, or JSON.

use concept_refinement_domain::accept::prefers;

use crate::request::Headers;

/// Whether `Accept` ranks HTML above JSON.
pub fn prefers_html(headers: &Headers) -> bool {
    prefers(headers.all("accept"), "text/html", "application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_preferred_by_who_says_so() {
        const BROWSER: &str =
            "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        for (accept, expected) in [
            (BROWSER, true),
            ("text/html", true),
            ("TEXT/HTML; charset=utf-8", true),
            ("text/*, */*;q=0.1", true),
            ("application/json;q=0.5, text/html", true),
            ("application/*;q=0.2, text/html ; Q=0.3", true),
            ("", false),
            ("*/*", false),
            ("application/json", false),
            ("text/html, application/json", false),
            ("text/html;q=0.5, application/json", false),
            ("text/html;q=0", false),
            ("text/html;q=2", false),
            ("text/html;q=NaN", false),
            ("text/html;q=", false),
            (";;,=,q", false),
        ] {
            let headers = Headers::from_iter([("Accept", accept)]);
            assert_eq!(prefers_html(&headers), expected, "{accept}");
        }
        let none: [(&str, &str); 0] = [];
        assert!(!prefers_html(&Headers::from_iter(none)));
        let two = Headers::from_iter([("accept", "text/html"), ("Accept", "application/json")]);
        assert!(!prefers_html(&two));
    }
}

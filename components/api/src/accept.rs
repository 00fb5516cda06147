//! Whether a client prefers HTML, as browsers do, or JSON.

use crate::request::Headers;

/// Whether `Accept` (RFC 9110, section 12.5.1) ranks HTML above JSON.
pub fn prefers_html(headers: &Headers) -> bool {
    let ranges: Vec<Range> = headers
        .all("accept")
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .filter_map(Range::parse)
        .collect();
    let quality = |types: [&str; 3]| {
        // The most specific range that matches decides.
        types.iter().find_map(|name| {
            let range = ranges.iter().find(|range| range.name == *name)?;
            Some(range.quality)
        })
    };
    let html = quality(["text/html", "text/*", "*/*"]);
    let json = quality(["application/json", "application/*", "*/*"]);
    html.unwrap_or(0.0) > json.unwrap_or(0.0)
}

struct Range {
    /// In lower case.
    name: String,
    /// From 0 to 1.
    quality: f32,
}

impl Range {
    /// None: it cannot be parsed, and is ignored.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next()?.to_ascii_lowercase();
        let weight = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case("q")
                .then_some(value.trim())
        });
        let quality = match weight {
            None => 1.0,
            Some(weight) => weight.parse().ok()?,
        };
        (0.0..=1.0)
            .contains(&quality)
            .then_some(Self { name, quality })
    }
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

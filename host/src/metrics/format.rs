//! The formats of a scrape: OpenMetrics, or Prometheus' older text for clients that prefer
//! it, as `promtool` and most agents do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use http::HeaderMap;

use crate::accept::prefers;

/// How the metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    OpenMetrics,
    /// Version 0.0.4 of Prometheus' text format.
    Text,
}

impl Format {
    /// The one that `Accept` ranks higher, and OpenMetrics where it ranks neither.
    pub fn accepted(headers: &HeaderMap) -> Self {
        match prefers(headers, "text/plain", "application/openmetrics-text") {
            true => Self::Text,
            false => Self::OpenMetrics,
        }
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
        }
    }

    /// OpenMetrics in this format.
    pub fn written(self, open: String) -> String {
        match self {
            Self::OpenMetrics => open,
            Self::Text => text(&open),
        }
    }
}

/// Counters and infos are described by the names of their samples there, and there are no
/// infos and no units.
fn text(open: &str) -> String {
    let kinds = open.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let kinds: BTreeMap<_, _> = kinds.filter_map(|line| line.split_once(' ')).collect();
    let mut written = String::with_capacity(open.len());
    for line in open.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            written.push_str(line);
            written.push('\n');
            continue;
        };
        let mut words = comment.splitn(3, ' ');
        let (Some(keyword @ ("HELP" | "TYPE")), Some(name), Some(text)) =
            (words.next(), words.next(), words.next())
        else {
            continue;
        };
        let (suffix, kind) = match kinds.get(name) {
            Some(&"counter") => ("_total", "counter"),
            Some(&"info") => ("_info", "gauge"),
            Some(kind) => ("", *kind),
            None => ("", "untyped"),
        };
        let text = if keyword == "TYPE" { kind } else { text };
        // Writing to a string cannot fail.
        let _ = writeln!(written, "# {keyword} {name}{suffix} {text}");
    }
    written
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn text_is_for_clients_that_prefer_it() {
        const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;q=0.5,\
            application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,\
            */*;q=0.2";
        const BROWSER: &str = "text/html,application/xml;q=0.9,*/*;q=0.8";
        for (accept, expected) in [
            (None, Format::OpenMetrics),
            (Some(""), Format::OpenMetrics),
            (Some("*/*"), Format::OpenMetrics),
            (Some(BROWSER), Format::OpenMetrics),
            (Some(PROMETHEUS), Format::OpenMetrics),
            (Some("text/plain, application/*"), Format::OpenMetrics),
            (Some("text/plain;q=0"), Format::OpenMetrics),
            (Some("text/plain;q=x"), Format::OpenMetrics),
            (Some("text/plain"), Format::Text),
            (Some("Text/Plain; version=0.0.4"), Format::Text),
            (Some("text/*, */*;q=0.1"), Format::Text),
            (
                Some("text/plain;version=0.0.4;q=0.5,*/*;q=0.1"),
                Format::Text,
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, accept.parse().unwrap());
            }
            assert_eq!(Format::accepted(&headers), expected, "{accept:?}");
        }
    }

    #[test]
    fn each_kind_is_described_as_the_text_has_it() {
        let open = "# HELP a A.\n# TYPE a counter\na_total{x=\"# b\"} 1\n\
            # HELP b B.\n# TYPE b info\nb_info{version=\"1\"} 1\n\
            # HELP c C.\n# TYPE c histogram\n# UNIT c seconds\nc_bucket{le=\"+Inf\"} 0\n\
            # EOF\n";
        let expected = "# HELP a_total A.\n# TYPE a_total counter\na_total{x=\"# b\"} 1\n\
            # HELP b_info B.\n# TYPE b_info gauge\nb_info{version=\"1\"} 1\n\
            # HELP c C.\n# TYPE c histogram\nc_bucket{le=\"+Inf\"} 0\n";
        assert_eq!(Format::Text.written(open.to_owned()), expected);
        assert_eq!(Format::OpenMetrics.written(open.to_owned()), open);
    }
}

//! Which of two media types a client prefers, by its field `Accept` (RFC 9110, section
//! 12.5.1).

/// Whether `Accept` ranks the first media type higher than the second. Both are in lower case
/// and without parameters. `values`: those of all fields of this name.
pub fn prefers<'a>(values: impl IntoIterator<Item = &'a [u8]>, first: &str, second: &str) -> bool {
    let values = values.into_iter();
    let values = values.filter_map(|value| str::from_utf8(value).ok());
    let ranges: Vec<_> = values
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .collect();
    quality(&ranges, first) > quality(&ranges, second)
}

/// From 0 to 1. The most specific range that matches decides.
fn quality(ranges: &[(String, f32)], media_type: &str) -> f32 {
    let kind = media_type.split('/').next().unwrap_or_default();
    let names = [media_type, &format!("{kind}/*"), "*/*"];
    let found = names.iter().find_map(|name| {
        let of_name = ranges.iter().filter(|(range, _)| range == name);
        of_name.map(|(_, quality)| *quality).reduce(f32::max)
    });
    found.unwrap_or_default()
}

/// A media range in lower case, and its quality from 0 to 1. None: it cannot be parsed, and is
/// ignored.
fn range(text: &str) -> Option<(String, f32)> {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let is_weight = name.trim().eq_ignore_ascii_case("q");
        is_weight.then(|| value.trim())
    });
    let quality = weight.map_or(Ok(1.0), str::parse).ok()?;
    (0.0..=1.0).contains(&quality).then_some((name, quality))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_is_preferred_that_is_ranked_higher() {
        const BROWSER: &str = "text/html,application/xml;q=0.9,*/*;q=0.8";
        for (accept, expected) in [
            (None, false),
            (Some(""), false),
            (Some("*/*"), false),
            (Some(BROWSER), false),
            (Some("application/json"), false),
            (Some("text/csv, application/json"), false),
            (Some("text/csv;q=0.4, application/json;q=0.5"), false),
            (Some("text/csv;q=0"), false),
            (Some("text/csv;q=x"), false),
            (Some("text/csv;q=2"), false),
            (Some("text/csv"), true),
            (Some("Text/CSV; header=present"), true),
            (Some("text/csv, application/json;q=0.9"), true),
            (Some("text/*, */*;q=0.1"), true),
            (
                Some("text/csv;q=0.1, application/json;q=0.5, text/csv"),
                true,
            ),
            (Some("text/csv ; Q = 0.5, application/json;q=0.6"), false),
            (
                Some("text/*;q=0.2, text/csv;q=0.1, application/*;q=0.1"),
                false,
            ),
        ] {
            let values = accept.into_iter().map(str::as_bytes);
            let preferred = prefers(values, "text/csv", "application/json");
            assert_eq!(preferred, expected, "{accept:?}");
        }
    }
}

//! Formats parts of responses for operators. A missing value is shown as a dash.

use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use serde_json::Value;

use super::super::terminal::in_a_line;

const MISSING: &str = "-";

/// A text or a number, in a line.
pub fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) if !text.trim().is_empty() => in_a_line(text),
        Some(Value::Number(number)) => number.to_string(),
        _ => MISSING.to_owned(),
    }
}

/// Nothing, if there is nothing to show.
pub fn text_if_any(value: Option<&Value>) -> Option<String> {
    Some(text(value)).filter(|shown| shown != MISSING)
}

/// A time to the second; like all times here, in UTC.
pub fn time(value: Option<&Value>) -> String {
    time_to(value, 19)
}

/// A time to the millisecond.
pub fn exact_time(value: Option<&Value>) -> String {
    time_to(value, 23)
}

/// The items of a list in a response.
pub fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    let items = value.get(name).and_then(Value::as_array);
    items.into_iter().flatten()
}

pub fn timestamp(value: Option<&Value>) -> Option<Timestamp> {
    value?.as_str()?.parse().ok()
}

/// The first characters of `2026-11-20 12:00:00.123456Z`; what is no time as it is.
fn time_to(value: Option<&Value>, length: usize) -> String {
    let Some(time) = timestamp(value) else {
        return text(value);
    };
    let written = time.to_string().replace('T', " ");
    written.chars().take(length).collect()
}

/// A duration or an age. Minutes, hours and days are at least two, so that a list reads in
/// order: `119 s`, then `2 min`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..=9 => format!("{:.1} s", duration.as_secs_f64()),
        10..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_an_answer_has_can_be_shown() {
        for (value, expected) in [
            (Some(json!("make it\nlighter")), "make it lighter"),
            (
                Some(json!("a\u{1b}[31mb\u{202e}")),
                "a\u{fffd}[31mb\u{fffd}",
            ),
            (Some(json!(7)), "7"),
            (Some(json!(null)), "-"),
            (Some(json!(["a"])), "-"),
            (Some(json!(" ")), "-"),
            (None, "-"),
        ] {
            assert_eq!(text(value.as_ref()), expected);
        }
    }

    #[test]
    fn times_are_read_at_a_glance() {
        for (value, second, exact) in [
            (
                json!("2026-11-20T12:00:00.123456Z"),
                "2026-11-20 12:00:00",
                "2026-11-20 12:00:00.123",
            ),
            (
                json!("2026-11-20T13:00:00+01:00"),
                "2026-11-20 12:00:00",
                "2026-11-20 12:00:00.000",
            ),
            (json!("soon\u{7}"), "soon\u{fffd}", "soon\u{fffd}"),
            (json!(null), "-", "-"),
        ] {
            assert_eq!(time(Some(&value)), second);
            assert_eq!(exact_time(Some(&value)), exact);
        }
    }

    #[test]
    fn a_span_has_one_unit() {
        for (milliseconds, expected) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_040, "1.0 s"),
            (59_900, "59 s"),
            (119_999, "119 s"),
            (120_000, "2 min"),
            (5_400_000, "90 min"),
            (7_199_000, "119 min"),
            (7_200_000, "2 h"),
            (172_799_000, "47 h"),
            (172_800_000, "2 d"),
        ] {
            let shown = span(Duration::from_millis(milliseconds));
            assert_eq!(shown, expected, "{milliseconds}");
        }
    }
}

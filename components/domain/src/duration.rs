//! Durations in settings.

use std::time::Duration;

const FORM: &str = "must be a whole number with a unit, such as 500ms, 30s, 5m, 1h or 7d";
const LONGEST: Duration = Duration::from_secs(36_500 * 24 * 60 * 60);

/// Parses `500ms`, `30s`, `5m`, `1h` or `7d`. At most a hundred years, so that
/// adding it to a time cannot overflow. The error completes the sentence "the
/// value …".
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .ok_or(FORM)?;
    let (number, unit) = text.split_at_checked(end).ok_or(FORM)?;
    if number.is_empty() {
        return Err(FORM.into());
    }
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return Err(FORM.into()),
    };
    number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(milliseconds))
        .map(Duration::from_millis)
        .filter(|duration| *duration <= LONGEST)
        .ok_or_else(|| "must be at most 36500d".into())
}

/// The same, for what takes some time.
pub fn some_time(text: &str) -> Result<Duration, String> {
    match parse(text)? {
        Duration::ZERO => Err("must not be zero".into()),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_settings_write() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("0s", 0),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("7d", 604_800_000),
            (" 60s ", 60_000),
            ("36500d", 3_153_600_000_000),
        ] {
            assert_eq!(
                parse(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "", " ", "30", "s", "-1s", "+1s", "1.5s", "1 s", "30S", "1w", "1h30m", "1sé", "٣s",
        ] {
            assert_eq!(parse(text), Err(FORM.to_owned()), "{text}");
        }
        for text in [
            "36501d",
            "99999999999999999999999s",
            "18446744073709551615d",
        ] {
            assert_eq!(
                parse(text),
                Err("must be at most 36500d".to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn zero_is_no_time() {
        assert_eq!(some_time("1ms"), Ok(Duration::from_millis(1)));
        for (text, problem) in [("0s", "must not be zero"), ("0", FORM)] {
            assert_eq!(some_time(text), Err(problem.to_owned()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = parse(&text);
        }
    }
}

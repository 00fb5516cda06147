//! Sizes in bytes, in settings and sentences.

const FORM: &str =
    "must be a whole number of bytes, or one with a unit, such as 64KiB, 20MiB or 1GiB";
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// Parses `1048576`, `64KiB`, `20MiB` or `1GiB`. The error completes the
/// sentence "the value …".
pub fn parse(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let (number, unit) = UNITS
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, 1));
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(FORM.into());
    }
    number
        .parse()
        .ok()
        .and_then(|number: u64| number.checked_mul(unit))
        .ok_or_else(|| "must be smaller than 16 EiB".into())
}

/// The same, for what has a size.
pub fn some_bytes(text: &str) -> Result<u64, String> {
    match parse(text)? {
        0 => Err("must not be zero".into()),
        bytes => Ok(bytes),
    }
}

/// Formats a size for people, in the largest unit that divides it: `20 MiB`.
pub fn in_words(bytes: u64) -> String {
    UNITS
        .iter()
        .find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit))
        .map_or_else(
            || format!("{bytes} bytes"),
            |(name, unit)| format!("{} {name}", bytes / unit),
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_settings_write() {
        for (text, bytes) in [
            ("0", 0),
            ("1048576", 1_048_576),
            ("64KiB", 65_536),
            ("20MiB", 20_971_520),
            ("1GiB", 1_073_741_824),
            (" 1GiB ", 1_073_741_824),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn zero_is_no_size() {
        assert_eq!(some_bytes("1"), Ok(1));
        for (text, problem) in [("0MiB", "must not be zero"), ("-1", FORM)] {
            assert_eq!(some_bytes(text), Err(problem.to_owned()), "{text}");
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "", "MiB", "-1", "+1", "1.5MiB", "20 MiB", "20MB", "20mib", "1KiBMiB", "٣",
        ] {
            assert_eq!(parse(text), Err(FORM.to_owned()), "{text}");
        }
        for text in ["18446744073709551616", "17179869184GiB"] {
            assert!(
                parse(text).is_err_and(|reason| reason.contains("16 EiB")),
                "{text}"
            );
        }
    }

    #[test]
    fn writes_the_largest_unit_that_divides() {
        for (bytes, words) in [
            (0, "0 bytes"),
            (1_000, "1000 bytes"),
            (65_536, "64 KiB"),
            (20_971_520, "20 MiB"),
            (1_073_741_824, "1 GiB"),
            (1_073_741_825, "1073741825 bytes"),
        ] {
            assert_eq!(in_words(bytes), words);
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = parse(&text);
        }

        #[test]
        fn reads_back_what_it_writes(bytes in any::<u64>()) {
            prop_assert_eq!(parse(&bytes.to_string()), Ok(bytes));
            let compact = in_words(bytes).replace(" bytes", "").replace(' ', "");
            prop_assert_eq!(parse(&compact), Ok(bytes));
        }
    }
}

//! Numbers in text that others wrote.

use std::str::FromStr;

/// A number of digits alone: without a sign, which parsing would accept. None: it is none, or
/// too large.
pub fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_alone_are_a_number() {
        for (text, expected) in [
            ("0", Some(0)),
            ("007", Some(7)),
            ("65535", Some(u16::MAX)),
            ("65536", None),
            ("", None),
            ("+1", None),
            ("-0", None),
            (" 1", None),
            ("1_000", None),
            ("٣", None),
        ] {
            assert_eq!(number::<u16>(text), expected, "{text}");
        }
    }
}

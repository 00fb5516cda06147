//! How long a client wants to wait for an answer: `Prefer: wait` (RFC 7240).

use std::time::Duration;

use crate::digits::number;

/// The wait if the client does not say how long.
pub const DEFAULT_WAIT: Duration = Duration::from_secs(30);

/// The longest wait. Longer ones are invalid.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

const WAIT: &[u8] = b"wait";

/// The wait requested by the values of all `Prefer` fields, in the order received. Only
/// the first one counts. None: not requested, or the value is invalid, in which case the
/// RFC requires to ignore it.
pub fn wait<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Option<Duration> {
    let mut preferences = values.into_iter().flat_map(preferences);
    let (_, value) = preferences.find(|(name, _)| name.eq_ignore_ascii_case(WAIT))?;
    match value? {
        value if value.is_empty() => Some(DEFAULT_WAIT),
        value => seconds(&value),
    }
}

fn seconds(value: &[u8]) -> Option<Duration> {
    let wait = Duration::from_secs(number(std::str::from_utf8(value).ok()?)?);
    (!wait.is_zero() && wait <= MAX_WAIT).then_some(wait)
}

/// Name and value of each preference; the value is empty if it is missing, and None if
/// the syntax is invalid.
fn preferences(field: &[u8]) -> impl Iterator<Item = (&[u8], Option<Vec<u8>>)> {
    parts(field, b',').map(|preference| {
        let mut parts = parts(preference, b';');
        let (name, value) = name_and_value(parts.next().unwrap_or_default());
        // Parameters have no meaning here, but their syntax must be valid.
        let value = match parts.all(|part| name_and_value(part).1.is_some()) {
            true => value,
            false => None,
        };
        (name, value)
    })
}

/// Splits at separators that are not in quotes.
fn parts(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |byte| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\\' => is_escaped = is_quoted,
            _ => {}
        }
        !is_quoted && *byte == separator
    })
}

/// `name`, `name=token` or `name="quoted"`, with whitespace around each.
fn name_and_value(text: &[u8]) -> (&[u8], Option<Vec<u8>>) {
    let text = text.trim_ascii();
    let mut sides = text.splitn(2, |byte| *byte == b'=');
    let name = sides.next().unwrap_or_default().trim_ascii();
    let value = match sides.next().map(<[u8]>::trim_ascii) {
        None => Some(Vec::new()),
        Some([b'"', quoted @ ..]) => unquoted(quoted),
        Some(token) => token.iter().all(is_of_token).then(|| token.to_vec()),
    };
    // An empty part, such as after a trailing separator, is ignored.
    let is_name = name.iter().all(is_of_token) && (!name.is_empty() || text.is_empty());
    (name, value.filter(|_| is_name))
}

/// The text of a quoted string, after its opening quote.
fn unquoted(text: &[u8]) -> Option<Vec<u8>> {
    let mut value = Vec::new();
    let mut bytes = text.iter();
    loop {
        match bytes.next()? {
            b'"' => return bytes.next().is_none().then_some(value),
            b'\\' => value.push(*bytes.next()?),
            byte => value.push(*byte),
        }
    }
}

/// RFC 9110, 5.6.2.
fn is_of_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_header_says_how_long() {
        let cases: &[(&[&str], Option<u64>)] = &[
            (&[], None),
            (&[""], None),
            (&["return=minimal"], None),
            (&["waiting=5"], None),
            (&["wait"], Some(30)),
            (&["Wait"], Some(30)),
            (&["wait=1"], Some(1)),
            (&["WAIT=60"], Some(60)),
            (&["wait=005"], Some(5)),
            (&[" wait = 5 "], Some(5)),
            (&["wait=\"5\""], Some(5)),
            (&["wait=\"\\5\""], Some(5)),
            (&["wait="], Some(30)),
            (&["wait=\"\""], Some(30)),
            (&["respond-async, wait=10"], Some(10)),
            (&["respond-async", "wait=10"], Some(10)),
            (&["wait=10, wait=20"], Some(10)),
            (&["wait=10", "wait=20"], Some(10)),
            (&["wait=5; foo=bar"], Some(5)),
            (&["wait; foo=\"a, wait=7; b\""], Some(30)),
            (&["foo=\"a, wait=7\", wait=8"], Some(8)),
            (&["foo=\"a\\\", wait=7\", wait=8"], Some(8)),
            (&["foo; wait=7"], None),
            (&[",, wait=5,"], Some(5)),
            (&["wait=5;"], Some(5)),
            // Invalid values are ignored, even if a later one is valid.
            (&["wait=0"], None),
            (&["wait=61"], None),
            (&["wait=99999999999999999999999"], None),
            (&["wait=-5"], None),
            (&["wait=+5"], None),
            (&["wait=5.0"], None),
            (&["wait=5s"], None),
            (&["wait=five"], None),
            (&["wait=\"5"], None),
            (&["wait=\"5\"6"], None),
            (&["wait=5 6"], None),
            (&["wait=5; =bar"], None),
            (&["wait 5"], None),
            (&["wait=x, wait=5"], None),
            (&["wait=0", "wait=5"], None),
            (&["foo=\"unterminated, wait=5"], None),
            (&["foo=\"unterminated", "wait=5"], Some(5)),
        ];
        for (values, seconds) in cases {
            let values_of = values.iter().map(|value| value.as_bytes());
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(wait(values_of), expected, "{values:?}");
        }
        assert_eq!(wait([b"wait=\xff5".as_slice()]), None);
        let quoted: [&[u8]; 1] = [b"name=\"\xff\", wait=5"];
        assert_eq!(wait(quoted), Some(Duration::from_secs(5)));
    }

    proptest! {
        #[test]
        fn whatever_is_sent_a_wait_is_bounded(values: Vec<Vec<u8>>) {
            let wait = wait(values.iter().map(Vec::as_slice));
            prop_assert!(wait.is_none_or(|wait| wait >= Duration::from_secs(1) && wait <= MAX_WAIT));
        }

        #[test]
        fn what_can_be_used_is_used(seconds in 1_u64..=60, spaces in " {0,3}") {
            for value in [
                format!("wait={spaces}{seconds}"),
                format!("a=b,{spaces}wait{spaces}=\"{seconds}\"{spaces}; c"),
            ] {
                prop_assert_eq!(wait([value.as_bytes()]), Some(Duration::from_secs(seconds)));
            }
        }
    }
}

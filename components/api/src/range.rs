//! The part of an image that a request selects (RFC 9110, section 14).

use concept_refinement_domain::capability::ByteRange;

/// The part of an image that a `Range` field selects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    Whole,
    Part(ByteRange),
    /// The range is outside of the image.
    Outside,
}

/// A field that cannot be parsed, or has several ranges, is ignored, as the standard
/// allows.
pub fn selection(field: &str, size: u64) -> Selection {
    let spec = match field.split_once('=') {
        Some((unit, spec)) if unit.eq_ignore_ascii_case("bytes") => spec,
        Some(_) | None => return Selection::Whole,
    };
    let Some((first, last)) = spec.trim().split_once('-') else {
        return Selection::Whole;
    };
    match (position(first), position(last)) {
        (Ok(Some(first)), Ok(Some(last))) if last < first => Selection::Whole,
        (Ok(Some(first)), Ok(_)) if first >= size => Selection::Outside,
        (Ok(Some(first)), Ok(last)) => {
            let end = last.map_or(size, |last| last.saturating_add(1).min(size));
            Selection::Part(ByteRange {
                offset: first,
                length: end.saturating_sub(first),
            })
        }
        (Ok(None), Ok(Some(suffix))) => match suffix.min(size) {
            0 => Selection::Outside,
            length => Selection::Part(ByteRange {
                offset: size.saturating_sub(length),
                length,
            }),
        },
        (Ok(None), Ok(None)) | (Err(()), _) | (_, Err(())) => Selection::Whole,
    }
}

/// None: absent. An error: not a number. A number that exceeds u64 counts as the maximum.
fn position(digits: &str) -> Result<Option<u64>, ()> {
    if digits.is_empty() {
        Ok(None)
    } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(Some(digits.parse().unwrap_or(u64::MAX)))
    } else {
        Err(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(offset: u64, length: u64) -> Selection {
        Selection::Part(ByteRange { offset, length })
    }

    #[test]
    fn ranges() {
        let cases = [
            ("first bytes", "bytes=0-9", 100, part(0, 10)),
            ("in capitals", "BYTES=0-9", 100, part(0, 10)),
            ("one byte", "bytes=5-5", 100, part(5, 1)),
            ("the last byte", "bytes=99-99", 100, part(99, 1)),
            ("to the end", "bytes=90-", 100, part(90, 10)),
            ("beyond the end", "bytes=90-1000", 100, part(90, 10)),
            ("a suffix", "bytes=-10", 100, part(90, 10)),
            ("a suffix longer than all", "bytes=-1000", 100, part(0, 100)),
            ("all of it", "bytes=0-", 100, part(0, 100)),
            (
                "a huge end",
                "bytes=1-99999999999999999999999",
                100,
                part(1, 99),
            ),
            (
                "the end of u64",
                "bytes=0-18446744073709551615",
                100,
                part(0, 100),
            ),
            ("from the end on", "bytes=100-", 100, Selection::Outside),
            (
                "far outside",
                "bytes=99999999999999999999999-",
                100,
                Selection::Outside,
            ),
            ("an empty suffix", "bytes=-0", 100, Selection::Outside),
            ("of nothing", "bytes=0-", 0, Selection::Outside),
            ("a suffix of nothing", "bytes=-5", 0, Selection::Outside),
            ("backwards", "bytes=9-0", 100, Selection::Whole),
            ("several parts", "bytes=0-1,5-6", 100, Selection::Whole),
            ("another unit", "items=0-1", 100, Selection::Whole),
            ("no numbers", "bytes=-", 100, Selection::Whole),
            ("signs", "bytes=+1-+2", 100, Selection::Whole),
            ("words", "bytes=a-b", 100, Selection::Whole),
            ("nothing", "", 100, Selection::Whole),
        ];
        for (name, field, size, expected) in cases {
            assert_eq!(selection(field, size), expected, "{name}");
        }
    }
}

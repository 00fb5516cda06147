//! The file name under which a query wants an image to be saved, and the header field
//! with it (RFC 6266).

use concept_refinement_domain::image::Format;
use concept_refinement_domain::sentence::check_length;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::form_urlencoded;

use crate::problem::Problem;

const PARAMETER: &str = "download";

/// In code points.
pub const MAX_NAME_CHARS: usize = 100;

/// Extensions of images. The one of the stored type replaces them.
const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

/// What a value of RFC 8187 has encoded.
const OTHERS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A file name without its extension.
#[derive(Debug, PartialEq, Eq)]
pub struct Name(String);

/// None: the query requests no download. Of duplicates the last one counts, as in lists.
pub fn requested(query: Option<&str>) -> Result<Option<Name>, Problem> {
    let name = form_urlencoded::parse(query.unwrap_or_default().as_bytes())
        .filter(|(parameter, _)| parameter == PARAMETER)
        .last();
    let name = name.map(|(_, name)| Name::parse(&name)).transpose();
    name.map_err(|problem| Problem::of_field(PARAMETER, problem))
}

/// Whether a character ends a line or changes the direction of text, so that a name would be
/// shown as another one. Names may have others that are not shown, such as the narrow blank
/// of macOS or the joiners of emoji.
fn turns(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

impl Name {
    fn parse(name: &str) -> Result<Self, String> {
        check_length(name, MAX_NAME_CHARS)?;
        if name.contains(|it: char| matches!(it, '/' | '\\') || it.is_control() || turns(it)) {
            return Err("must have no slashes, backslashes or control characters".to_owned());
        }
        match stem(name) {
            "" => Err("must name a file".to_owned()),
            stem => Ok(Self(stem.to_owned())),
        }
    }

    /// The value of `Content-Disposition`. Clients that do not know `filename*` get
    /// underscores for characters that `filename` cannot express.
    pub fn content_disposition(&self, format: Format) -> String {
        let name = format!("{}.{}", self.0, format.extension());
        let plain = name.replace(|it| !is_plain(it), "_");
        if plain == name {
            format!("attachment; filename=\"{name}\"")
        } else {
            let encoded = utf8_percent_encode(&name, OTHERS);
            format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
        }
    }
}

/// Without the extension of an image, and without the dots and spaces at either end that
/// hide a file or that some systems drop.
fn stem(name: &str) -> &str {
    let name = name.trim();
    let stem = match name.rsplit_once('.') {
        Some((stem, extension)) if is_of_image(extension) => stem,
        _ => name,
    };
    stem.trim_matches(|it: char| it == '.' || it.is_whitespace())
}

fn is_of_image(extension: &str) -> bool {
    EXTENSIONS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(extension))
}

/// Whether every client reads the character in a quoted `filename` literally. Some
/// decode percent signs there.
fn is_plain(character: char) -> bool {
    matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '%')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names() {
        let plain = |name: &str| format!("attachment; filename=\"{name}\"");
        let both = |plain: &str, encoded: &str| {
            format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
        };
        let longest = "a".repeat(MAX_NAME_CHARS);
        let cases = [
            ("download=logo-refined.png", plain("logo-refined.png")),
            ("download=logo-refined", plain("logo-refined.png")),
            ("download=x.jpg", plain("x.png")),
            ("download=x.JPEG", plain("x.png")),
            ("download=x.jpg.png", plain("x.jpg.png")),
            ("download=v1.2", plain("v1.2.png")),
            ("download=notes.exe", plain("notes.exe.png")),
            ("download=png", plain("png.png")),
            ("download=+a+b+.gif+", plain("a b.png")),
            ("download=..a..", plain("a.png")),
            ("download=.hidden.webp", plain("hidden.png")),
            ("download=a&download=b", plain("b.png")),
            ("expires=1&d%6Fwnload=a&signature=x", plain("a.png")),
            (
                &format!("download={longest}"),
                plain(&format!("{longest}.png")),
            ),
            ("download=a%22b", both("a_b.png", "a%22b.png")),
            ("download=a%25b;c", both("a_b;c.png", "a%25b%3Bc.png")),
            (
                "download=%C3%A9t%C3%A9+1",
                both("_t_ 1.png", "%C3%A9t%C3%A9%201.png"),
            ),
            ("download=%F0%9F%8E%A8", both("_.png", "%F0%9F%8E%A8.png")),
            ("download=%FF", both("_.png", "%EF%BF%BD.png")),
        ];
        for (query, expected) in cases {
            let name = requested(Some(query)).unwrap().unwrap();
            assert_eq!(name.content_disposition(Format::Png), expected, "{query}");
        }
        let name = Name("x".to_owned());
        for (format, expected) in [
            (Format::Jpeg, "x.jpg"),
            (Format::Webp, "x.webp"),
            (Format::Gif, "x.gif"),
        ] {
            assert_eq!(name.content_disposition(format), plain(expected));
        }
    }

    #[test]
    fn no_names() {
        for query in [None, Some(""), Some("expires=1"), Some("Download=a")] {
            assert_eq!(requested(query).unwrap(), None, "{query:?}");
        }
    }

    #[test]
    fn unusable_names() {
        let (nothing, long, unsafe_) = (
            "must name a file",
            "must be at most 100 characters",
            "must have no slashes, backslashes or control characters",
        );
        let too_long = format!("download={}", "%C3%A9".repeat(MAX_NAME_CHARS + 1));
        for (query, problem) in [
            ("download", nothing),
            ("download=", nothing),
            ("download=+", nothing),
            ("download=.png", nothing),
            ("download=..", nothing),
            ("download=a&download=", nothing),
            (&too_long, long),
            ("download=a/b", unsafe_),
            ("download=..%2Fa", unsafe_),
            ("download=a%5Cb", unsafe_),
            ("download=a%0D%0Ab", unsafe_),
            ("download=a%00", unsafe_),
            ("download=a%7F", unsafe_),
            ("download=a%C2%85", unsafe_),
            ("download=a%E2%80%A8b", unsafe_),
            ("download=a%E2%80%AEgnp.exe", unsafe_),
            ("download=a%E2%81%A7", unsafe_),
        ] {
            match requested(Some(query)) {
                Err(Problem::InvalidFields(errors)) => {
                    assert_eq!(errors.0["download"], [problem], "{query}");
                }
                other => panic!("{query}: {other:?}"),
            }
        }
    }

    proptest! {
        /// Whatever name is requested, the field has one line of visible ASCII.
        #[test]
        fn a_field_is_one_line(name in any::<String>()) {
            if let Ok(name) = Name::parse(&name) {
                let field = name.content_disposition(Format::Png);
                prop_assert!(field.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{}", field);
                prop_assert_eq!(field.matches('"').count(), 2);
            }
        }
    }
}

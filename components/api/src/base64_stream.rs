//! Base64 in chunks: the standard alphabet (RFC 4648, section 4), so that an image is never
//! held as text.
//!
//! However the input is cut, the result is that of the whole.

use std::mem;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Padding is written and read here. Bits beyond the last byte are ignored, as browsers do.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_encode_padding(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

/// The length of the text of so many bytes, with padding.
pub fn length(bytes: u64) -> u64 {
    bytes.div_ceil(3).saturating_mul(4)
}

/// The most bytes that text of this length stands for.
pub fn most_bytes(text: u64) -> u64 {
    text.saturating_sub(text.div_ceil(4))
}

/// Encodes bytes, with padding at the end.
#[derive(Debug, Default)]
pub struct Encoder {
    bytes: Groups<3>,
}

impl Encoder {
    /// The text that these bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        let (first, others) = self.bytes.push(bytes);
        let mut text = String::new();
        ENGINE.encode_string(first, &mut text);
        ENGINE.encode_string(others, &mut text);
        text.into_bytes()
    }

    /// The end of the text.
    pub fn finish(self) -> Vec<u8> {
        ENGINE.encode(self.bytes.held).into_bytes()
    }
}

/// The text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotBase64;

/// Decodes text whose padding is there in full or not at all.
#[derive(Debug, Default)]
pub struct Decoder {
    text: Groups<4>,
    padding: usize,
}

impl Decoder {
    /// Appends what this text completes to the bytes.
    pub fn push(&mut self, text: &[u8], bytes: &mut Vec<u8>) -> Result<(), NotBase64> {
        let end = memchr::memchr(b'=', text).unwrap_or(text.len());
        let (text, padding) = text.split_at_checked(end).unwrap_or((text, &[]));
        let is_late = self.padding > 0 && !text.is_empty();
        self.padding = self.padding.saturating_add(padding.len());
        if is_late || padding.iter().any(|byte| *byte != b'=') {
            return Err(NotBase64);
        }
        let (first, others) = self.text.push(text);
        decode(&first, bytes)?;
        decode(others, bytes)
    }

    /// Appends the end to the bytes.
    pub fn finish(self, bytes: &mut Vec<u8>) -> Result<(), NotBase64> {
        match (self.text.held.len(), self.padding) {
            (_, 0) | (2, 2) | (3, 1) => decode(&self.text.held, bytes),
            _ => Err(NotBase64),
        }
    }
}

fn decode(text: &[u8], bytes: &mut Vec<u8>) -> Result<(), NotBase64> {
    ENGINE.decode_vec(text, bytes).map_err(|_| NotBase64)
}

/// Cuts bytes into groups of N.
#[derive(Debug, Default)]
struct Groups<const N: usize> {
    /// The begin of a group.
    held: Vec<u8>,
}

impl<const N: usize> Groups<N> {
    /// The group that these bytes complete, empty if there is none, and the groups after it.
    fn push<'a>(&mut self, bytes: &'a [u8]) -> (Vec<u8>, &'a [u8]) {
        let missing = if self.held.is_empty() {
            0
        } else {
            N.saturating_sub(self.held.len())
        };
        let Some((first, bytes)) = bytes.split_at_checked(missing) else {
            self.held.extend_from_slice(bytes);
            return (Vec::new(), &[]);
        };
        self.held.extend_from_slice(first);
        let group = mem::take(&mut self.held);
        let (groups, left) = bytes.as_chunks::<N>();
        self.held.extend_from_slice(left);
        (group, groups.as_flattened())
    }
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn encoded(chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut encoder = Encoder::default();
        let mut text = Vec::new();
        for chunk in chunks {
            text.extend(encoder.push(chunk));
        }
        text.extend(encoder.finish());
        text
    }

    fn decoded<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Result<Vec<u8>, NotBase64> {
        let (mut decoder, mut bytes) = (Decoder::default(), Vec::new());
        for chunk in chunks {
            decoder.push(chunk, &mut bytes)?;
        }
        decoder.finish(&mut bytes)?;
        Ok(bytes)
    }

    #[test]
    fn text_is_decoded_or_refused_in_any_chunks() {
        let cases: &[(&str, &str, Option<&[u8]>)] = &[
            ("nothing", "", Some(b"")),
            ("a whole group", "AAEC", Some(&[0, 1, 2])),
            (
                "the whole alphabet's end",
                "+/+/",
                Some(&[0xfb, 0xff, 0xbf]),
            ),
            ("one byte in padding", "AA==", Some(&[0])),
            ("one byte without padding", "AA", Some(&[0])),
            ("two bytes in padding", "AAE=", Some(&[0, 1])),
            ("two bytes without padding", "AAE", Some(&[0, 1])),
            ("bits beyond the end", "AB==", Some(&[0])),
            ("a lone character", "AAECA", None),
            ("too little padding", "AA=", None),
            ("too much padding", "AAE==", None),
            ("far too much padding", "AA===", None),
            ("padding of a whole group", "AAEC=", None),
            ("padding alone", "=", None),
            ("padding of a lone character", "A===", None),
            ("text after padding", "AA==AAEC", None),
            ("text inside of padding", "AA=A=", None),
            ("another alphabet", "-_-_", None),
            ("a space", "AA EC", None),
            ("not ASCII", "AA\u{e4}C", None),
        ];
        for (name, text, expected) in cases {
            let whole = decoded([text.as_bytes()]);
            assert_eq!(whole.ok().as_deref(), *expected, "{name}");
            let bytes = decoded(text.as_bytes().chunks(1));
            assert_eq!(bytes.ok().as_deref(), *expected, "{name}, by bytes");
        }
    }

    #[test]
    fn the_length_is_known_beforehand() {
        let cases = [(0, 0), (1, 4), (2, 4), (3, 4), (4, 8), (u64::MAX, u64::MAX)];
        for (bytes, expected) in cases {
            assert_eq!(length(bytes), expected, "{bytes}");
        }
        let most = [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (6, 4), (8, 6)];
        for (text, expected) in most {
            assert_eq!(most_bytes(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn chunks_are_encoded_as_the_whole(chunks in vec(vec(any::<u8>(), 0..9), 0..9)) {
            let whole = chunks.concat();
            let text = encoded(&chunks);
            prop_assert_eq!(text.len() as u64, length(whole.len() as u64));
            prop_assert_eq!(text, BASE64_STANDARD.encode(&whole).into_bytes());
        }

        #[test]
        fn chunks_are_decoded_as_the_whole(
            bytes in vec(any::<u8>(), 0..60),
            is_padded: bool,
            size in 1_usize..9,
        ) {
            let text = if is_padded {
                BASE64_STANDARD.encode(&bytes)
            } else {
                BASE64_STANDARD_NO_PAD.encode(&bytes)
            };
            prop_assert!(bytes.len() as u64 <= most_bytes(text.len() as u64));
            prop_assert_eq!(decoded(text.as_bytes().chunks(size)), Ok(bytes));
        }

        #[test]
        fn any_text_gives_the_same_in_any_chunks(text in "[A-D=+/ -]{0,12}", size in 1_usize..9) {
            let whole = decoded([text.as_bytes()]);
            prop_assert_eq!(decoded(text.as_bytes().chunks(size)), whole);
        }

        #[test]
        fn less_than_a_group_is_held(chunks in vec(vec(any::<u8>(), 0..9), 0..9)) {
            let mut encoder = Encoder::default();
            for chunk in chunks {
                encoder.push(&chunk);
                prop_assert!(encoder.bytes.held.len() < 3);
            }
        }
    }
}

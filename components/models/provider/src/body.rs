//! A request body: bytes around the original, which is encoded while it is sent.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::original::Contents;
use crate::outcome::Error;

/// How much of what stands around the original is sent at a time, in bytes: a mask may be
/// in it.
const PIECE: usize = 48 << 10;

/// The part of a request's body that is not sent yet, in pieces.
#[derive(Default)]
pub struct Body {
    before: VecDeque<Vec<u8>>,
    /// The original, and how it is sent.
    image: Option<(Encoding, Contents)>,
    /// Bytes that do not yet fill a group of base64.
    carried: Vec<u8>,
    after: VecDeque<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum Encoding {
    Raw,
    Base64,
}

impl Body {
    pub fn bytes(bytes: &[u8]) -> Self {
        Self {
            before: pieces(bytes),
            ..Self::default()
        }
    }

    pub fn json(fields: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self::bytes(&serde_json::to_vec(fields)?))
    }

    /// A JSON object with these fields (at least one) and another one, whose value is the
    /// original in base64 between `open` and `close`. Those two are inserted literally.
    pub fn json_with_image(
        fields: &impl Serialize,
        name: &str,
        (open, close): (&str, &str),
        original: Contents,
    ) -> serde_json::Result<Self> {
        let fields = serde_json::to_string(fields)?;
        let fields = fields.strip_suffix('}').unwrap_or(&fields);
        let mut before = pieces(fields.as_bytes());
        before.extend(pieces(format!(",\"{name}\":{open}").as_bytes()));
        Ok(Self {
            before,
            image: Some((Encoding::Base64, original)),
            after: pieces(format!("{close}}}").as_bytes()),
            ..Self::default()
        })
    }

    /// The same, between two more texts.
    pub fn within(mut self, before: &str, after: &str) -> Self {
        let mut first = pieces(before.as_bytes());
        first.append(&mut self.before);
        self.before = first;
        self.after.extend(pieces(after.as_bytes()));
        self
    }

    /// The raw original between other bytes.
    pub fn around(before: &[u8], original: Contents, after: &[u8]) -> Self {
        Self {
            before: pieces(before),
            image: Some((Encoding::Raw, original)),
            after: pieces(after),
            ..Self::default()
        }
    }

    /// In bytes, before anything is taken.
    pub fn length(&self) -> u64 {
        let image = match &self.image {
            Some((Encoding::Raw, original)) => original.properties().length,
            Some((Encoding::Base64, original)) => original.properties().length.div_ceil(3) * 4,
            None => 0,
        };
        let pieces = self.before.iter().chain(&self.after);
        pieces.map(|piece| piece.len() as u64).sum::<u64>() + image
    }

    /// Takes the next chunk, never empty; None at the end. An error: the original cannot be
    /// sent, and the body ends before its length.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if let Some(piece) = self.before.pop_front() {
            return Ok(Some(piece));
        }
        while let Some((encoding, contents)) = &mut self.image {
            let chunk = match (contents.next().await?, encoding) {
                (Some(chunk), Encoding::Raw) => chunk,
                (Some(chunk), Encoding::Base64) => encoded(&mut self.carried, chunk),
                (None, _) => {
                    self.image = None;
                    STANDARD
                        .encode(std::mem::take(&mut self.carried))
                        .into_bytes()
                }
            };
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
        Ok(self.after.pop_front())
    }
}

fn pieces(bytes: &[u8]) -> VecDeque<Vec<u8>> {
    bytes.chunks(PIECE).map(<[u8]>::to_vec).collect()
}

/// Encodes the complete groups of the carried bytes and the chunk.
fn encoded(carried: &mut Vec<u8>, chunk: Vec<u8>) -> Vec<u8> {
    carried.extend(chunk);
    let rest = carried.split_off(carried.len() - carried.len() % 3);
    STANDARD
        .encode(std::mem::replace(carried, rest))
        .into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::tests::{now, opened, picture, sent};

    /// The body for this file as the original, in chunks of this size.
    fn whole(file: &[u8], size: usize, body: impl FnOnce(Contents) -> Body) -> Vec<u8> {
        let body = body(opened(file, size));
        let declared = body.length();
        let sent = now(sent(body)).unwrap();
        assert_eq!(sent.len() as u64, declared, "not as long as declared");
        sent
    }

    #[test]
    fn json_is_what_it_says() {
        let body = |_: Contents| Body::json(&json!({"a": 1})).unwrap();
        assert_eq!(whole(&picture(0), 10, body), br#"{"a":1}"#);
    }

    proptest! {
        #[test]
        fn the_image_is_sent_whole(padding in 0usize..20_000, size in 1usize..5_000) {
            let file = picture(padding);
            let fields = json!({"prompt": "a \"quoted\" one"});
            let json = whole(&file, size, |original| {
                Body::json_with_image(&fields, "images", ("[\"", "\"]"), original).unwrap()
            });
            let value: Value = serde_json::from_slice(&json).unwrap();
            prop_assert_eq!(&value["prompt"], &fields["prompt"]);
            let image = STANDARD.decode(value["images"][0].as_str().unwrap()).unwrap();
            prop_assert!(image == file, "other bytes");

            let form = whole(&file, size, |original| {
                Body::around(b"a", original, b"b")
            });
            prop_assert!(form == [b"a", &file[..], b"b"].concat(), "other bytes");
        }
    }
}

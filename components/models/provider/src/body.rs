//! A request body: text around the original, which is encoded while it is sent.

use std::collections::VecDeque;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::original::Original;

pub struct Body {
    before: String,
    image: Option<Image>,
    after: String,
}

struct Image {
    encoding: Encoding,
    length: u64,
    chunks: VecDeque<Vec<u8>>,
}

enum Encoding {
    Raw,
    /// Bytes that do not fill a group of three yet.
    Base64(Vec<u8>),
}

impl Body {
    pub fn json(fields: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self {
            before: serde_json::to_string(fields)?,
            image: None,
            after: String::new(),
        })
    }

    /// An object of these fields, at least one, and of one more: its value is
    /// the original in base64 between `open` and `close`, which are JSON as it
    /// is written.
    pub fn json_with_image(
        fields: &impl Serialize,
        name: &str,
        (open, close): (&str, &str),
        image: Original,
    ) -> serde_json::Result<Self> {
        let fields = serde_json::to_string(fields)?;
        let fields = fields.strip_suffix('}').unwrap_or(&fields);
        Ok(Self {
            before: format!("{fields},\"{name}\":{open}"),
            image: Some(Image::new(image, Encoding::Base64(Vec::new()))),
            after: format!("{close}}}"),
        })
    }

    /// The original as it is between two texts.
    pub fn around(before: String, image: Original, after: String) -> Self {
        Self {
            before,
            image: Some(Image::new(image, Encoding::Raw)),
            after,
        }
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        let image = match &self.image {
            None => 0,
            Some(image) => match image.encoding {
                Encoding::Raw => image.length,
                Encoding::Base64(_) => image.length.div_ceil(3) * 4,
            },
        };
        self.before.len() as u64 + image + self.after.len() as u64
    }

    /// The chunks, each freed after it is sent.
    pub fn into_chunks(self) -> impl Iterator<Item = Vec<u8>> {
        std::iter::once(self.before.into_bytes())
            .chain(self.image.into_iter().flatten())
            .chain(std::iter::once(self.after.into_bytes()))
            .filter(|chunk| !chunk.is_empty())
    }
}

impl Image {
    fn new(original: Original, encoding: Encoding) -> Self {
        Self {
            encoding,
            length: original.length(),
            chunks: original.into_chunks(),
        }
    }
}

impl Iterator for Image {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let chunk = self.chunks.pop_front();
        let Encoding::Base64(carried) = &mut self.encoding else {
            return chunk;
        };
        let Some(chunk) = chunk else {
            let last = std::mem::take(carried);
            return (!last.is_empty()).then(|| STANDARD.encode(last).into_bytes());
        };
        carried.extend(chunk);
        let whole = carried.len() - carried.len() % 3;
        let rest = carried.split_off(whole);
        let whole = std::mem::replace(carried, rest);
        Some(STANDARD.encode(whole).into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::tests::{original, picture};

    fn sent(body: Body) -> Vec<u8> {
        let declared = body.length();
        let sent: Vec<u8> = body.into_chunks().flatten().collect();
        assert_eq!(sent.len() as u64, declared, "not as long as declared");
        sent
    }

    #[test]
    fn json_is_what_it_says() {
        let body = Body::json(&json!({"a": 1})).unwrap();
        assert_eq!(sent(body), br#"{"a":1}"#);
    }

    proptest! {
        #[test]
        fn the_image_is_sent_whole(padding in 0usize..200_000) {
            let file = picture(padding);
            let fields = json!({"prompt": "a \"quoted\" one"});
            let body = Body::json_with_image(&fields, "images", ("[\"", "\"]"), original(&file));
            let value: Value = serde_json::from_slice(&sent(body.unwrap())).unwrap();
            prop_assert_eq!(&value["prompt"], &fields["prompt"]);
            let image = STANDARD.decode(value["images"][0].as_str().unwrap()).unwrap();
            prop_assert!(image == file, "other bytes");

            let body = Body::around("a".to_owned(), original(&file), "b".to_owned());
            let whole = [b"a", &file[..], b"b"].concat();
            prop_assert!(sent(body) == whole, "other bytes");
        }
    }
}

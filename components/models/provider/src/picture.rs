//! Finds the picture in a provider's JSON, in every form that one has: only here, so that
//! no model forgets one.
//!
//! A picture is a text: base64, a data URL, or an address. It is the value of a field with
//! a known name, maybe in objects and lists. An empty value counts as absent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

/// The fields of a picture, and fields that contain one.
const NAMES: [&str; 10] = [
    "artifacts",
    "b64_json",
    "base64",
    "data",
    "image",
    "image_url",
    "images",
    "output",
    "result",
    "url",
];

/// How the supported formats begin in base64, in either alphabet.
const BEGINNINGS: [&str; 5] = ["iVBORw0K", "/9j/", "_9j_", "R0lG", "UklG"];

/// The picture in a JSON value, which may contain further pictures and other data.
/// Texts without escapes are not copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Picture<'a> {
    #[default]
    Absent,
    /// In base64 if it is one, of a format that is not supported.
    Unclear(Cow<'a, str>),
    /// Its address, maybe relative to the server.
    Address(Cow<'a, str>),
    /// In base64, or as a data URL.
    Image(Cow<'a, str>),
}

impl<'a> Picture<'a> {
    /// In a whole document, where only known fields count.
    pub fn in_document(json: &'a [u8]) -> serde_json::Result<Self> {
        let mut json = serde_json::Deserializer::from_slice(json);
        let picture = Reader::Known.deserialize(&mut json)?;
        json.end()?;
        Ok(picture)
    }

    fn of(text: Cow<'a, str>) -> Self {
        let trimmed = text.trim();
        let begins = |with: &str| {
            let beginning = trimmed.get(..with.len());
            beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(with))
        };
        let is_empty = match begins("data:") {
            true => trimmed.ends_with(','),
            false => trimmed.is_empty(),
        };
        let is_image = |beginning: &&str| trimmed.starts_with(*beginning);
        if is_empty {
            Self::Absent
        } else if begins("data:") || BEGINNINGS.iter().any(is_image) {
            Self::Image(text)
        } else if begins("http://") || begins("https://") || begins("/") {
            Self::Address(text)
        } else {
            Self::Unclear(text)
        }
    }

    /// Whether it certainly is one.
    fn is_clear(&self) -> bool {
        matches!(self, Self::Address(_) | Self::Image(_))
    }

    /// An image in the answer needs no download.
    fn rank(&self) -> u8 {
        match self {
            Self::Absent => 0,
            Self::Unclear(_) => 1,
            Self::Address(_) => 2,
            Self::Image(_) => 3,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Picture<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Reader::Any.deserialize(deserializer)
    }
}

/// Reads any JSON value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Only known fields count.
    Known,
    /// A picture may also be in a field with another name.
    Any,
}

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Picture<'de>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Picture<'de>, D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Picture<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a picture")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Picture<'de>, E> {
        Ok(Picture::of(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Picture<'de>, E> {
        Ok(Picture::of(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<Picture<'de>, E> {
        Ok(Picture::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Picture<'de>, E> {
        Ok(Picture::Absent)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Picture<'de>, E> {
        Ok(Picture::Absent)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Picture<'de>, E> {
        Ok(Picture::Absent)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Picture<'de>, E> {
        Ok(Picture::Absent)
    }

    /// The first picture; captions may be before it.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Picture<'de>, A::Error> {
        let mut found = Picture::Absent;
        while !found.is_clear() {
            match items.next_element_seed(Self::Any)? {
                Some(item) if item.rank() > found.rank() => found = item,
                Some(_) => {}
                None => return Ok(found),
            }
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(found)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Picture<'de>, A::Error> {
        let (mut found, mut best) = (Picture::Absent, (false, false, 0));
        while let Some(name) = fields.next_key::<String>()? {
            let is_known = NAMES.contains(&&*name);
            // Text about a prompt may contain the address of something else.
            if !is_known && (self == Self::Known || name.contains("prompt")) {
                fields.next_value::<IgnoredAny>()?;
                continue;
            }
            let picture = fields.next_value_seed(Self::Any)?;
            let rank = (picture.is_clear(), is_known, picture.rank());
            if rank > best && (is_known || picture.is_clear()) {
                (found, best) = (picture, rank);
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn address(text: &str) -> Picture<'_> {
        Picture::Address(text.into())
    }

    fn image(text: &str) -> Picture<'_> {
        Picture::Image(text.into())
    }

    const URL: &str = "https://cdn.example/1.png";
    const GIF: &str = "R0lGODlh";

    #[test]
    fn a_picture_is_found_where_providers_have_one() {
        let found = |json: &Value, expected: Picture<'_>| {
            let json = json.to_string();
            let picture = Picture::in_document(json.as_bytes());
            assert_eq!(picture.unwrap(), expected, "{json}");
        };
        // OpenAI and servers with the same API.
        let item = |item: Value| json!({"created": 1, "data": [item], "usage": {"total": 7}});
        found(&item(json!({"b64_json": GIF})), image(GIF));
        found(&item(json!({"url": URL, "b64_json": GIF})), image(GIF));
        found(&item(json!({"b64_json": null, "url": URL})), address(URL));
        found(
            &item(json!({"b64_json": "", "url": URL, "revised_prompt": ""})),
            address(URL),
        );
        found(&item(json!({"b64_json": GIF, "url": ""})), image(GIF));
        found(&item(json!({"revised_prompt": URL})), Picture::Absent);
        let empty = json!({"b64_json": null, "url": " "});
        let several = json!({"data": [empty, {"b64_json": GIF}, {"url": URL}]});
        found(&several, image(GIF));
        found(&json!({"data": {"b64_json": GIF}}), image(GIF));
        found(
            &json!({"images": [{"url": URL}], "data": null}),
            address(URL),
        );
        found(&json!({"data": []}), Picture::Absent);
        found(&json!({"error": {"message": URL}}), Picture::Absent);
        // A web UI.
        let parameters = json!({"init_images": [GIF], "prompt": "x"});
        found(
            &json!({"images": ["", URL, GIF], "parameters": parameters, "info": "{}"}),
            address(URL),
        );
        found(
            &json!({"images": [], "parameters": parameters}),
            Picture::Absent,
        );
        // Stability AI and JigsawStack.
        found(
            &json!({"image": GIF, "finish_reason": "SUCCESS"}),
            image(GIF),
        );
        found(&json!({"output": {"image_url": URL}}), address(URL));
        found(
            &json!({"output": {"image_url": ""}, "url": URL}),
            address(URL),
        );
        found(
            &json!({"url": null, "output": "soon", "data": {"url": URL}}),
            address(URL),
        );
        found(&json!({"success": false, "url": 7}), Picture::Absent);
    }

    #[test]
    fn an_output_may_have_any_form() {
        for (json, expected) in [
            (json!(URL), address(URL)),
            (json!([URL, "https://cdn.example/2.png"]), address(URL)),
            (json!(["a cat on a mat", URL]), address(URL)),
            (json!({"caption": "a cat", "image": URL}), address(URL)),
            (
                json!({"png": URL, "seed": 7, "is_safe": true}),
                address(URL),
            ),
            (
                json!({"mask": "https://x.example", "image": URL}),
                address(URL),
            ),
            (
                json!({"thumbnail": GIF, "images": [{"uri": URL}]}),
                address(URL),
            ),
            (
                json!({"log": "done", "prompt": "https://x.example"}),
                Picture::Absent,
            ),
            (json!(["", "data:image/png;base64,", GIF]), image(GIF)),
            (json!({"a": 1, "b": [1.5, null, -1, true]}), Picture::Absent),
            (json!(null), Picture::Absent),
            (json!("a cat"), Picture::Unclear("a cat".into())),
        ] {
            let text = json.to_string();
            let picture: Picture<'_> = serde_json::from_str(&text).unwrap();
            assert_eq!(picture, expected, "{text}");
        }
    }

    #[test]
    fn a_text_says_what_it_is() {
        for (text, expected) in [
            ("", "absent"),
            (" \n", "absent"),
            ("data:image/png;base64,", "absent"),
            ("DATA:image/png;base64,iVBO", "image"),
            ("\n iVBORw0KGgo\n", "image"),
            ("/9j/4AAQSkZJRg", "image"),
            ("UklGRiQ", "image"),
            ("HTTPS://cdn.example/1.png", "address"),
            ("/files/1.png", "address"),
            ("//cdn.example/1.png", "address"),
            ("U29ycnku", "unclear"),
            ("no base64!", "unclear"),
        ] {
            let found = match Picture::of(text.into()) {
                Picture::Absent => "absent",
                Picture::Unclear(_) => "unclear",
                Picture::Address(_) => "address",
                Picture::Image(_) => "image",
            };
            assert_eq!(found, expected, "{text:?}");
        }
    }

    #[test]
    fn a_text_is_borrowed_if_it_can_be() {
        let picture = Picture::in_document(br#"{"image":"iVBORw0K+="}"#).unwrap();
        assert!(matches!(
            picture,
            Picture::Image(Cow::Borrowed("iVBORw0K+="))
        ));
        let picture = Picture::in_document(br#"{"image":"\/9j\/4AAQ"}"#).unwrap();
        assert_eq!(picture, image("/9j/4AAQ"));
    }

    proptest! {
        #[test]
        fn no_document_panics(json in any::<Vec<u8>>(), text in any::<String>()) {
            let _ = Picture::in_document(&json);
            let json = json!({"data": [{"b64_json": text}]}).to_string();
            let picture = Picture::in_document(json.as_bytes()).unwrap();
            let text = text.trim();
            prop_assert_eq!(picture == Picture::Absent, text.is_empty() || text == "data:,");
        }
    }
}

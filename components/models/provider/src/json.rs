//! Parts of providers' JSON: large strings that are not copied if possible, and lists of
//! which only the first item is used.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

/// A string that is borrowed from the document, if it has no escapes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// The first item of a list. The others are skipped, however many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First<T>(pub Option<T>);

impl<T> Default for First<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for First<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for FirstVisitor<T> {
            type Value = First<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<First<T>, A::Error> {
                let first = items.next_element()?;
                while items.next_element::<IgnoredAny>()?.is_some() {}
                Ok(First(first))
            }
        }

        deserializer.deserialize_seq(FirstVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_of_a_list_is_read() {
        for (json, first) in [
            ("[]", Some(None)),
            ("[\"a\"]", Some(Some("a"))),
            ("[\"a\", 7, [{}]]", Some(Some("a"))),
            ("[7]", None),
            ("\"a\"", None),
            ("null", None),
            ("[\"a\"", None),
        ] {
            let read = serde_json::from_str::<First<Text<'_>>>(json).ok();
            let read = read.map(|first| first.0.map(|text| text.0.into_owned()));
            assert_eq!(read, first.map(|first| first.map(str::to_owned)), "{json}");
        }
    }

    #[test]
    fn a_text_is_borrowed_if_it_can_be() {
        let text: Option<Text<'_>> = serde_json::from_str("\"iVBOR/+=\"").unwrap();
        assert!(matches!(text, Some(Text(Cow::Borrowed("iVBOR/+=")))));
        let text: Text<'_> = serde_json::from_str("\"iVBOR\\/+=\"").unwrap();
        assert_eq!(text.0, "iVBOR/+=");
    }
}

//! Any JSON, in any chunks.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

use super::*;
use crate::tests::chunks::sizes;

/// Pieces of JSON with images.
const PIECES: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"/",
    b"\\/",
    b"\"u\"",
    b"\"u\":\"data:",
    b"image/png",
    b";base64",
    b";base64,",
    b"\"u\":\"data:;base64,",
    b"\"u\":\"data:image\\/png;base64,AAEC\"",
    b"AA",
    b"AAEC",
    b"=",
    b"\\u0041",
    b"u00",
    b"{",
    b":",
    b",",
    b" ",
    b"\xff",
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        9 => select(PIECES).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..9),
    ];
    vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

/// A string, and its image if it is one.
fn texts() -> impl Strategy<Value = (String, Option<Vec<u8>>)> {
    let images = (
        select(vec!["image/png", "", "a;b=c/d"]),
        vec(any::<u8>(), 0..60),
        any::<bool>(),
    );
    prop_oneof![
        images.prop_map(|(kind, image, is_padded)| {
            let content = if is_padded {
                BASE64_STANDARD.encode(&image)
            } else {
                BASE64_STANDARD_NO_PAD.encode(&image)
            };
            (format!("data:{kind};base64,{content}"), Some(image))
        }),
        "(data:|http:)?[\\PC\"\\\\/\n]{0,9}"
            .prop_filter("an image", |text| !text.contains(";base64,"))
            .prop_map(|text| (text, None)),
    ]
}

/// How many bytes are held.
fn held(json: &JsonImages<Chunks>) -> usize {
    json.chunk.len() + json.rest.held()
}

proptest! {
    #[test]
    fn images_come_out_as_they_went_in(
        texts in vec(texts(), 0..6),
        slashes: bool,
        sizes in sizes(),
    ) {
        let values: Vec<Value> = texts.iter().map(|(text, _)| json!({"x": text, "u": text})).collect();
        let mut body = json!({"values": values}).to_string();
        if slashes {
            body = body.replace('/', "\\/");
        }
        let expected: Vec<Vec<u8>> = texts.iter().filter_map(|(_, image)| image.clone()).collect();
        let (rest, images) = read_within(10_000, Chunks::of(body.as_bytes(), &sizes)).unwrap();
        prop_assert_eq!(images, expected);

        let rest: Value = serde_json::from_str(&rest).unwrap();
        let mut next = 0;
        for ((text, image), value) in texts.iter().zip(rest["values"].as_array().unwrap()) {
            prop_assert_eq!(value["x"].as_str(), Some(text.as_str()));
            let value = value["u"].as_str().unwrap();
            if image.is_some() {
                prop_assert_eq!(index(value), Some(next));
                next += 1;
            } else {
                prop_assert_eq!(value, text);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_alike_in_any_chunks(
        body in bytes(),
        sizes in sizes(),
        max_rest in 0_usize..100,
    ) {
        let whole = read_within(max_rest, Chunks::of(&body, &[body.len().max(1)]));
        prop_assert_eq!(read_within(max_rest, Chunks::of(&body, &sizes)), whole);
    }

    #[test]
    fn what_is_held_is_bounded(body in bytes(), sizes in sizes(), max_rest in 0_usize..100) {
        let most = sizes.iter().max().copied().unwrap_or_default();
        let mut json = JsonImages::new(Chunks::of(&body, &sizes), max_rest, MEMBERS);
        let read = async {
            while let Ok(Some(_)) = json.next().await {
                while let Ok(Some(chunk)) = json.chunk().await {
                    prop_assert!(chunk.len() <= most, "passed on");
                    prop_assert!(held(&json) <= most + max_rest, "in an image");
                }
            }
            let opening = 5 + 2 * (128 + 7) + 1;
            prop_assert!(held(&json) <= most + max_rest + opening, "at the end");
            Ok(())
        };
        read.now_or_never().expect("the body is there")?;
    }
}

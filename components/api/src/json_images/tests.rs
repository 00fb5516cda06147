mod properties;

use futures::FutureExt as _;

use super::*;
use crate::tests::chunks::Chunks;

/// Members that are called `u` are images where they are data URLs.
const MEMBERS: Members = Members {
    data_urls: &["u"],
    base64: None,
};

/// The rest, and all images.
type Read = Result<(String, Vec<Vec<u8>>), Fault>;

/// Reads all of a body that has at most so many bytes without its images. The body is always
/// there, so nothing waits.
fn read_within(max_rest: usize, body: Chunks) -> Read {
    let mut json = JsonImages::new(body, max_rest, MEMBERS);
    let read = async {
        let mut images = Vec::new();
        while let Some(index) = json.next().await? {
            assert_eq!(index, images.len());
            let mut image = Vec::new();
            while let Some(chunk) = json.chunk().await? {
                image.extend(chunk);
            }
            images.push(image);
        }
        let rest = String::from_utf8_lossy(&json.into_rest()).into_owned();
        Ok((rest, images))
    };
    read.now_or_never().expect("the body is there")
}

/// What stands in a body, which has to be read alike in any chunks.
fn read(name: &str, body: &str) -> Read {
    let whole = read_within(1000, Chunks::of(body.as_bytes(), &[body.len().max(1)]));
    for size in 1..8 {
        let cut = read_within(1000, Chunks::of(body.as_bytes(), &[size]));
        assert_eq!(cut, whole, "{name}, in chunks of {size}");
    }
    whole
}

#[test]
fn images_are_found_and_replaced() {
    let longest = format!("image/{}", "x".repeat(122));
    let escaped = "\\/".repeat(128);
    for (name, body, rest, images) in [
        ("nothing", "", "", &[][..]),
        ("no string", "[1, null] ", "[1, null] ", &[]),
        (
            "an image",
            r#"{"u": "data:image/png;base64,AAEC" }"#,
            r#"{"u": "data:0" }"#,
            &[&[0, 1, 2][..]],
        ),
        (
            "two images",
            r#"[{"u":"data:;base64,AAEC"},{"u" :  "data:x;base64,AA=="}]"#,
            r#"[{"u":"data:0"},{"u" :  "data:1"}]"#,
            &[&[0, 1, 2], &[0]],
        ),
        (
            "a string that looks like an image's",
            r#"{"u":"data:7"}"#,
            r#"{"u":"data:7"}"#,
            &[],
        ),
    ] {
        let images = images.iter().map(|image| image.to_vec()).collect();
        assert_eq!(read(name, body), Ok((rest.into(), images)), "{name}");
    }
    for (name, text, image) in [
        ("an empty image", "data:;base64,", &[][..]),
        ("any case", "DaTa:X;Base64,AA", &[0]),
        ("parameters", "data:a/b;c=d;base64,AA", &[0]),
        ("PHP", r"data:image\/png;base64,\/+8\/", &[0xff, 0xef, 0x3f]),
        ("escapes", r"data:;base64,\u0041\u0041\u003d\u003D", &[0]),
        (
            "the longest type",
            &format!("data:{longest};base64,AA"),
            &[0],
        ),
        ("it, escaped", &format!("data:{escaped};base64,AA"), &[0]),
        ("base64 before", "data:;base64;base64,AA", &[0]),
    ] {
        let read = read(name, &format!("{{\"u\":\"{text}\"}}"));
        let rest = r#"{"u":"data:0"}"#.to_owned();
        assert_eq!(read, Ok((rest, vec![image.to_vec()])), "{name}");
    }
}

#[test]
fn other_strings_are_as_they_were_sent() {
    let too_long = format!("data:image/{};base64,AA", "x".repeat(123));
    let too_long_escaped = format!("data:{}x;base64,AA", "\\/".repeat(128));
    let endless = "data:".to_owned() + &"x".repeat(900);
    let cases = [
        ("an empty one", ""),
        ("another URL", "http://localhost/data:image/png;base64,AA"),
        ("a space before", " data:;base64,AA"),
        ("no base64", "data:text/plain,AA"),
        ("base64 that is not at the end", "data:;base64;x,AA"),
        ("base64 without a semicolon", "data:base64,AA"),
        ("base64 behind the comma", "data:,;base64,AA"),
        ("base64 that overlaps the scheme", "data;base64,AA"),
        ("the begin of a scheme", "dat"),
        ("a scheme", "data:"),
        ("no comma", "data:;base64"),
        ("an escape in the scheme", r"d\u0061ta:;base64,AA"),
        ("an escape behind the scheme", r"data:\u0078;base64,AA"),
        ("an escape of the comma", r"data:;base64\u002cAA"),
        ("a slash before the scheme", r"\/data:;base64,AA"),
        ("a slash in the scheme", r"data\/:;base64,AA"),
        ("an escaped quote", r#"data:\";base64,AA"#),
        ("an escaped quote in the scheme", r#"da\"data:;base64,AA"#),
        ("an escaped backslash", r"data:\\;base64,AA"),
        ("an image behind an escaped quote", r#"x\"data:;base64,AA"#),
        ("a backslash at the end", r"x\\"),
        ("backslashes and quotes", r#"\\\"\\\\\"\""#),
        ("a type that is too long", &too_long),
        ("an escaped type that is too long", &too_long_escaped),
        ("a type without an end", &endless),
    ];
    for (name, text) in cases {
        let body = format!(r#"{{"u":"{text}","u":"data:;base64,AA"}}"#);
        let rest = format!(r#"{{"u":"{text}","u":"data:0"}}"#);
        assert_eq!(read(name, &body), Ok((rest, vec![vec![0]])), "{name}");
        let open = format!(r#"{{"u":"{text}"#);
        assert_eq!(
            read(name, &open),
            Ok((open.clone(), vec![])),
            "{name}, without an end"
        );
    }
}

#[test]
fn images_that_are_not_base64_are_refused() {
    let cases = [
        ("a lone character", "A\""),
        ("too little padding", "AA=\""),
        ("text behind padding", "AA==AA\""),
        ("another alphabet", "AA-_\""),
        ("a space", "AA AA\""),
        ("a percent sign", "AA%3D%3D\""),
        ("not ASCII", "\u{e4}\""),
        ("an escaped line end", "AA\\nAA\""),
        ("a line end", "AA\nAA\""),
        ("an escaped quote", "AA\\\"\""),
        ("an escaped backslash", "AA\\\\\""),
        ("another escaped character", "\\u0020\""),
        ("an escaped quote in hexadecimal", "\\u0022\""),
        ("an escape beyond a byte", "\\u0141AAA\""),
        ("an escape that is not hexadecimal", "\\u00+1AAA\""),
        ("an escape in capitals", "\\U0041AAA\""),
        ("an escape that ends otherwise", "\\u003gAAA\""),
        ("a short escape", "\\u004\""),
    ];
    for (name, text) in cases {
        let body = format!("\"u\":\"data:;base64,{text}");
        assert_eq!(read(name, &body), Err(Fault::NotBase64), "{name}");
    }
    for (name, text) in [
        ("a string", "AAAA"),
        ("an escape", "AAAA\\"),
        ("a number", "AAAA\\u00"),
        ("an empty string", ""),
    ] {
        let body = format!("\"u\":\"data:;base64,{text}");
        assert_eq!(
            read(name, &body),
            Err(Fault::Unended),
            "{name} without an end"
        );
    }
}

#[test]
fn the_rest_has_a_limit() {
    let image = format!("\"u\":\"data:;base64,{}\"", "A".repeat(4000));
    let cases = [
        ("text", "1".repeat(100), 100),
        ("a string", format!("\"{}\"", "x".repeat(98)), 100),
        (
            "a string without an end",
            format!("\"{}", "x".repeat(99)),
            100,
        ),
        ("escapes", format!("\"{}", "\\n".repeat(50)), 101),
        (
            "what may become an image",
            "\"u\":\"data:;base64".into(),
            17,
        ),
        (
            "what may become an image, then does not",
            "\"u\":\"data:x,\"".into(),
            13,
        ),
        ("images", image.repeat(11), 11 * 12 + 1),
    ];
    for (name, body, length) in cases {
        for size in [1, 7, body.len()] {
            let read = |max| read_within(max, Chunks::of(body.as_bytes(), &[size]));
            let rest = read(length).map(|(rest, _)| rest.len());
            assert_eq!(rest, Ok(length), "{name}");
            assert_eq!(read(length - 1), Err(Fault::TooLarge), "{name}");
        }
    }
}

#[test]
fn json_without_an_end_is_not_read_beyond_the_limit() {
    let cases = [
        ("", "x"),
        ("", "\""),
        ("", "\"x"),
        ("", "\"u\":"),
        ("", "\\"),
        ("", "\"\\"),
        ("", "\"u\":\"data:"),
        ("", "\"u\":\"data:;base64,\""),
        ("", "{\"u\":\"data:,\"}"),
        ("\"u\":\"data:", "x"),
        ("\"u\":\"data:", "\\/"),
    ];
    for (begin, filler) in cases {
        let body = begin.to_owned() + &filler.repeat(1_000_000 / filler.len());
        let mut json = JsonImages::new(Chunks::of(body.as_bytes(), &[1000]), 10_000, MEMBERS);
        let read = async {
            loop {
                if let Err(fault) = json.next().await {
                    break fault;
                }
            }
        };
        assert_eq!(
            read.now_or_never(),
            Some(Fault::TooLarge),
            "{begin}{filler}"
        );
        assert!(json.body.0.len() > 900, "{begin}{filler}");
    }
}

#[test]
fn an_image_that_is_not_read_is_skipped() {
    let body = br#"{"u":"data:;base64,AAEC","u":"data:;base64,AA"}"#;
    let mut json = JsonImages::new(Chunks::of(body, &[3]), 100, MEMBERS);
    let read = async {
        assert_eq!(json.chunk().await, Ok(None), "no image has begun");
        assert_eq!(json.next().await, Ok(Some(0)));
        assert!(json.chunk().await.unwrap().is_some());
        assert_eq!(json.next().await, Ok(Some(1)));
        assert_eq!(json.next().await, Ok(None));
        assert_eq!(json.next().await, Ok(None), "the end again");
        assert_eq!(json.chunk().await, Ok(None), "nothing is left");
        json.into_rest()
    };
    let expected = br#"{"u":"data:0","u":"data:1"}"#;
    assert_eq!(read.now_or_never().as_deref(), Some(&expected[..]));
}

#[test]
fn an_image_is_a_body_that_tells_its_fault() {
    let cases = [
        (
            "whole",
            Chunks::of(b"\"u\":\"data:;base64,AAEC\"", &[4]),
            None,
        ),
        (
            "not base64",
            Chunks::of(b"\"u\":\"data:;base64,AAEC!\"", &[22]),
            Some(Fault::NotBase64),
        ),
        (
            "interrupted",
            Chunks::interrupted(b"\"u\":\"data:;base64,AAEC"),
            Some(Fault::Interrupted),
        ),
    ];
    for (name, body, expected) in cases {
        let mut json = JsonImages::new(body, 100, MEMBERS);
        let read = async {
            assert_eq!(json.next().await, Ok(Some(0)), "{name}");
            let mut image = Vec::new();
            let end = loop {
                match Body::chunk(&mut json).await {
                    Ok(Some(chunk)) => image.extend(chunk),
                    Ok(None) => break None,
                    Err(interrupted) => break Some(interrupted),
                }
            };
            assert_eq!(end.is_some(), expected.is_some(), "{name}");
            assert_eq!(json.fault(), expected, "{name}");
            assert_eq!(image, [0, 1, 2], "{name}");
            assert_eq!(json.next().await.err(), expected, "{name}: the fault stays");
        };
        read.now_or_never().expect("the body is there");
    }
}

#[test]
fn a_string_of_the_rest_names_an_image() {
    let cases = [
        ("data:0", Some(0)),
        ("data:17", Some(17)),
        ("data:", None),
        ("data:00", None),
        ("data:+1", None),
        ("data:-1", None),
        ("data: 1", None),
        ("data:1 ", None),
        ("data:1,", None),
        ("DATA:1", None),
        ("data:99999999999999999999999", None),
        ("1", None),
        ("", None),
    ];
    for (text, expected) in cases {
        assert_eq!(index(text), expected, "{text:?}");
    }
}

/// The rest, and all images; none where one is not base64.
type Skimmed = Result<(String, Vec<Option<Vec<u8>>>), Fault>;

/// Strings of `data` are images, those of `url` and `data_url` where they are data URLs, and all
/// that is not base64 is skipped.
fn members(body: Chunks) -> Skimmed {
    let members = Members {
        data_urls: &["url", "data_url"],
        base64: Some("data"),
    };
    let mut json = JsonImages::new(body, 1000, members);
    let read = async {
        let mut images = Vec::new();
        while json.next().await?.is_some() {
            let mut image = Vec::new();
            let whole = loop {
                match json.chunk().await {
                    Ok(Some(chunk)) => image.extend(chunk),
                    Ok(None) => break Some(image),
                    Err(_) => break None,
                }
            };
            json.skip(100).await?;
            images.push(whole);
        }
        let rest = String::from_utf8_lossy(&json.into_rest()).into_owned();
        Ok((rest, images))
    };
    read.now_or_never().expect("the body is there")
}

#[test]
fn members_of_a_name_are_images_without_being_data_urls() {
    let untouched = [
        r#"{"id":"data:;base64,AA","url":"AA","data_ur":"data:;base64,AA","u":"url"}"#,
        r#"{"data:;base64,AA":"data:;base64,AA","urls":"data:;base64,AA"}"#,
        r#"{"url":["data:;base64,AA"],"url":{"x":"data:;base64,AA"}}"#,
        r#"{"data":""}"#,
        r#"{"data":"data"}"#,
        r#"["data","AA"]"#,
        r#"{"data":["AA"],"b":"AA"}"#,
        r#"{"a data":"AA","x":"data"}"#,
        r#"{"x\"data":"AA","\\\"data":"AA","x\"url":"data:;base64,AA"}"#,
    ];
    let untouched = untouched.map(|body| (body, body, vec![]));
    let taken = [
        (
            r#"{"data":"AAEC","x":"AAEC"}"#,
            r#"{"data":"data:0","x":"AAEC"}"#,
            vec![Some(vec![0, 1, 2])],
        ),
        (
            "{\"data\" :\n \"\\/+8\\/\"}",
            "{\"data\" :\n \"data:0\"}",
            vec![Some(vec![0xff, 0xef, 0x3f])],
        ),
        (
            r#"{"data":"data:;base64,AA"}"#,
            r#"{"data":"data:0"}"#,
            vec![Some(vec![0])],
        ),
        (
            r#"{"url":"data:;base64,AA","data_url":"data:;base64,AAEC"}"#,
            r#"{"url":"data:0","data_url":"data:1"}"#,
            vec![Some(vec![0]), Some(vec![0, 1, 2])],
        ),
        (
            r#"{"data":"AA!","x":"y"}"#,
            r#"{"data":"data:0","x":"y"}"#,
            vec![None],
        ),
        (
            r#"{"data":"A\"A\\","data":"AA"}"#,
            r#"{"data":"data:0","data":"data:1"}"#,
            vec![None, Some(vec![0])],
        ),
        (
            r#"{"data":"A\u00\"A","x":"y"}"#,
            r#"{"data":"data:0","x":"y"}"#,
            vec![None],
        ),
        (
            r#"{"data":"A","x":"y"}"#,
            r#"{"data":"data:0","x":"y"}"#,
            vec![None],
        ),
        (r#"{"data":"AA!"#, r#"{"data":"data:0""#, vec![None]),
    ];
    for (body, rest, images) in untouched.into_iter().chain(taken) {
        let expected = Ok((rest.to_owned(), images));
        for size in 1..=body.len() {
            let read = members(Chunks::of(body.as_bytes(), &[size]));
            assert_eq!(read, expected, "{body}, in chunks of {size}");
        }
    }
    for text in ["A", "\\n", "\\u0041"] {
        let endless = format!(r#"{{"data":"!{}"}}"#, text.repeat(200 / text.len()));
        let read = members(Chunks::of(endless.as_bytes(), &[7]));
        assert_eq!(read, Err(Fault::TooLarge), "{text}");
    }
}

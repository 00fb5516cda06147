//! Answers with an image and without one.

use super::*;

#[test]
fn an_image_is_taken_in_each_form() {
    let file = picture(3000);
    let base64 = STANDARD.encode(&file);
    let bare = STANDARD_NO_PAD.encode(&file);
    let escaped = base64.replace('/', "\\/");
    let location = Answer::Location("https://cdn.example/1.png".to_owned());
    let relative = Answer::Location("http://provider.example/files/1.png".to_owned());
    let lines: Vec<_> = base64.as_bytes().chunks(76).collect();
    let lines = |end: &str| lines.join(end.as_bytes());
    let lines = |end: &str| String::from_utf8(lines(end)).unwrap() + end;
    let of_urls = base64.replace('+', "-").replace('/', "_");
    let in_json = |text: &str| format!("{{\"image\":\"{text}\"}}");
    for (name, body, expected) in [
        ("as it is", file.clone(), image(&file)),
        ("in base64", in_json(&base64).into(), decoded(file.clone())),
        (
            "without padding",
            in_json(&bare).into(),
            decoded(file.clone()),
        ),
        ("escaped", in_json(&escaped).into(), decoded(file.clone())),
        (
            "in lines",
            in_json(&lines("\\n")).into(),
            decoded(file.clone()),
        ),
        (
            "in other lines",
            in_json(&lines("\\r\\n")).into(),
            decoded(file.clone()),
        ),
        (
            "in the alphabet of URLs",
            in_json(&of_urls).into(),
            decoded(file.clone()),
        ),
        (
            "after a byte order mark",
            [b"\xef\xbb\xbf", in_json(&base64).as_bytes()].concat(),
            decoded(file.clone()),
        ),
        (
            "an address beside an empty text",
            br#"{"image": "", "url": "https://cdn.example/1.png"}"#.to_vec(),
            location.clone(),
        ),
        (
            "an address at the server",
            br#"{"url": "/files/1.png"}"#.to_vec(),
            relative,
        ),
        (
            "a data URL",
            in_json(&format!("data:image/gif;base64,{base64}")).into(),
            decoded(file.clone()),
        ),
        (
            "an address, after white space",
            b" \r\n\t{\"url\": \"https://cdn.example/1.png\", \"more\": [1]}\n".to_vec(),
            location,
        ),
    ] {
        for size in [1, 7, 100_000] {
            let mut response = response(200, b"");
            response.content_length = Some(body.len() as u64);
            response.body = Chunks::of(&body, size);
            assert_eq!(asked(Ok(response)), Ok(expected.clone()), "{name}");
        }
    }
    let mut created = response(201, &file);
    created.content_length = None;
    assert_eq!(
        asked(Ok(created)),
        Ok(image(&file)),
        "no length, status 201"
    );
}

#[test]
fn an_answer_without_a_usable_image_is_said_to_be_the_providers_fault() {
    let file = picture(0);
    let cut = &file[..file.len() - 3];
    let of_text = |text: &str| text.as_bytes().to_vec();
    let cut_in_json = format!("{{\"image\":\"{}\"}}", STANDARD.encode(cut));
    for (name, body, expected) in [
        ("empty", Vec::new(), "the provider's answer is empty"),
        (
            "text",
            of_text("Sorry."),
            "the provider's answer is not an image",
        ),
        (
            "a page",
            of_text("<html>"),
            "the provider's answer is not an image",
        ),
        (
            "a list",
            of_text("[]"),
            "the provider's answer is not an image",
        ),
        (
            "cut short",
            cut.to_vec(),
            "the provider's answer is cut short",
        ),
        (
            "cut short in JSON",
            of_text(&cut_in_json),
            "the provider's answer is cut short",
        ),
        (
            "no base64",
            of_text(r#"{"image":"no base64!"}"#),
            "the provider's answer is not an image",
        ),
        (
            "empty base64",
            of_text(r#"{"image":""}"#),
            "the provider answered no image",
        ),
        (
            "text in base64",
            of_text(r#"{"image":"U29ycnku"}"#),
            "the provider's answer is not an image",
        ),
        (
            "half of the JSON",
            of_text(r#"{"image":"R0lG"#),
            "the provider's answer is not JSON of the form that was expected",
        ),
        (
            "a number",
            of_text(r#"{"image":7}"#),
            "the provider answered no image",
        ),
        (
            "no field",
            of_text(r#"{"a":1}"#),
            "the provider answered no image",
        ),
        (
            "a message",
            of_text(r#"{"success":false,"message":"Sorry, sk-hush."}"#),
            "the provider answered no image: Sorry, ***",
        ),
    ] {
        let expected = match name {
            "a message" => Error::refused(expected),
            _ => Error::broken(expected),
        };
        assert_eq!(asked(Ok(response(200, &body))), Err(expected), "{name}");
    }
}

#[test]
fn an_answer_is_refused_only_if_it_says_that_it_is_compressed() {
    let file = picture(0);
    for (encoding, is_refused) in [
        ("gzip", true),
        ("X-Gzip", true),
        ("identity, br", true),
        ("identity", false),
        ("", false),
        ("aws-chunked", false),
    ] {
        let mut response = response(200, &file);
        response.content_encoding = Some(encoding.to_owned());
        let refused = "the provider's answer is compressed in a way that was not asked for";
        let expected = match is_refused {
            true => Err(Error::broken(refused)),
            false => Ok(image(&file)),
        };
        assert_eq!(asked(Ok(response)), expected, "{encoding}");
    }
}

/// Reading stops at the limit; the streams are endless.
#[test]
fn an_answer_is_read_within_bounds() {
    struct Endless(Vec<u8>, Rc<Cell<usize>>);

    impl ByteStream for Endless {
        async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
            self.1.update(|chunks| chunks + 1);
            assert!(self.1.get() < 200, "it is read on and on");
            let mut chunk = std::mem::take(&mut self.0);
            chunk.resize(1 << 20, b' ');
            Ok(Some(chunk))
        }
    }

    let too_large = "the provider's answer is larger than 50 MiB";
    let json = b"{\"image\":\"".to_vec();
    for (name, status, beginning, chunks, expected) in [
        ("an image", 200, picture(0), 51, too_large),
        ("JSON", 200, json.clone(), 69, too_large),
        (
            "text",
            200,
            b"x".to_vec(),
            1,
            "the provider's answer is not an image",
        ),
        ("a message", 400, json, 1, "the provider answered 400"),
    ] {
        let read = Rc::new(Cell::new(0));
        let body = Endless(beginning, Rc::clone(&read));
        let error = asked(Ok(Response {
            status,
            content_length: None,
            content_encoding: None,
            retry_after: None,
            body,
        }));
        let expected = match status {
            200 => Error::broken(expected),
            _ => Error::refused(expected),
        };
        assert_eq!(error, Err(expected), "{name}");
        assert!(read.get() <= chunks, "{name}: {} pieces", read.get());
    }

    let mut declared = response(200, b"");
    declared.content_length = Some(1 << 40);
    assert_eq!(asked(Ok(declared)), Err(Error::broken(too_large)));
}

proptest! {
    #[test]
    fn no_answer_panics_or_tells_the_key(
        status in 100u16..600,
        body in any::<Vec<u8>>(),
        text in "\\PC*",
        size in 1usize..50,
        as_json in any::<bool>(),
        retry_after in any::<Option<String>>(),
    ) {
        let body = match as_json {
            true => json!({"message": format!("{text}{KEY}{text}")}).to_string().into_bytes(),
            false => body,
        };
        let answer = asked(Ok(Response {
            status,
            content_length: None,
            content_encoding: None,
            retry_after,
            body: Chunks::of(&body, size),
        }));
        if let Err(
            Error::Refused(reason) | Error::Broken(reason) | Error::Unavailable { reason, .. },
        ) = answer
        {
            prop_assert!(!reason.contains(KEY), "{}", reason);
            prop_assert!(!reason.chars().any(char::is_control));
        }
    }
}

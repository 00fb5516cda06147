//! Answers with an image and without one.

use futures::{StreamExt as _, stream};

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
    let marked = format!("\u{feff}{}", in_json(&base64));
    let in_url = in_json(&format!("data:image/gif;base64,{base64}"));
    let beside = r#"{"image": "", "url": "https://cdn.example/1.png"}"#;
    let spaced = " \r\n\t{\"url\": \"https://cdn.example/1.png\", \"more\": [1]}\n";
    let there = br#"{"url": "/files/1.png"}"#;
    let decoded = || decoded(file.clone());
    for (name, body, expected) in [
        ("as it is", file.clone(), image(&file)),
        ("in base64", in_json(&base64).into(), decoded()),
        ("without padding", in_json(&bare).into(), decoded()),
        ("escaped", in_json(&escaped).into(), decoded()),
        ("in lines", in_json(&lines("\\n")).into(), decoded()),
        ("in others", in_json(&lines("\\r\\n")).into(), decoded()),
        ("in URLs' alphabet", in_json(&of_urls).into(), decoded()),
        ("after a byte order mark", marked.into(), decoded()),
        ("beside an empty text", beside.into(), location.clone()),
        ("at the server", there.into(), relative),
        ("a data URL", in_url.into(), decoded()),
        ("an address after white space", spaced.into(), location),
    ] {
        for size in [1, 7, 100_000] {
            let mut response = response(200, b"");
            response.content_length = Some(body.len() as u64);
            response.body = chunks(&body, size);
            assert_eq!(asked(Ok(response)), Ok(expected.clone()), "{name}");
        }
    }
    let mut created = response(201, &file);
    created.content_length = None;
    // Of no length, and of another status.
    assert_eq!(asked(Ok(created)), Ok(image(&file)));
}

/// The address is all that the provider says of its work.
#[test]
fn an_image_at_an_address_is_asked_for_once() {
    const URL: &str = "https://cdn.example/1.png";
    let refined =
        |script: &Script, receipt: Option<&str>| script.refine::<Plain>(&settings(), receipt);
    let receipt = |task: &str| format!(r#"{{"task":"{task}","output":"{URL}"}}"#);
    let there = Ok(Answer::Location(URL.to_owned()));
    let answered = Script::of([(200, format!(r#"{{"url":"{URL}"}}"#))]);
    assert_eq!(refined(&answered, None), there);
    assert_eq!(answered.kept.take(), [receipt("5e1f")]);
    for task in ["5e1f", "77aa"] {
        let script = Script::of::<&str>([]);
        assert_eq!(refined(&script, Some(&receipt(task))), there, "{task}");
        assert_eq!(script.given_up.get(), 0, "{task}");
    }
    for odd in ["", "{}", "5e1f"] {
        let script = Script::of([(200, picture(0))]);
        assert_eq!(refined(&script, Some(odd)), Ok(image(&picture(0))), "{odd}");
        assert!(script.kept.take().is_empty(), "{odd}");
        assert_eq!(script.given_up.get(), 1, "{odd}");
    }
}

#[test]
fn an_answer_without_a_usable_image_is_said_to_be_the_providers_fault() {
    let file = picture(0);
    let cut = &file[..file.len() - 3];
    let cut_in_json = format!("{{\"image\":\"{}\"}}", STANDARD.encode(cut));
    let cut_in_json = cut_in_json.as_bytes();
    let other_form = br#"{"image":"R0lG"#;
    let no_image = "'s answer is not an image";
    let no_form = "'s answer is not JSON of the form that was expected";
    let message = br#"{"success":false,"message":"Sorry, sk-hush."}"#;
    let broken = |expected: &str| Error::broken(format!("the provider{expected}"));
    for (name, body, expected) in [
        ("empty", &b""[..], "'s answer is empty"),
        ("text", b"Sorry.", no_image),
        ("a page", b"<html>", no_image),
        ("a list", b"[]", no_image),
        ("cut short", cut, "'s answer is cut short"),
        ("cut short in JSON", cut_in_json, "'s answer is cut short"),
        ("no base64", br#"{"image":"no base64!"}"#, no_image),
        ("empty base64", br#"{"image":""}"#, " answered no image"),
        ("text in base64", br#"{"image":"U29ycnku"}"#, no_image),
        ("half of the JSON", other_form, no_form),
        ("a number", br#"{"image":7}"#, " answered no image"),
        ("no field", br#"{"a":1}"#, " answered no image"),
    ] {
        let answer = asked(Ok(response(200, body)));
        assert_eq!(answer, Err(broken(expected)), "{name}");
    }
    let refused = Error::refused("the provider answered no image: Sorry, ***");
    assert_eq!(asked(Ok(response(200, message))), Err(refused));
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
    fn endless(mut beginning: Vec<u8>, read: Rc<Cell<usize>>) -> ByteStream {
        let chunk = move || {
            read.update(|chunks| chunks + 1);
            assert!(read.get() < 200, "it is read on and on");
            let mut chunk = std::mem::take(&mut beginning);
            chunk.resize(1 << 20, b' ');
            Ok(chunk)
        };
        stream::repeat_with(chunk).boxed_local()
    }

    let too_large = "the provider's answer is larger than 50 MiB";
    let no_image = "the provider's answer is not an image";
    let json = b"{\"image\":\"".to_vec();
    for (name, status, beginning, chunks, expected) in [
        ("an image", 200, picture(0), 51, too_large),
        ("JSON", 200, json.clone(), 69, too_large),
        ("text", 200, b"x".to_vec(), 1, no_image),
        ("a message", 400, json, 1, "the provider answered 400"),
    ] {
        let read = Rc::new(Cell::new(0));
        let body = endless(beginning, Rc::clone(&read));
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
            body: chunks(&body, size),
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

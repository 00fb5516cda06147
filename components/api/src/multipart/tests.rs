mod clients;
mod heads;
mod limits;
mod properties;

use futures::FutureExt as _;

use super::*;
use crate::tests::chunks::Chunks;

const TYPE: &str = "multipart/form-data; boundary=b";

/// The name, the name of the file and the content of a part.
type Field = (String, Option<String>, Vec<u8>);

/// All parts of a form. The body is always there, so nothing waits.
fn read(form: &mut Multipart<Chunks>) -> Result<Vec<Field>, Fault> {
    let read = async {
        let mut fields = Vec::new();
        while let Some(part) = form.next().await? {
            let mut content = Vec::new();
            while let Some(chunk) = form.chunk().await? {
                content.extend(chunk);
            }
            fields.push((part.name, part.file_name, content));
        }
        Ok(fields)
    };
    read.now_or_never().expect("the body is there")
}

/// All parts of a body with the boundary `b`, which has to be read alike in any chunks.
fn fields(name: &str, body: &[u8]) -> Result<Vec<Field>, Fault> {
    let whole = read(&mut form(Chunks::of(body, &[body.len().max(1)])));
    for size in 1..8 {
        let cut = read(&mut form(Chunks::of(body, &[size])));
        assert_eq!(cut, whole, "{name}, in chunks of {size}");
    }
    whole
}

fn form(body: Chunks) -> Multipart<Chunks> {
    Multipart::new(TYPE, body).expect("the boundary is usable")
}

fn field(name: &str, content: impl AsRef<[u8]>) -> Field {
    (name.into(), None, content.as_ref().to_vec())
}

fn file(name: &str, file_name: &str, content: impl AsRef<[u8]>) -> Field {
    (
        name.into(),
        Some(file_name.into()),
        content.as_ref().to_vec(),
    )
}

/// A part of a name, with the line end before the next delimiter.
fn part(name: &str, content: &str) -> String {
    format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{content}\r\n")
}

#[test]
fn forms_are_read_in_any_chunks() {
    let (one, two) = (part("x", "1"), part("y", "2"));
    let nested = "--c\r\nContent-Disposition: file\r\n\r\nz\r\n--c--\r\n";
    let near = "\r\n--a\r\n-b\r\r\n--\r\n\r\n-- b\n--b--b\r--b";
    let ended = |parts: &str| format!("{parts}--b--");
    for (name, body) in [
        ("two parts", format!("{one}{two}--b--\r\n")),
        ("no line end at the end", format!("{one}{two}--b--")),
        ("an epilogue", format!("{one}{two}--b--x\r\n--b\r\n")),
        ("a preamble", format!("Hello\r\n{one}{two}--b--")),
        ("a preamble of a line end", format!("\r\n{one}{two}--b--")),
    ] {
        let both = vec![field("x", "1"), field("y", "2")];
        assert_eq!(fields(name, body.as_bytes()), Ok(both), "{name}");
    }
    assert_eq!(fields("no part", b"--b--\r\n"), Ok(vec![]));
    let padded = one.replacen("--b", "--b \t ", 1);
    // At the begin of the part there is a delimiter.
    let empty = "--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n";
    for (name, body, content) in [
        ("padding behind a boundary", padded, "1"),
        ("a delimiter at the begin", empty.into(), ""),
        ("an empty part", part("x", ""), ""),
        ("a form in a part", part("x", nested), nested),
        ("what is nearly a delimiter", part("x", near), near),
        ("a line end at the end", part("x", "\r\n"), "\r\n"),
        ("a bare boundary", part("x", "--b--"), "--b--"),
    ] {
        let read = fields(name, ended(&body).as_bytes());
        assert_eq!(read, Ok(vec![field("x", content)]), "{name}");
    }
}

#[test]
fn other_forms_are_malformed_in_any_chunks() {
    const END: &str = "the form ends before its last boundary";
    const LINE: &str = "a boundary is followed by something else than the end of its line";
    let one = part("x", "1");
    let in_lf = one.replace("\r\n", "\n");
    let begun = |by: &str| one.replacen("--b", by, 1);
    let cases: &[(&str, String, &str)] = &[
        ("nothing", String::new(), END),
        ("no boundary", "Hello".into(), END),
        ("another boundary", "--c\r\n\r\n--c--".into(), END),
        ("no end", one.clone(), END),
        ("an end within a delimiter", format!("{one}--"), END),
        ("an end behind a delimiter", format!("{one}--b"), END),
        ("an end within the closing", format!("{one}--b-"), END),
        ("an end in a head", format!("{one}--b\r\nContent-Dis"), END),
        ("lines that end in LF", in_lf + "--b--", END),
        ("LF behind a boundary", one.replacen("\r\n", "\n", 1), LINE),
        ("a longer boundary", begun("--bb"), LINE),
        ("one in a part", part("x", "\r\n--bb\r\n\r\n"), LINE),
        ("a dash behind a boundary", begun("--b-"), LINE),
    ];
    for (name, body, expected) in cases {
        let fault = Fault::Malformed(expected);
        assert_eq!(fields(name, body.as_bytes()), Err(fault), "{name}");
    }
}

#[test]
fn a_boundary_is_found_in_the_content_type() {
    let longest = "0".repeat(70);
    let found = |name: &str, content_type: &str, expected: Option<&str>| {
        assert_eq!(boundary(content_type).as_deref(), expected, "{name}");
        let form = Multipart::new(content_type, Chunks::default());
        assert_eq!(form.is_some(), expected.is_some(), "{name}");
    };
    for (name, parameters, expected) in [
        ("a token", " boundary=b", "b"),
        ("any case", " BOUNDARY=bB", "bB"),
        ("quoted, with a space", " boundary=\"a b\"", "a b"),
        ("all", "boundary='()+_,-./:=?", "'()+_,-./:=?"),
        ("others", " charset=utf-8; boundary=b ;x=\"y\"", "b"),
        ("a semicolon at the end", " boundary=b;", "b"),
        ("the longest", &format!(" boundary={longest}"), &longest),
    ] {
        let content_type = format!("multipart/form-data;{parameters}");
        found(name, &content_type, Some(expected));
    }
    found("any case", "Multipart/Form-Data; boundary=b", Some("b"));
    for (name, value) in [
        ("quoted", r#""a b;\"""#),
        ("one too long", &format!("{longest}0")),
        ("an empty one", ""),
        ("an empty quoted one", "\"\""),
        ("two", "b; boundary=c"),
        ("a space at the end", "\"b \""),
        ("a line end", "\"b\r\n\""),
        ("not ASCII", "\u{e4}"),
        ("no end of a quote", "\"b"),
        ("text behind a quote", "\"b\"c"),
    ] {
        let content_type = format!("multipart/form-data; boundary={value}");
        found(name, &content_type, None);
    }
    found("none", "multipart/form-data", None);
    found("another type", "multipart/mixed; boundary=b", None);
    found("no type", "boundary=b", None);
    found("nothing", "", None);
}

#[test]
fn a_part_that_is_not_read_is_skipped() {
    let body = format!("{}{}--b--", part("x", "12345"), part("y", "2"));
    let mut form = form(Chunks::of(body.as_bytes(), &[3]));
    let names = async {
        assert_eq!(form.chunk().await, Ok(None), "no part has begun");
        form.next().await.unwrap().unwrap();
        assert!(form.chunk().await.unwrap().is_some());
        let second = form.next().await.unwrap().unwrap();
        assert_eq!(form.next().await, Ok(None), "the end");
        assert_eq!(form.next().await, Ok(None), "the end again");
        assert_eq!(form.chunk().await, Ok(None), "nothing is left");
        second.name
    };
    assert_eq!(names.now_or_never().as_deref(), Some("y"));
}

#[test]
fn nothing_behind_the_closing_boundary_is_read() {
    let mut body = Chunks::of(format!("{}--b--", part("x", "1")).as_bytes(), &[5]);
    body.0.push_back(Ok(b"\r\n".to_vec()));
    let mut form = form(body);
    assert_eq!(read(&mut form), Ok(vec![field("x", "1")]));
    assert_eq!(form.body.0.len(), 1);
}

#[test]
fn a_part_is_a_body_that_tells_its_fault() {
    let whole = format!("{}--b--", part("x", "1"));
    let cut = part("x", "1");
    let malformed = Fault::Malformed("the form ends before its last boundary");
    let interrupted = Chunks::interrupted(cut.as_bytes());
    let cut = Chunks::of(cut.as_bytes(), &[4]);
    let cases = [
        ("whole", Chunks::of(whole.as_bytes(), &[4]), None),
        ("cut short", cut, Some(malformed)),
        ("interrupted", interrupted, Some(Fault::Interrupted)),
    ];
    for (name, body, expected) in cases {
        let mut form = form(body);
        let read = async {
            form.next().await.unwrap().unwrap();
            let mut content = Vec::new();
            let end = loop {
                match Body::chunk(&mut form).await {
                    Ok(Some(chunk)) => content.extend(chunk),
                    Ok(None) => break None,
                    Err(interrupted) => break Some(interrupted),
                }
            };
            assert_eq!(end.is_some(), expected.is_some(), "{name}");
            assert_eq!(form.fault(), expected, "{name}");
            assert_eq!(content, b"1", "{name}");
            let next = form.next().await.err();
            assert_eq!(next, expected, "{name}: the fault stays");
        };
        read.now_or_never().expect("the body is there");
    }
}

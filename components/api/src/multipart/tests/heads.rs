//! What the heads of parts say.

use super::*;

const FIELD: &str = "Content-Disposition: form-data; name=x";

fn head(lines: &str) -> Vec<u8> {
    format!("--b\r\n{lines}\r\n\r\n\r\n--b--").into_bytes()
}

fn of(name: &str, file_name: Option<&str>) -> Field {
    (name.into(), file_name.map(Into::into), vec![])
}

#[test]
fn names_are_read() {
    let y = Some("y");
    let (umlaut, smile) = ("\u{fc}", "\u{1f600}");
    let not_ascii = format!("name=\"{umlaut}\"; filename=\"{smile}\"");
    let cases: &[(&str, &str, Option<&str>)] = &[
        (r#"name="x""#, "x", None),
        (r#"name="x"; filename="y.png""#, "x", Some("y.png")),
        (r#"filename="y"; name="x""#, "x", y),
        (r#"name="x";"#, "x", None),
        ("name=x; filename=y.png", "x", Some("y.png")),
        (r#"name=""; filename="""#, "", Some("")),
        (r#"name="image[]""#, "image[]", None),
        (r#"name="a; name=b""#, "a; name=b", None),
        (r#"name="a\"b"; filename="\"""#, "a\"b", Some("\"")),
        (r#"name="a\\"; filename="\\\"""#, "a\\", Some("\\\"")),
        (r#"name=x; filename="C:\a\b.png""#, "x", Some(r"C:\a\b.png")),
        (r#"name="%22a%0D%0A%2F""#, "\"a%0D%0A%2F", None),
        (r#"name=x; filename="%22""#, "x", Some("\"")),
        ("name=x; filename*=UTF-8''y", "x", None),
        ("name=x; filename*=UTF-8''z; filename=y", "x", y),
        (&not_ascii, umlaut, Some(smile)),
    ];
    for (parameters, expected, file_name) in cases {
        let body = head(&format!("Content-Disposition: form-data; {parameters}"));
        let read = fields(parameters, &body);
        assert_eq!(read, Ok(vec![of(expected, *file_name)]), "{parameters}");
    }
    for (name, value) in [
        ("any case", r#"Form-Data; NAME="X"; FileName="Y""#),
        ("no space", r#"form-data;name="X";filename="Y""#),
        ("tabs", "form-data \t;  name=\"X\"\t ; filename=\"Y\" "),
    ] {
        let body = head(&format!("Content-Disposition: {value}"));
        assert_eq!(fields(name, &body), Ok(vec![of("X", Some("Y"))]), "{name}");
    }
}

#[test]
fn a_file_name_that_is_not_utf_8_is_read_as_far_as_it_can_be() {
    let body =
        b"--b\r\nContent-Disposition: form-data; name=x; filename=\"\xfc.png\"\r\n\r\n\r\n--b--";
    let expected = of("x", Some("\u{fffd}.png"));
    assert_eq!(fields("Latin-1", body), Ok(vec![expected]));
}

#[test]
fn fields_but_the_disposition_are_ignored() {
    let dense = FIELD.to_uppercase().replace(' ', "");
    let dense = dense.replace("FORM-DATA;NAME=X", "form-data;name=x");
    let with = |more: &str| format!("{FIELD}\r\n{more}");
    for (name, lines) in [
        ("before", format!("Content-Type: image/png\r\n{FIELD}")),
        ("behind", with("Content-Length: 99999999999\r\nX:")),
        ("twice", format!("X: 1\r\nX: 2\r\n{FIELD}")),
        ("parts", with("Content-Type: multipart/mixed; boundary=b")),
        ("an encoding", with("Content-Transfer-Encoding: base64")),
        ("any case, no space", dense),
    ] {
        let read = fields(name, &head(&lines));
        assert_eq!(read, Ok(vec![of("x", None)]), "{name}");
    }
}

#[test]
fn other_heads_are_malformed() {
    const KIND: &str = "a Content-Disposition is not form-data";
    const NAMELESS: &str = "a part has no name";
    const CONTROL: &str = "a name in a Content-Disposition has control characters";
    const FOLDED: &str = "a line in the head of a part is folded";
    const LINE: &str = "a line in the head of a part does not end in CRLF";
    const NO_FIELD: &str = "a line in the head of a part is no field";
    const NONE: &str = "a part has no Content-Disposition";
    const TWICE: &str = "a Content-Disposition has a parameter twice";
    const SEVERAL: &str = "a part has several Content-Disposition";
    const UNREADABLE: &str = "a Content-Disposition cannot be read";
    let disposition = |parameters: &str| format!("Content-Disposition: form-data; {parameters}");
    let again = "name=x\r\ncontent-disposition: form-data; name=x";
    let dispositions = [
        ("no name", "filename=x", NAMELESS),
        ("a name in another encoding", "name*=UTF-8''x", NAMELESS),
        ("two names", "name=x; Name=x", TWICE),
        ("two file names", "name=x; filename=y; filename=z", TWICE),
        ("two dispositions", again, SEVERAL),
        ("no end of a quote", "name=\"x", UNREADABLE),
        ("an escaped end of a quote", "name=\"x\\\"", UNREADABLE),
        ("a backslash at the end", "name=\"x\\", UNREADABLE),
        ("text behind a quote", "name=\"x\"y", UNREADABLE),
        ("no value", "name", UNREADABLE),
        ("no semicolon", "name=\"x\"filename=\"y\"", UNREADABLE),
        ("no colon", "name=x\r\nX", NO_FIELD),
        ("LF in a name", "name=\"x\ny\"", LINE),
        ("CR in a name", "name=\"x\ry\"", LINE),
        ("CRLF in a name", "name=\"x\r\ny\"", NO_FIELD),
        ("NUL in a name", "name=\"x\0\"", CONTROL),
        ("a tab in a name", "name=\"x\ty\"", CONTROL),
        ("DEL in a file name", "name=x; filename=\"\x7f\"", CONTROL),
        ("another control character", "name=\"\u{85}\"", CONTROL),
    ];
    let spaced = FIELD.replace(": ", " : ");
    let folded = FIELD.replace("; ", ";\r\n ");
    let tabbed = FIELD.replace("; ", ";\r\n\t");
    let attachment = FIELD.replace("form-data", "attachment");
    let others = [
        ("no field", "", NONE),
        ("no disposition", "Content-Type: image/png", NONE),
        ("a space before the colon", &spaced, NONE),
        ("another kind", &attachment, KIND),
        ("an empty kind", "Content-Disposition: ; name=x", KIND),
        ("a folded line", &folded, FOLDED),
        ("a line folded with a tab", &tabbed, FOLDED),
        ("LF between lines", &format!("X: y\n{FIELD}"), LINE),
    ];
    let dispositions =
        dispositions.map(|(name, value, expected)| (name, disposition(value), expected));
    let others = others.map(|(name, lines, expected)| (name, lines.to_owned(), expected));
    for (name, lines, expected) in dispositions.into_iter().chain(others) {
        let fault = Fault::Malformed(expected);
        assert_eq!(fields(name, &head(&lines)), Err(fault), "{name}");
    }
}

//! Bodies of the type `multipart/form-data`, to the byte.

use crate::pictures::Picture;

/// One part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its `Content-Disposition`.
    pub disposition: String,
    pub content_type: Option<String>,
    pub contents: Vec<u8>,
}

/// The parts of a body of this `content_type`.
pub fn parse(content_type: &str, body: &[u8]) -> Vec<Part> {
    let (kind, boundary) = content_type.split_once("; boundary=").unwrap();
    assert_eq!(kind, "multipart/form-data");
    let mut rest = body;
    let mut parts = Vec::new();
    expect(&mut rest, format!("--{boundary}").as_bytes());
    let next = format!("\r\n--{boundary}");
    while !rest.starts_with(b"--") {
        expect(&mut rest, b"\r\n");
        let head = until(&mut rest, b"\r\n\r\n");
        let contents = until(&mut rest, next.as_bytes());
        parts.push(Part::new(&String::from_utf8(head).unwrap(), contents));
    }
    assert_eq!(rest, b"--\r\n");
    parts
}

impl Part {
    /// A field.
    pub fn field(name: &str, value: &str) -> Self {
        Self {
            disposition: format!("form-data; name=\"{name}\""),
            content_type: None,
            contents: value.as_bytes().to_vec(),
        }
    }

    /// The file of a picture, which is called by its format.
    pub fn file(name: &str, picture: &Picture) -> Self {
        let extension = match picture.media_type {
            "image/jpeg" => "jpg",
            other => other.trim_start_matches("image/"),
        };
        Self {
            disposition: format!("form-data; name=\"{name}\"; filename=\"image.{extension}\""),
            content_type: Some(picture.media_type.to_owned()),
            contents: picture.bytes.clone(),
        }
    }

    fn new(head: &str, contents: Vec<u8>) -> Self {
        let header = |name: &str| {
            let mut lines = head.split("\r\n");
            lines.find_map(|line| Some(line.strip_prefix(name)?.trim().to_owned()))
        };
        Self {
            disposition: header("content-disposition:").unwrap(),
            content_type: header("content-type:"),
            contents,
        }
    }
}

fn expect(rest: &mut &[u8], bytes: &[u8]) {
    *rest = rest.strip_prefix(bytes).unwrap();
}

/// What comes before these bytes, which are taken too.
fn until(rest: &mut &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut windows = rest.windows(bytes.len());
    let at = windows.position(|window| window == bytes).unwrap();
    let before = rest[..at].to_vec();
    *rest = &rest[at + bytes.len()..];
    before
}

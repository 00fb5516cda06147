//! The head of a part.

use super::parameters;

/// A field of a form. Neither name has control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// As sent, thus never to be used as a path. None: the field is no file.
    pub file_name: Option<String>,
}

impl Part {
    /// The part of a head: the rest of the line of its delimiter, and the lines of its fields.
    /// The error says what is wrong.
    pub fn of(head: &[u8]) -> Result<Self, &'static str> {
        // Old clients send file names in an encoding of their own.
        let head = String::from_utf8_lossy(head);
        let mut lines = head.split("\r\n");
        let padding = lines.next().unwrap_or_default();
        if !padding.bytes().all(|byte| byte == b' ' || byte == b'\t') {
            return Err("a boundary is followed by something else than the end of its line");
        }
        let mut disposition = None;
        for line in lines {
            let (name, value) = field(line)?;
            if name.eq_ignore_ascii_case("content-disposition")
                && disposition.replace(value).is_some()
            {
                return Err("a part has several Content-Disposition");
            }
        }
        Self::of_disposition(disposition.ok_or("a part has no Content-Disposition")?)
    }

    fn of_disposition(value: &str) -> Result<Self, &'static str> {
        const UNREADABLE: &str = "a Content-Disposition cannot be read";
        let (kind, parameters) = parameters::split(value).ok_or(UNREADABLE)?;
        if !kind.eq_ignore_ascii_case("form-data") {
            return Err("a Content-Disposition is not form-data");
        }
        let text = |parameter: &str| match parameters::only(&parameters, parameter) {
            Ok(Some(text)) if text.chars().any(char::is_control) => {
                Err("a name in a Content-Disposition has control characters")
            }
            // Browsers escape quotes like this.
            Ok(text) => Ok(text.map(|text| text.replace("%22", "\""))),
            Err(()) => Err("a Content-Disposition has a parameter twice"),
        };
        Ok(Self {
            name: text("name")?.ok_or("a part has no name")?,
            file_name: text("filename")?,
        })
    }
}

/// The name and the value of a field.
fn field(line: &str) -> Result<(&str, &str), &'static str> {
    if line.contains(['\r', '\n']) {
        return Err("a line in the head of a part does not end in CRLF");
    }
    if line.starts_with([' ', '\t']) {
        return Err("a line in the head of a part is folded");
    }
    line.split_once(':')
        .ok_or("a line in the head of a part is no field")
}

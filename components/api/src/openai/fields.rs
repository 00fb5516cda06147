//! The fields of a request, besides its images: what is honoured, what is refused because it
//! would change what is made, and what is ignored and told.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::fault::Fault;

/// Those that are read. The value of another one is not even kept.
pub const KNOWN: [&str; 9] = [
    PROMPT,
    N,
    MODEL,
    RESPONSE_FORMAT,
    STREAM,
    USER,
    SAFETY_IDENTIFIER,
    OUTPUT_FORMAT,
    MARKUP,
];

const PROMPT: &str = "prompt";
const N: &str = "n";
const MODEL: &str = "model";
const RESPONSE_FORMAT: &str = "response_format";
const STREAM: &str = "stream";
const USER: &str = "user";
const SAFETY_IDENTIFIER: &str = "safety_identifier";
const OUTPUT_FORMAT: &str = "output_format";
const MARKUP: &str = "markup";

/// Formats of images that are never made of another one.
const UNSUPPORTED_FORMATS: [&str; 2] = ["svg", "gif"];

/// Longest list of ignored fields that is told, in bytes.
const MAX_IGNORED_BYTES: usize = 4 * 1024;

/// Longest name of a client's user, in code points.
const MAX_USER_CHARS: usize = 128;

/// Characters that nobody sees, besides blanks and control characters: soft hyphen, zero
/// width, directions, invisible operators and tags (Unicode's category Cf, as far as names
/// could be confused by them).
const INVISIBLE: [RangeInclusive<char>; 9] = [
    '\u{ad}'..='\u{ad}',
    '\u{61c}'..='\u{61c}',
    '\u{180e}'..='\u{180e}',
    '\u{200b}'..='\u{200f}',
    '\u{202a}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{fe00}'..='\u{fe0f}',
    '\u{feff}'..='\u{feff}',
    '\u{e0000}'..='\u{e0fff}',
];

/// How the image is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFormat {
    /// Within the answer, in base64.
    Base64,
    /// By its signed URL.
    Url,
}

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Of any type, since the rules of every door are still to come.
    pub prompt: Value,
    pub response_format: ResponseFormat,
    /// Whether events are asked for.
    pub is_stream: bool,
    /// The client's name for its user, of which nothing is known yet, and its field.
    pub user: Option<(&'static str, String)>,
    /// The names of ignored fields, separated by commas; empty if there are none.
    pub ignored: String,
}

impl Asked {
    /// # Errors
    ///
    /// A field that cannot be honoured.
    pub fn read(mut fields: Map<String, Value>) -> Result<Self, Fault> {
        fields.retain(|_, value| !value.is_null());
        if fields.contains_key(MARKUP) {
            return Err(Fault::unsupported(MARKUP, "markup is not supported here."));
        }
        one(fields.remove(N).as_ref())?;
        fields.remove(MODEL);
        let is_unsupported = |format: &Value| {
            let format = format.as_str().unwrap_or_default();
            UNSUPPORTED_FORMATS
                .iter()
                .any(|unsupported| format.eq_ignore_ascii_case(unsupported))
        };
        if fields.get(OUTPUT_FORMAT).is_some_and(is_unsupported) {
            return Err(Fault::unsupported(
                OUTPUT_FORMAT,
                "output_format must be png, jpeg or webp; the model decides which.",
            ));
        }
        let response_format = match fields.remove(RESPONSE_FORMAT).as_ref().map(Value::as_str) {
            None | Some(Some("b64_json")) => ResponseFormat::Base64,
            Some(Some("url")) => ResponseFormat::Url,
            Some(_) => {
                let sentence = "response_format must be b64_json or url.";
                return Err(Fault::field(RESPONSE_FORMAT, sentence));
            }
        };
        let is_stream = match fields.remove(STREAM) {
            None => false,
            Some(value) => switch(&value)
                .ok_or_else(|| Fault::field(STREAM, "stream must be true or false."))?,
        };
        let prompt = fields.remove(PROMPT).unwrap_or_default();
        let (safety_identifier, user) = (fields.remove(SAFETY_IDENTIFIER), fields.remove(USER));
        let user = match name(SAFETY_IDENTIFIER, safety_identifier)? {
            None => name(USER, user)?,
            name => name,
        };
        Ok(Self {
            prompt,
            response_format,
            is_stream,
            user,
            ignored: listed(fields.keys()),
        })
    }
}

/// The user of a client that has users of its own. None: it names none.
///
/// # Errors
///
/// The name cannot be one.
pub fn user_of(client: &str, asked: &Asked) -> Result<Option<String>, Fault> {
    let Some((param, name)) = &asked.user else {
        return Ok(None);
    };
    let is_visible = |character: char| {
        !character.is_control()
            && !character.is_whitespace()
            && !INVISIBLE.iter().any(|range| range.contains(&character))
    };
    let is_name = name.chars().count() <= MAX_USER_CHARS
        && name
            .chars()
            .all(|character| is_visible(character) && character != '/');
    match is_name {
        true => Ok(Some(format!("{client}/{name}"))),
        false => Err(Fault::field(
            param,
            format!("{param} must be 1 to {MAX_USER_CHARS} visible characters without /."),
        )),
    }
}

/// Refuses more than one image, and what is no number.
fn one(n: Option<&Value>) -> Result<(), Fault> {
    let number: Option<f64> = match n {
        None => return Ok(()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(value) => value.as_f64(),
    };
    match number {
        Some(1.0) => Ok(()),
        Some(2.0..) => Err(Fault::unsupported(N, "n must be 1: one image a request.")),
        Some(_) | None => Err(Fault::field(N, "n must be 1.")),
    }
}

fn switch(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(value) => Some(*value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// None: it is absent or empty.
fn name(
    param: &'static str,
    value: Option<Value>,
) -> Result<Option<(&'static str, String)>, Fault> {
    match value {
        None => Ok(None),
        Some(Value::String(name)) => Ok((!name.is_empty()).then_some((param, name))),
        Some(_) => Err(Fault::field(param, format!("{param} must be a string."))),
    }
}

/// Names that may stand in a list in a header; others are left out.
fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let is_listed = |name: &&String| {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b',';
        !name.is_empty() && name.bytes().all(is_plain)
    };
    let mut list = String::new();
    for name in names.filter(is_listed) {
        if list.len().saturating_add(name.len()) < MAX_IGNORED_BYTES.saturating_sub(2) {
            if !list.is_empty() {
                list.push_str(", ");
            }
            list.push_str(name);
        }
    }
    list
}

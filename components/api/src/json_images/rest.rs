//! JSON without its images, and where these begin.

use std::mem;

use memchr::{memchr, memchr2};

/// How a data URL begins, in any case.
pub const SCHEME: &str = "data:";

/// How the part of a data URL before its comma ends where the content is base64, in any case.
const BASE64: &[u8] = b";base64";

/// Longest type of a data URL, in bytes, with its parameters.
const MAX_TYPE: usize = 128;

/// Longest begin of a data URL before its comma, in bytes as sent, if each is escaped.
const MAX_OPENING: usize = SCHEME.len() + 2 * (MAX_TYPE + BASE64.len());

/// The rest is longer than it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// The string that stands for an image.
pub fn placeholder(index: usize) -> String {
    format!("{SCHEME}{index}")
}

/// JSON without its images.
#[derive(Debug)]
pub struct Rest {
    bytes: Vec<u8>,
    max: usize,
    state: State,
    /// The begin of a string that may become an image, as sent.
    opening: Vec<u8>,
    /// How many images have begun.
    images: usize,
    /// The name of members that are images.
    member: Option<&'static str>,
    position: Position,
}

/// Where a string stands, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Anywhere,
    /// Behind the name of a member that is an image.
    Name,
    /// Where the value of such a member begins.
    Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// At the begin of a string.
    Opening,
    /// In a string that is no image.
    Text,
    /// Behind a backslash in such a string.
    Escape,
}

/// What a string is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unknown,
    Image,
    Text,
}

impl Rest {
    pub fn new(max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            max,
            state: State::Between,
            opening: Vec::new(),
            images: 0,
            member: None,
            position: Position::Anywhere,
        }
    }

    pub fn with_member(max: usize, member: &'static str) -> Self {
        Self {
            member: Some(member),
            ..Self::new(max)
        }
    }

    /// Takes JSON up to the next image. Its index and its content; None: all was taken. After
    /// an image, JSON goes on behind its string.
    pub fn take<'a>(&mut self, mut json: &'a [u8]) -> Result<Option<(usize, &'a [u8])>, TooLarge> {
        while !json.is_empty() {
            let end = match self.state {
                State::Between => memchr(b'"', json),
                State::Text => memchr2(b'"', b'\\', json),
                State::Opening | State::Escape => Some(0),
            };
            let length = end.map_or(json.len(), |end| end.saturating_add(1));
            let (run, after) = json.split_at_checked(length).unwrap_or((json, &[]));
            let Some(&last) = run.last() else { break };
            if self.state == State::Opening && self.is_member(last) {
                return Ok(Some((self.begin_image()?, json)));
            }
            json = after;
            if self.state != State::Opening {
                if self.state == State::Between {
                    self.position = self.position.behind(run);
                }
                self.keep(run)?;
                self.state = follow(self.state, last);
                continue;
            }
            let kind = kind(&self.opening, last);
            self.opening.push(last);
            match kind {
                Kind::Unknown => {}
                Kind::Image => return Ok(Some((self.begin_image()?, json))),
                Kind::Text => {
                    self.position = self.position_behind();
                    let is_escaped = self.opening.iter().nth_back(1) == Some(&b'\\');
                    let state = if is_escaped {
                        State::Escape
                    } else {
                        State::Text
                    };
                    self.state = follow(state, last);
                    self.finish()?;
                }
            }
        }
        Ok(None)
    }

    /// Counts what is left where no more JSON follows.
    pub fn finish(&mut self) -> Result<(), TooLarge> {
        let opening = mem::take(&mut self.opening);
        self.keep(&opening)
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Whether the string that begins with this byte is an image because of its member. No
    /// image begins, in base64, as a data URL does.
    fn is_member(&self, first: u8) -> bool {
        let is_first = self.opening.is_empty() && self.position == Position::Value;
        is_first && !matches!(first, b'd' | b'D' | b'"')
    }

    /// Puts a placeholder where an image has begun. Its index.
    fn begin_image(&mut self) -> Result<usize, TooLarge> {
        let index = self.images;
        self.images = index.saturating_add(1);
        self.opening = Vec::new();
        self.state = State::Between;
        self.position = Position::Anywhere;
        self.keep(format!("{}\"", placeholder(index)).as_bytes())?;
        Ok(index)
    }

    /// The position behind the string whose begin, or all of it, was read.
    fn position_behind(&self) -> Position {
        let text = self.opening.strip_suffix(b"\"");
        match text.is_some() && text == self.member.map(str::as_bytes) {
            true => Position::Name,
            false => Position::Anywhere,
        }
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.bytes.len() + self.opening.len()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.bytes.len().saturating_add(bytes.len()) > self.max {
            return Err(TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

impl Position {
    /// The position behind what stands between strings, and the quotation mark after it.
    fn behind(self, run: &[u8]) -> Self {
        run.iter()
            .fold(self, |position, byte| match (position, byte) {
                (position, b' ' | b'\t' | b'\r' | b'\n') => position,
                (Self::Name, b':') => Self::Value,
                (Self::Value, b'"') => Self::Value,
                _ => Self::Anywhere,
            })
    }
}

/// The state behind a run of bytes that ends with this one.
fn follow(state: State, last: u8) -> State {
    match (state, last) {
        (State::Between, b'"') => State::Opening,
        (State::Text, b'"') => State::Between,
        (State::Text, b'\\') => State::Escape,
        (State::Escape, _) => State::Text,
        (state, _) => state,
    }
}

/// What a string is that begins with these bytes, of an unknown kind, and this one.
fn kind(opening: &[u8], byte: u8) -> Kind {
    if let Some(expected) = SCHEME.as_bytes().get(opening.len()) {
        return if expected.eq_ignore_ascii_case(&byte) {
            Kind::Unknown
        } else {
            Kind::Text
        };
    }
    let is_escaped = opening.last() == Some(&b'\\');
    match byte {
        _ if is_escaped && byte != b'/' => Kind::Text,
        b',' if is_base64(opening) => Kind::Image,
        b',' | b'"' => Kind::Text,
        _ if opening.len() >= MAX_OPENING => Kind::Text,
        _ => Kind::Unknown,
    }
}

/// Whether a data URL that begins with these bytes before its comma is base64.
fn is_base64(opening: &[u8]) -> bool {
    let after = opening.get(SCHEME.len()..).unwrap_or_default();
    let at = after.len().saturating_sub(BASE64.len());
    let (kind, end) = after.split_at_checked(at).unwrap_or((after, &[]));
    let length = kind.iter().filter(|byte| **byte != b'\\').count();
    end.eq_ignore_ascii_case(BASE64) && length <= MAX_TYPE
}

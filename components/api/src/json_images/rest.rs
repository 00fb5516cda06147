//! JSON without its images, and where these begin.

use std::mem;

use memchr::{memchr, memchr2};

use super::Fault;

/// How a data URL begins, in any case.
pub const SCHEME: &str = "data:";

/// How the part of a data URL before its comma ends where the content is base64, in any case.
const BASE64: &[u8] = b";base64";

/// Longest type of a data URL, in bytes, with its parameters.
const MAX_TYPE: usize = 128;

/// Longest begin of a data URL before its comma, in bytes as sent, if each is escaped.
const MAX_OPENING: usize = SCHEME.len() + 2 * (MAX_TYPE + BASE64.len());

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
    members: Members,
}

/// The names of the members that may be images. Strings elsewhere are what their client says.
#[derive(Clone, Copy, Debug)]
pub struct Members {
    /// Of those that are images where they are data URLs in base64.
    pub data_urls: &'static [&'static str],
    /// Of one that is an image in base64, as a data URL or not.
    pub base64: Option<&'static str>,
}

/// Of a member that may be an image: when it is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Member {
    DataUrl,
    Base64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Between,
    /// At the begin of the value of such a member, as long as it may become an image.
    Opening(Member),
    /// In a string that is no image.
    Text,
    /// Behind a backslash in such a string.
    Escape,
}

/// What the string of a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Unknown,
    Image,
    Text,
}

impl Rest {
    pub fn new(max: usize, members: Members) -> Self {
        Self {
            bytes: Vec::new(),
            max,
            state: State::Between,
            opening: Vec::new(),
            images: 0,
            members,
        }
    }

    /// Takes JSON up to the next image. Its index and its content; None: all was taken. After
    /// an image, JSON goes on behind its string.
    pub fn take<'a>(&mut self, mut json: &'a [u8]) -> Result<Option<(usize, &'a [u8])>, Fault> {
        while !json.is_empty() {
            let end = match self.state {
                State::Between => memchr(b'"', json),
                State::Text => memchr2(b'"', b'\\', json),
                State::Opening(_) | State::Escape => Some(0),
            };
            let length = end.map_or(json.len(), |end| end.saturating_add(1));
            let (run, after) = json.split_at_checked(length).unwrap_or((json, &[]));
            let Some(&last) = run.last() else { break };
            let State::Opening(member) = self.state else {
                json = after;
                self.keep(run)?;
                self.state = self.follow(self.state, last);
                continue;
            };
            // No image begins, in base64, as a data URL does.
            let may_be_url = !self.opening.is_empty() || matches!(last, b'd' | b'D' | b'"');
            if member == Member::Base64 && !may_be_url {
                return Ok(Some((self.begin_image()?, json)));
            }
            json = after;
            let kind = kind(&self.opening, last);
            self.opening.push(last);
            match kind {
                Kind::Unknown => {}
                Kind::Image => return Ok(Some((self.begin_image()?, json))),
                Kind::Text => {
                    let is_escaped = self.opening.iter().nth_back(1) == Some(&b'\\');
                    let state = if is_escaped {
                        State::Escape
                    } else {
                        State::Text
                    };
                    self.state = self.follow(state, last);
                    self.finish()?;
                }
            }
        }
        Ok(None)
    }

    /// Counts what is left where no more JSON follows.
    pub fn finish(&mut self) -> Result<(), Fault> {
        let opening = mem::take(&mut self.opening);
        self.keep(&opening)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Puts a placeholder where an image has begun. Its index.
    fn begin_image(&mut self) -> Result<usize, Fault> {
        let index = self.images;
        self.images = index.saturating_add(1);
        self.opening = Vec::new();
        self.state = State::Between;
        self.keep(format!("{}\"", placeholder(index)).as_bytes())?;
        Ok(index)
    }

    /// The state behind a run of bytes that was kept and ends with this one.
    fn follow(&self, state: State, last: u8) -> State {
        match (state, last) {
            (State::Between, b'"') => self
                .members
                .with_value_behind(&self.bytes)
                .map_or(State::Text, State::Opening),
            (State::Text, b'"') => State::Between,
            (State::Text, b'\\') => State::Escape,
            (State::Escape, _) => State::Text,
            (state, _) => state,
        }
    }

    /// How many bytes are held.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.bytes.len() + self.opening.len()
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.bytes.len().saturating_add(bytes.len()) > self.max {
            return Err(Fault::TooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

impl Members {
    /// The one whose value begins behind this JSON, which ends with a quotation mark.
    fn with_value_behind(self, json: &[u8]) -> Option<Member> {
        let name = json.strip_suffix(b"\"")?.trim_ascii_end();
        let name = name.strip_suffix(b":")?.trim_ascii_end();
        let name = name.strip_suffix(b"\"")?;
        let is_named = |member: &str| {
            let before = name.strip_suffix(member.as_bytes());
            let before = before.and_then(|before| before.strip_suffix(b"\""));
            // An escaped quotation mark is a part of a longer name.
            before.is_some_and(|before| !before.ends_with(b"\\"))
        };
        if self.base64.is_some_and(is_named) {
            return Some(Member::Base64);
        }
        let mut data_urls = self.data_urls.iter();
        let is_data_url = data_urls.any(|member| is_named(member));
        is_data_url.then_some(Member::DataUrl)
    }
}

/// What the string of a member is that begins with these bytes, of an unknown kind, and this
/// one.
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

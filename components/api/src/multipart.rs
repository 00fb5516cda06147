//! Forms that are sent as `multipart/form-data` (RFC 7578, RFC 2046), read as a stream.
//!
//! The content of a part goes out as it comes, so that an image is never held: what is held
//! is the rest of a chunk of the body, and at most a delimiter or a head besides. It must
//! never read what follows the closing delimiter, nor look into the content of a part: a
//! part that is multipart itself is bytes. Only what can be read in one way is read; the
//! rest is malformed, so that nobody before us can have understood it otherwise.

mod head;
mod parameters;
#[cfg(test)]
mod tests;

use std::mem;

use memchr::{memmem, memrchr};

use crate::request::{Body, Interrupted};

pub use head::Part;

/// Most parts of a form.
const MAX_PARTS: usize = 64;

/// Longest head of a part, in bytes: all between its delimiter and its content.
const MAX_HEAD: usize = 8 * 1024;

/// Longest text before the first part, in bytes.
const MAX_PREAMBLE: usize = 8 * 1024;

/// Why a form cannot be read further. It stays so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("the body was not sent in full")]
    Interrupted,
    /// The sentence says what is wrong.
    #[error("{0}")]
    Malformed(&'static str),
    #[error("the form has more than {MAX_PARTS} parts")]
    TooManyParts,
    #[error("the head of a part is longer than {MAX_HEAD} bytes")]
    LongHead,
}

/// A form, whose parts are read one after the other.
#[derive(Debug)]
pub struct Multipart<B> {
    body: B,
    /// CRLF, `--` and the boundary.
    delimiter: Vec<u8>,
    /// What was read of the body, but not passed on.
    held: Vec<u8>,
    state: State,
    /// How many parts have begun.
    parts: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before the first delimiter.
    Preamble,
    /// In the content of a part.
    Content,
    /// Directly behind a delimiter.
    Delimiter,
    End,
    Failed(Fault),
}

impl<B: Body> Multipart<B> {
    /// A form of this content type. None: it is not `multipart/form-data`, or names no usable
    /// boundary.
    pub fn new(content_type: &str, body: B) -> Option<Self> {
        let boundary = boundary(content_type)?;
        Some(Self {
            body,
            delimiter: [b"\r\n--", boundary.as_bytes()].concat(),
            // As if it preceded the body, since the first delimiter may begin the body.
            held: b"\r\n".to_vec(),
            state: State::Preamble,
            parts: 0,
        })
    }

    /// The next part, after skipping what is left of the current one. None: the last one has
    /// ended.
    pub async fn next(&mut self) -> Result<Option<Part>, Fault> {
        let part = self.begin().await;
        self.settle(part)
    }

    /// The next bytes of the current part, possibly empty. None: it has ended, or none has
    /// begun.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        if self.state == State::Preamble {
            return Ok(None);
        }
        let piece = self.piece().await;
        self.settle(piece)
    }

    /// Why the form could not be read further.
    pub fn fault(&self) -> Option<Fault> {
        match self.state {
            State::Failed(fault) => Some(fault),
            _ => None,
        }
    }

    fn settle<T>(&mut self, result: Result<T, Fault>) -> Result<T, Fault> {
        if let Err(fault) = &result {
            self.state = State::Failed(*fault);
            self.held = Vec::new();
        }
        result
    }

    async fn begin(&mut self) -> Result<Option<Part>, Fault> {
        let is_preamble = self.state == State::Preamble;
        let mut skipped = 0_usize;
        while let Some(piece) = self.piece().await? {
            skipped = skipped.saturating_add(piece.len());
            // The line end that precedes the body counts only here.
            if is_preamble && skipped > MAX_PREAMBLE + 2 {
                return Err(Fault::Malformed("the form begins with something else"));
            }
        }
        if self.state == State::End {
            return Ok(None);
        }
        let Some(head) = self.head().await? else {
            self.state = State::End;
            self.held = Vec::new();
            return Ok(None);
        };
        if self.parts >= MAX_PARTS {
            return Err(Fault::TooManyParts);
        }
        self.parts = self.parts.saturating_add(1);
        self.state = State::Content;
        Part::of(&head).map(Some).map_err(Fault::Malformed)
    }

    /// The next bytes before the next delimiter. None: it was passed.
    async fn piece(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        match self.state {
            State::Preamble | State::Content => {}
            State::Delimiter | State::End => return Ok(None),
            State::Failed(fault) => return Err(fault),
        }
        loop {
            if let Some(end) = memmem::find(&self.held, &self.delimiter) {
                let after = self
                    .held
                    .split_off(end.saturating_add(self.delimiter.len()));
                let mut piece = mem::replace(&mut self.held, after);
                piece.truncate(end);
                self.state = State::Delimiter;
                return Ok(Some(piece));
            }
            let end = certain(&self.held, &self.delimiter);
            if end > 0 {
                let uncertain = self.held.split_off(end);
                return Ok(Some(mem::replace(&mut self.held, uncertain)));
            }
            self.read().await?;
        }
    }

    /// The head of a part, with the rest of the line of its delimiter. None: the delimiter
    /// was the closing one.
    async fn head(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        const END: &[u8] = b"\r\n\r\n";
        let mut searched = 0;
        loop {
            if self.held.starts_with(b"--") {
                return Ok(None);
            }
            let left = self.held.get(searched..).unwrap_or_default();
            if let Some(end) = memmem::find(left, END) {
                let end = end.saturating_add(searched).saturating_add(END.len());
                if end > MAX_HEAD {
                    return Err(Fault::LongHead);
                }
                let content = self.held.split_off(end);
                let mut head = mem::replace(&mut self.held, content);
                head.truncate(end.saturating_sub(END.len()));
                return Ok(Some(head));
            }
            if self.held.len() >= MAX_HEAD {
                return Err(Fault::LongHead);
            }
            searched = self.held.len().saturating_sub(END.len());
            self.read().await?;
        }
    }

    async fn read(&mut self) -> Result<(), Fault> {
        match self.body.chunk().await {
            Ok(Some(chunk)) if self.held.is_empty() => self.held = chunk,
            Ok(Some(chunk)) => self.held.extend_from_slice(&chunk),
            Ok(None) => return Err(Fault::Malformed("the form ends before its last boundary")),
            Err(Interrupted) => return Err(Fault::Interrupted),
        }
        Ok(())
    }
}

/// As a body, it is its current part.
impl<B: Body> Body for Multipart<B> {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        Multipart::chunk(self).await.map_err(|_| Interrupted)
    }
}

/// How many bytes cannot be the begin of a delimiter, if none is in them. A boundary has no
/// CR, so a delimiter can begin only at the last one.
fn certain(bytes: &[u8], delimiter: &[u8]) -> usize {
    memrchr(b'\r', bytes)
        .filter(|at| {
            bytes
                .get(*at..)
                .is_some_and(|end| delimiter.starts_with(end))
        })
        .unwrap_or(bytes.len())
}

/// The boundary that a content type names: 1 to 70 characters of RFC 2046, the last one no
/// space.
fn boundary(content_type: &str) -> Option<String> {
    let (essence, parameters) = parameters::split(content_type)?;
    let boundary = parameters::only(&parameters, "boundary").ok()??;
    let is_usable = essence.eq_ignore_ascii_case("multipart/form-data")
        && (1..=70).contains(&boundary.len())
        && !boundary.ends_with(' ')
        && boundary
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte));
    is_usable.then(|| boundary.to_owned())
}

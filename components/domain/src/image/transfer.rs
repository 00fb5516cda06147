//! The transfer of an image file, in one stream or, after an interruption, in several. The
//! bytes are counted and inspected as they arrive, wherever they are kept.

use thiserror::Error;

use super::metadata::{Metadata, Reader};
use super::{Inspected, Inspector, Limits, Problem};

/// A file that is being received.
#[derive(Debug)]
pub struct Transfer {
    inspector: Inspector,
    reader: Reader,
    length: u64,
}

/// What there is when a stream has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// The whole image.
    Whole(Inspected),
    /// Only a part: the rest may follow in another stream.
    Part(Shortfall),
}

/// Why a file is not whole, as a sentence for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Shortfall {
    /// It has fewer bytes than declared.
    #[error("the file ended before its declared length")]
    Undershot,
    /// Its length was not declared, and it ends too early for an image.
    #[error("{0}")]
    Image(Problem),
}

/// Why no bytes that follow can help, as a sentence for the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unusable {
    /// What arrived is no image that is allowed.
    #[error("{0}")]
    Image(Problem),
    /// It has more bytes than declared.
    #[error("the file goes on after its declared length")]
    Overshot,
}

impl Transfer {
    /// A file of which nothing has arrived.
    pub fn new(limits: Limits) -> Self {
        Self {
            inspector: Inspector::new(limits),
            reader: Reader::new(),
            length: 0,
        }
    }

    /// How many bytes have arrived.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes. `declared`: the length of the whole file, if it is known.
    ///
    /// # Errors
    ///
    /// The file cannot be used; another attempt with the same file cannot help.
    pub fn push(&mut self, chunk: &[u8], declared: Option<u64>) -> Result<(), Unusable> {
        self.inspector.push(chunk).map_err(Unusable::Image)?;
        self.reader.push(chunk);
        self.length += chunk.len() as u64;
        match declared.is_some_and(|declared| self.length > declared) {
            true => Err(Unusable::Overshot),
            false => Ok(()),
        }
    }

    /// What a whole image says of itself beside its pixels.
    pub fn metadata(&self) -> Metadata {
        self.reader.finish(self.inspector.picture_end())
    }

    /// What there is after the end of a stream.
    ///
    /// # Errors
    ///
    /// It is as long as declared, but no image.
    pub fn received(&self, declared: Option<u64>) -> Result<Received, Unusable> {
        let shortfall = match declared {
            Some(declared) if self.length < declared => Some(Shortfall::Undershot),
            None if self.length == 0 => Some(Shortfall::Image(Problem::Empty)),
            None if self.inspector.is_amid() => Some(Shortfall::Image(Problem::CutShort)),
            Some(_) | None => None,
        };
        Ok(match shortfall {
            Some(shortfall) => Received::Part(shortfall),
            None => Received::Whole(self.inspector.finish().map_err(Unusable::Image)?),
        })
    }
}

//! The original, which is sent while it is read: only its beginning, or one chunk, is
//! ever in memory.

use std::collections::VecDeque;

use concept_refinement_domain::image::{Format, Inspector, Limits, Problem};
use futures::StreamExt as _;

use crate::outcome::Error;
use crate::ports::ByteStream;

/// Far above the service's limit for originals from elsewhere. The result of an edit of a part may
/// be longer.
const MAX_BYTES: u64 = 64 << 20;

/// The properties of an original that are known before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Original {
    /// According to the contents, not the name.
    pub format: Format,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// In bytes.
    pub length: u64,
}

/// The bytes of an original. The last ones are returned only if it is complete.
pub struct Contents {
    original: Original,
    /// The part that was read to determine the format and size.
    beginning: VecDeque<Vec<u8>>,
    rest: Rest,
    /// None once the image is known to be complete.
    inspector: Option<Inspector>,
}

/// The part that has not been read yet.
struct Rest {
    stream: ByteStream,
    /// In bytes.
    missing: u64,
}

impl Contents {
    /// Reads until format and size are known, which providers need in advance.
    /// Exactly the declared number of bytes will be read.
    pub async fn open(stream: ByteStream, length: u64) -> Result<Self, Error> {
        if length > MAX_BYTES {
            return Err(Error::refused("the image is too large for this model"));
        }
        let mut inspector = Inspector::new(Limits {
            max_bytes: length,
            max_pixels: u64::MAX,
        });
        let mut rest = Rest {
            stream,
            missing: length,
        };
        let mut beginning = VecDeque::new();
        let (format, (width, height)) = loop {
            if let (Some(format), Some(size)) = (inspector.format(), inspector.size()) {
                break (format, size);
            }
            let Some(chunk) = rest.next().await? else {
                let problem = inspector.finish().err();
                return Err(not_whole(problem.unwrap_or(Problem::Malformed)));
            };
            inspector.push(&chunk).map_err(not_whole)?;
            beginning.push_back(chunk);
        };
        Ok(Self {
            original: Original {
                format,
                width,
                height,
                length,
            },
            beginning,
            rest,
            inspector: Some(inspector),
        })
    }

    pub fn properties(&self) -> &Original {
        &self.original
    }

    /// The next chunk, never empty; None at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let chunk = match self.beginning.pop_front() {
            Some(chunk) => chunk,
            None => {
                let Some(chunk) = self.rest.next().await? else {
                    return Ok(None);
                };
                if let Some(inspector) = &mut self.inspector {
                    inspector.push(&chunk).map_err(not_whole)?;
                }
                chunk
            }
        };
        if self.rest.missing == 0
            && self.beginning.is_empty()
            && let Some(inspector) = self.inspector.take()
        {
            inspector.finish().map_err(not_whole)?;
        }
        Ok(Some(chunk))
    }
}

impl Rest {
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        if self.missing == 0 {
            return Ok(None);
        }
        let Some(mut chunk) = self.stream.next().await.transpose()? else {
            return Err(Error::refused("the image ended before its length"));
        };
        chunk.truncate(usize::try_from(self.missing).unwrap_or(usize::MAX));
        self.missing = self.missing.saturating_sub(chunk.len() as u64);
        Ok(Some(chunk))
    }
}

fn not_whole(problem: Problem) -> Error {
    Error::Refused(problem.to_string())
}

//! The original, held in memory until it is sent.

use std::collections::VecDeque;

use concept_refinement_domain::chunks;
use concept_refinement_domain::image::{Format, Inspected, Inspector, Limits};

use crate::outcome::Error;
use crate::ports::ByteStream;

/// Far above the service's limit.
const MAX_BYTES: u64 = 64 << 20;

/// A complete image in chunks.
pub struct Original {
    chunks: VecDeque<Vec<u8>>,
    inspected: Inspected,
}

impl Original {
    /// Reads exactly the declared number of bytes. Providers need the size in
    /// advance, in bytes or pixels.
    pub async fn collect(stream: &mut impl ByteStream, length: u64) -> Result<Self, Error> {
        if length > MAX_BYTES {
            return Err(Error::refused("the image is too large for this model"));
        }
        let mut inspector = Inspector::new(Limits {
            max_bytes: length,
            max_pixels: u64::MAX,
        });
        let mut held = VecDeque::new();
        let mut missing = length;
        while missing > 0 {
            let Some(mut chunk) = stream.next().await? else {
                return Err(Error::refused("the image ended before its length"));
            };
            chunk.truncate(usize::try_from(missing).unwrap_or(usize::MAX));
            inspector
                .push(&chunk)
                .map_err(|problem| Error::Refused(problem.to_string()))?;
            missing = missing.saturating_sub(chunk.len() as u64);
            chunks::append(&mut held, chunk);
        }
        let inspected = inspector
            .finish()
            .map_err(|problem| Error::Refused(problem.to_string()))?;
        Ok(Self {
            chunks: held,
            inspected,
        })
    }

    /// By content, not by name.
    pub fn format(&self) -> Format {
        self.inspected.format
    }

    /// In pixels.
    pub fn width(&self) -> u32 {
        self.inspected.width
    }

    /// In pixels.
    pub fn height(&self) -> u32 {
        self.inspected.height
    }

    /// In bytes.
    pub(crate) fn length(&self) -> u64 {
        self.inspected.bytes
    }

    pub(crate) fn into_chunks(self) -> VecDeque<Vec<u8>> {
        self.chunks
    }
}

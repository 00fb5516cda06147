//! An image that was received whole, and inspected on its way.
//!
//! It is held because a stream can be read only once, while a retry needs the
//! bytes again, and outside of the instance, which may wait for long.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image::{Format, Inspected, Inspector, Limits, Problem};
use thiserror::Error;

use crate::ports::{Blob, Blobs, ByteStream, Purpose};

/// A complete, inspected image.
pub struct Contents<B> {
    blob: B,
    length: u64,
    inspected: Inspected,
}

/// An image of which some was received, and for which there is room.
pub struct Draft<B> {
    blob: B,
    inspector: Inspector,
    length: u64,
    declared: Option<u64>,
}

/// Why bytes were refused, in sentences for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejected {
    #[error("{0}")]
    Image(Problem),
    #[error("the file ended before its declared length")]
    Incomplete,
    #[error("the file goes on after its declared length")]
    TooLong,
    /// It may be held later.
    #[error("{0}")]
    NoRoom(CapabilityError),
}

impl<B: Blob> Draft<B> {
    /// An empty one. For an answer of a model this waits until there is room for all of
    /// it, of the declared length or else of the longest.
    pub async fn reserve(
        blobs: &impl Blobs<Blob = B>,
        purpose: Purpose,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Self, Rejected> {
        if declared.is_some_and(|length| length > limits.max_bytes) {
            return Err(Rejected::Image(Problem::TooLarge {
                max_bytes: limits.max_bytes,
            }));
        }
        let length = declared.unwrap_or(match purpose {
            // It takes room as it comes, and waits for none.
            Purpose::Original => 0,
            Purpose::ModelAnswer => limits.max_bytes,
        });
        let blob = blobs.reserve(purpose, length).await;
        Ok(Self {
            blob: blob.map_err(Rejected::NoRoom)?,
            inspector: Inspector::new(limits),
            length: 0,
            declared,
        })
    }

    /// Takes what a stream has in it, to its end.
    pub async fn fill(&mut self, stream: &mut impl ByteStream) -> Result<(), Rejected> {
        while let Some(chunk) = stream.next().await {
            self.inspector.push(&chunk).map_err(Rejected::Image)?;
            self.length += chunk.len() as u64;
            if self.declared.is_some_and(|declared| self.length > declared) {
                return Err(Rejected::TooLong);
            }
            let appended = self.blob.append(chunk).await;
            appended.map_err(Rejected::NoRoom)?;
        }
        Ok(())
    }

    /// In bytes, so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Why more should have come, by what was declared or else by what came.
    pub fn shortfall(&self) -> Option<Rejected> {
        match self.declared {
            Some(declared) if self.length < declared => Some(Rejected::Incomplete),
            None if self.length == 0 => Some(Rejected::Image(Problem::Empty)),
            None if !self.inspector.is_at_end() => Some(Rejected::Image(Problem::CutShort)),
            Some(_) | None => None,
        }
    }

    /// The image, after its last byte.
    pub fn finish(self) -> Result<Contents<B>, Rejected> {
        if let Some(shortfall) = self.shortfall() {
            return Err(shortfall);
        }
        let inspected = self.inspector.finish().map_err(Rejected::Image)?;
        Ok(Contents {
            blob: self.blob,
            length: self.length,
            inspected,
        })
    }
}

impl<B> Contents<B> {
    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// By content, not by name.
    pub fn format(&self) -> Format {
        self.inspected.format
    }

    pub fn blob(&self) -> &B {
        &self.blob
    }
}

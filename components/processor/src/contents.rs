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

/// Why bytes were refused, in sentences for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejected {
    #[error("{0}")]
    Image(Problem),
    #[error("the file ended before its declared length")]
    Incomplete,
    /// It may be held later.
    #[error("{0}")]
    NoRoom(CapabilityError),
}

impl<B: Blob> Contents<B> {
    /// Reads a stream to its end, within the limits.
    pub async fn collect(
        blobs: &impl Blobs<Blob = B>,
        purpose: Purpose,
        stream: &mut impl ByteStream,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Self, Rejected> {
        if declared.is_some_and(|length| length > limits.max_bytes) {
            return Err(Rejected::Image(Problem::TooLarge {
                max_bytes: limits.max_bytes,
            }));
        }
        let mut inspector = Inspector::new(limits);
        let mut blob = blobs.blob(purpose);
        let mut length = 0u64;
        while let Some(chunk) = stream.next().await {
            inspector.push(&chunk).map_err(Rejected::Image)?;
            length += chunk.len() as u64;
            blob.append(chunk).await.map_err(Rejected::NoRoom)?;
        }
        if declared.is_some_and(|declared| length < declared) {
            return Err(Rejected::Incomplete);
        }
        let inspected = inspector.finish().map_err(Rejected::Image)?;
        Ok(Self {
            blob,
            length,
            inspected,
        })
    }

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

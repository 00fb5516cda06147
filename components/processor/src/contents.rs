//! The bytes of an image in chunks that waste no memory, however small the
//! received chunks were.
//!
//! They are held because a stream can be read only once, while a retry needs
//! the bytes again. One growing buffer would need up to three times the image
//! while it is copied, and an instance's memory is limited.

use std::collections::VecDeque;
use std::rc::Rc;

use concept_refinement_domain::chunks;
use concept_refinement_domain::image::{Format, Inspected, Inspector, Limits, Problem};
use thiserror::Error;

use crate::ports::ByteStream;

/// A complete, inspected image.
pub struct Contents {
    chunks: Rc<[Vec<u8>]>,
    inspected: Inspected,
}

/// Why bytes were refused, in sentences for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejected {
    #[error("{0}")]
    Image(Problem),
    #[error("the file ended before its declared length")]
    Incomplete,
}

impl Contents {
    /// Reads a stream to its end, within the limits.
    pub async fn collect(
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
        let mut held = VecDeque::new();
        let mut length = 0u64;
        while let Some(chunk) = stream.next().await {
            inspector.push(&chunk).map_err(Rejected::Image)?;
            length += chunk.len() as u64;
            chunks::append(&mut held, chunk);
        }
        if declared.is_some_and(|declared| length < declared) {
            return Err(Rejected::Incomplete);
        }
        let inspected = inspector.finish().map_err(Rejected::Image)?;
        Ok(Self {
            chunks: Vec::from(held).into(),
            inspected,
        })
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// By content, not by name.
    pub fn format(&self) -> Format {
        self.inspected.format
    }

    /// Shared, for a writer that outlives its call.
    pub fn chunks(&self) -> Rc<[Vec<u8>]> {
        Rc::clone(&self.chunks)
    }
}

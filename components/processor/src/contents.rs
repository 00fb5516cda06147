//! An image that was received completely, and inspected as it arrived.
//!
//! It is buffered because a stream can be read only once, while a retry needs the bytes
//! again; and outside of the instance, which may have to wait long.

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

/// A partly received image with reserved space.
pub struct Draft<B> {
    blob: B,
    inspector: Inspector,
    length: u64,
    declared: Option<u64>,
    /// Reserved space, in bytes.
    room: u64,
    /// No append is pending: the blob has exactly the bytes that are counted here.
    is_settled: bool,
}

/// Why bytes were refused, as sentences for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejected {
    #[error("{0}")]
    Image(Problem),
    #[error("the file ended before its declared length")]
    Incomplete,
    #[error("the file goes on after its declared length")]
    TooLong,
    /// There may be space later.
    #[error("{0}")]
    NoRoom(CapabilityError),
}

impl<B: Blob> Draft<B> {
    /// An empty draft. For a model's answer this waits until there is space for all of
    /// it: the declared length, or else the maximum.
    pub async fn reserve(
        blobs: &impl Blobs<Blob = B>,
        purpose: Purpose,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Self, Rejected> {
        let room = room_for(purpose, declared, limits)?;
        let blob = blobs.reserve(purpose, room).await;
        Ok(Self {
            blob: blob.map_err(Rejected::NoRoom)?,
            inspector: Inspector::new(limits),
            length: 0,
            declared,
            room,
            is_settled: true,
        })
    }

    /// Reuses the space for a file of this declared length. None: the draft is not empty,
    /// or its space is too small.
    pub fn reused(
        self,
        purpose: Purpose,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Option<Self>, Rejected> {
        let fits = self.room >= room_for(purpose, declared, limits)?;
        Ok((self.is_empty() && fits).then_some(Self { declared, ..self }))
    }

    /// Appends a stream, to its end.
    pub async fn fill(&mut self, stream: &mut impl ByteStream) -> Result<(), Rejected> {
        while let Some(chunk) = stream.next().await {
            self.inspector.push(&chunk).map_err(Rejected::Image)?;
            self.length += chunk.len() as u64;
            if self.declared.is_some_and(|declared| self.length > declared) {
                return Err(Rejected::TooLong);
            }
            self.is_settled = false;
            let appended = self.blob.append(chunk).await;
            appended.map_err(Rejected::NoRoom)?;
            self.is_settled = true;
        }
        Ok(())
    }

    /// Bytes received so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Whether nothing was received.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Whether the rest can be appended after filling was interrupted.
    pub fn is_settled(&self) -> bool {
        self.is_settled
    }

    /// The error if more bytes should have come, according to the declared length or the
    /// contents.
    pub fn shortfall(&self) -> Option<Rejected> {
        match self.declared {
            Some(declared) if self.length < declared => Some(Rejected::Incomplete),
            None if self.length == 0 => Some(Rejected::Image(Problem::Empty)),
            None if self.inspector.is_amid() => Some(Rejected::Image(Problem::CutShort)),
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

/// How much space to reserve for a file, in bytes.
fn room_for(purpose: Purpose, declared: Option<u64>, limits: Limits) -> Result<u64, Rejected> {
    let max_bytes = limits.max_bytes;
    match (declared, purpose) {
        (Some(length), _) if length > max_bytes => {
            Err(Rejected::Image(Problem::TooLarge { max_bytes }))
        }
        (Some(length), _) => Ok(length),
        // Space is reserved as the file arrives, without waiting.
        (None, Purpose::Original) => Ok(0),
        (None, Purpose::ModelAnswer) => Ok(max_bytes),
    }
}

impl<B> Contents<B> {
    /// In bytes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// According to the contents, not the name.
    pub fn format(&self) -> Format {
        self.inspected.format
    }

    pub fn blob(&self) -> &B {
        &self.blob
    }
}

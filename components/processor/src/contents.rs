//! An image that was received completely, and inspected as it arrived.
//!
//! It is buffered because a stream can be read only once, while a retry needs the bytes
//! again; and outside of the instance, which may have to wait long. So its bytes never pass
//! through here.

use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::image::metadata::{self, SourceType};
use concept_refinement_domain::image::{Format, Limits, Problem};
use thiserror::Error;

use crate::ports::{Blob, Ports, Purpose, Rewritten};

/// A complete, inspected image.
pub struct Contents<B> {
    blob: B,
    inspected: Inspected,
}

/// A partly received image with reserved space.
pub struct Draft<B> {
    blob: B,
    declared: Option<u64>,
    limits: Limits,
    /// Reserved space, in bytes.
    room: u64,
}

/// What a stream has brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    Whole(Inspected),
    /// The rest may follow in another stream. Why it is not whole, as a sentence.
    Part(String),
}

/// The properties of a complete image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    pub format: Format,
    /// In bytes.
    pub length: u64,
    pub metadata: Metadata,
}

/// What an image says of itself beside its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Whether there are content credentials.
    pub has_credentials: bool,
    /// The last part of the address of its digital source type.
    pub source_type: Option<String>,
    /// Whether there is something that a model must not see.
    pub is_strippable: bool,
}

/// Why bytes were refused, as sentences for the user.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejected {
    /// Trying again with the same file cannot help.
    #[error("{0}")]
    Unusable(String),
    /// There may be space later.
    #[error("{0}")]
    NoRoom(CapabilityError),
}

impl<B: Blob> Draft<B> {
    /// An empty draft: the one that is there (`space`), if it is large enough, else a new one. For a
    /// model's answer this waits until there is space for all of it: the declared length, or
    /// else the maximum.
    pub async fn reserve(
        blobs: &impl Ports<Blob = B>,
        space: Option<Self>,
        purpose: Purpose,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Self, Rejected> {
        let room = room_for(purpose, declared, limits)?;
        // Whoever holds space must not wait for more, so too little is given back first.
        if let Some(space) = space.filter(|space| space.room >= room) {
            return Ok(Self { declared, ..space });
        }
        let blob = blobs.reserve(purpose, room).await;
        Ok(Self {
            blob: blob.map_err(Rejected::NoRoom)?,
            declared,
            limits,
            room,
        })
    }

    /// Space for a model's answer, and for a result of at most `length` bytes that is made of
    /// it: taken at once, since whoever holds some must not wait for more.
    pub async fn reserve_two(
        blobs: &impl Ports<Blob = B>,
        limits: Limits,
        result: Limits,
    ) -> Result<(Self, Self), Rejected> {
        let (room, more) = (limits.max_bytes, result.max_bytes);
        let both = room.saturating_add(more);
        let blob = blobs.reserve(Purpose::ModelAnswer, both).await;
        let mut blob = blob.map_err(Rejected::NoRoom)?;
        let second = blob.split(more).await.map_err(Rejected::NoRoom)?;
        let draft = |blob, limits, room| Self {
            blob,
            declared: None,
            limits,
            room,
        };
        Ok((draft(blob, limits, room), draft(second, result, more)))
    }

    /// Appends a stream, to its end.
    pub async fn fill(&mut self, stream: B::Stream) -> Result<Received, Rejected> {
        self.blob.fill(stream, self.declared, self.limits).await
    }

    /// Bytes received so far.
    pub async fn length(&self) -> u64 {
        self.blob.length().await
    }

    /// The image that one stream has: what it lacks will not follow.
    pub async fn filled(mut self, stream: B::Stream) -> Result<Contents<B>, Rejected> {
        match self.fill(stream).await? {
            Received::Whole(inspected) => Ok(self.whole(inspected)),
            Received::Part(reason) => Err(Rejected::Unusable(reason)),
        }
    }

    /// The image, once it is whole.
    pub fn whole(self, inspected: Inspected) -> Contents<B> {
        Contents {
            blob: self.blob,
            inspected,
        }
    }
}

/// How much space to reserve for a file, in bytes.
fn room_for(purpose: Purpose, declared: Option<u64>, limits: Limits) -> Result<u64, Rejected> {
    let max_bytes = limits.max_bytes;
    match (declared, purpose) {
        (Some(length), _) if length > max_bytes => {
            let problem = Problem::TooLarge { max_bytes };
            Err(Rejected::Unusable(problem.to_string()))
        }
        (Some(length), _) => Ok(length),
        // Space is reserved as the file arrives, without waiting.
        (None, Purpose::Original) => Ok(0),
        (None, Purpose::ModelAnswer) => Ok(max_bytes),
    }
}

impl From<&metadata::Metadata> for Metadata {
    fn from(metadata: &metadata::Metadata) -> Self {
        Self {
            has_credentials: metadata.has_credentials(),
            source_type: metadata.source_type().map(str::to_owned),
            is_strippable: metadata.stripped().is_some(),
        }
    }
}

impl<B: Blob> Contents<B> {
    /// The same image without what a model must not see, if there is something of the kind.
    pub async fn stripped(self) -> Result<Self, CapabilityError> {
        let rewritten = self.blob.stripped().await?;
        Ok(self.with(rewritten))
    }

    /// The same image with this digital source type.
    pub async fn marked(self, source_type: SourceType) -> Result<Self, CapabilityError> {
        let rewritten = self.blob.marked(source_type).await?;
        Ok(self.with(rewritten))
    }

    /// Both share their bytes.
    fn with(self, rewritten: Rewritten<B>) -> Self {
        let Rewritten { blob, length } = rewritten;
        let inspected = Inspected {
            length,
            ..self.inspected
        };
        Self { blob, inspected }
    }
}

impl<B> Contents<B> {
    /// What the image that was received said of itself.
    pub fn metadata(&self) -> &Metadata {
        &self.inspected.metadata
    }

    /// In bytes.
    pub fn length(&self) -> u64 {
        self.inspected.length
    }

    /// According to the contents, not the name.
    pub fn format(&self) -> Format {
        self.inspected.format
    }

    pub fn blob(&self) -> &B {
        &self.blob
    }
}

//! What an image says beside its pixels, and how that changes while its bytes pass by.
//!
//! An image is seen twice: a [`Reader`] takes it as it arrives; the [`Rewrite`] that
//! follows from what it found knows how long its result will be, and its [`Filter`] takes
//! the same bytes again. Both hold a few kilobytes, and an XMP packet of at most 1 MiB while
//! they are within it. Nothing is decoded or encoded again, and nothing here may fail:
//! what cannot be read says nothing, and is not kept where only what is known is kept.
//!
//! The extended XMP of a JPEG (a packet in pieces) is not read.

mod container;
mod filter;
mod gif;
mod jpeg;
mod mark;
mod orientation;
mod output;
mod packet;
mod packets;
mod png;
mod reader;
mod scans;
mod segment;
mod source_type;
mod strip;
#[cfg(test)]
mod tests;
mod walker;
mod webp;
mod xmp;

pub use filter::{Filter, Rewrite};
pub use reader::Reader;
pub use source_type::SourceType;

/// Whether EXIF says, in a form that some decoder knows, that the picture is to be turned.
pub fn is_turned(exif: &[u8]) -> bool {
    let mut reader = orientation::Reader::default();
    reader.push(exif);
    reader.finish().is_some()
}

/// What an image says beside its pixels. Small: it holds no packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    has_credentials: bool,
    source_type: Option<String>,
    stripped: Option<Rewrite>,
    marked: [Rewrite; 2],
}

impl Metadata {
    /// Of a file with so many bytes that says nothing.
    fn none(bytes: u64) -> Self {
        Self {
            has_credentials: false,
            source_type: None,
            stripped: None,
            marked: SourceType::ALL.map(|_| Rewrite::same(bytes)),
        }
    }

    /// Whether there are content credentials (C2PA). Only the segments that hold them are
    /// looked for: nothing in them is read or verified.
    pub fn has_credentials(&self) -> bool {
        self.has_credentials
    }

    /// The last part of the address of the digital source type in XMP, for example
    /// `compositeWithTrainedAlgorithmicMedia`: at most 100 letters, digits, dots, lines and
    /// hyphens.
    pub fn source_type(&self) -> Option<&str> {
        self.source_type.as_deref()
    }

    /// The same image without what a model must not see: only pixels, colours, orientation
    /// and timing are left. None: there is nothing to strip.
    pub fn stripped(&self) -> Option<Rewrite> {
        self.stripped.clone()
    }

    /// The same image with this source in its XMP packet; for one without credentials and
    /// without a source.
    pub fn marked(&self, source: SourceType) -> Rewrite {
        let [composite, enhanced] = &self.marked;
        match source {
            SourceType::CompositeWithTrainedAlgorithmicMedia => composite.clone(),
            SourceType::AlgorithmicallyEnhanced => enhanced.clone(),
        }
    }
}

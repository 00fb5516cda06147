//! A file as a row of segments, whatever its format.
//!
//! The bytes of the segments one after the other are the bytes of the file: none is added
//! or lost here.

/// What a segment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first of the file, which tells its format.
    Signature,
    /// What the file contains, as flags (of a WebP).
    Flags,
    /// Pixels, or how they are to be seen.
    Picture,
    /// The data of a scan (of a JPEG), within which a picture may end.
    Scan,
    /// Of the picture in its first part only: see [`super::container::trimmed`].
    Trimmed,
    /// EXIF. The body is TIFF.
    Exif,
    /// XMP. The body holds the packet: see [`super::container::packet`].
    Xmp,
    /// A part of content credentials.
    Credentials,
    /// Anything else that has to keep its length, since a length before it counts it.
    Blank,
    /// Anything else.
    Other,
    /// The mark of the end.
    End,
    /// What follows the end.
    Behind,
}

/// What begins with a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// What it is for.
    pub kind: Kind,
    /// What follows the head.
    pub body: Body,
    /// How many bytes follow the body: a checksum, or padding. Fewer than [`MAX_HEAD`].
    pub tail: usize,
    /// Whether a packet may be inserted before it, if there is none yet.
    pub is_place: bool,
}

/// How far the body of a segment extends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Bytes(u64),
    /// So many bytes, then blocks with a length before each, up to one of length zero.
    Blocks(u64),
    /// Up to the next marker of a JPEG.
    UntilMarker,
    /// All that follows.
    Rest,
}

/// What a layout makes of the first bytes of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It needs so many in all, at most [`MAX_HEAD`].
    More(usize),
    /// They are the head of this segment.
    Segment(Segment),
}

/// Longest head, in bytes: that of an XMP packet in a JPEG.
pub const MAX_HEAD: usize = 33;

/// The parts of a segment in their order. A segment of an empty head and an empty body does
/// not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A segment begins with this head.
    Start {
        /// What it is for.
        kind: Kind,
        /// Its first bytes.
        head: &'a [u8],
        /// As in [`Segment`].
        is_place: bool,
    },
    /// The next bytes of its body.
    Body(&'a [u8]),
    /// It ends with this tail.
    End(&'a [u8]),
}

impl<'a> Event<'a> {
    /// Its bytes in the file.
    pub fn bytes(self) -> &'a [u8] {
        match self {
            Self::Start { head: bytes, .. } | Self::Body(bytes) | Self::End(bytes) => bytes,
        }
    }
}

impl Segment {
    /// With a body of so many bytes, and no tail.
    pub fn new(kind: Kind, length: u64) -> Self {
        Self {
            kind,
            body: Body::Bytes(length),
            tail: 0,
            is_place: false,
        }
    }

    /// All that follows the end of the image.
    pub fn behind() -> Self {
        Self {
            body: Body::Rest,
            is_place: true,
            ..Self::new(Kind::Behind, 0)
        }
    }
}

impl From<Segment> for Next {
    fn from(segment: Segment) -> Self {
        Self::Segment(segment)
    }
}

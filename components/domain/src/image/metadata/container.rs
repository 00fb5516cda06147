//! The four formats, as the passes see them: how a file is divided, and how a segment is
//! written.

use std::borrow::Cow;

use super::super::Format;
use super::segment::{Next, Segment};
use super::{gif, jpeg, png, webp};

/// How a file is divided into segments. It goes from one to the next.
#[derive(Clone, Debug)]
pub enum Layout {
    /// ISO/IEC 15948.
    Png(png::Layout),
    /// ITU-T T.81.
    Jpeg(jpeg::Layout),
    /// RFC 9649.
    Webp(webp::Layout),
    /// GIF 89a.
    Gif(gif::Layout),
    /// None of them.
    Unknown,
}

/// The body of a segment with an XMP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosed<'a> {
    /// What stands before the packet, and stays there.
    pub envelope: &'a [u8],
    /// The packet, unpacked.
    pub packet: Cow<'a, [u8]>,
}

/// Longest packet that is read or written, in bytes.
pub const MAX_PACKET: usize = 1 << 20;

/// Longest body of a segment with a packet, in bytes.
pub const MAX_BODY: usize = MAX_PACKET + 1024;

impl Layout {
    /// Of the file that begins so: its first byte decides. Whether the rest agrees, its first
    /// segment shows.
    pub fn new(start: &[u8]) -> Self {
        match format_of(start) {
            Some(Format::Png) => Self::Png(png::Layout::default()),
            Some(Format::Jpeg) => Self::Jpeg(jpeg::Layout::default()),
            Some(Format::Webp) => Self::Webp(webp::Layout::default()),
            Some(Format::Gif) => Self::Gif(gif::Layout::default()),
            None => Self::Unknown,
        }
    }

    /// Which segment begins with this head: none of it yet, or what was asked for.
    pub fn next(&mut self, head: &[u8]) -> Next {
        match self {
            Self::Png(layout) => layout.next(head),
            Self::Jpeg(layout) => layout.next(head),
            Self::Webp(layout) => layout.next(head),
            Self::Gif(layout) => layout.next(head),
            Self::Unknown => Segment::behind().into(),
        }
    }
}

/// The format of a file with this signature.
pub fn format_of(signature: &[u8]) -> Option<Format> {
    match signature {
        [0x89, ..] => Some(Format::Png),
        [0xff, ..] => Some(Format::Jpeg),
        [b'R', ..] => Some(Format::Webp),
        [b'G', ..] => Some(Format::Gif),
        _ => None,
    }
}

/// What is left of a segment of which the picture needs only the first part.
pub fn trimmed(format: Format, head: &[u8]) -> Vec<u8> {
    match format {
        Format::Jpeg => jpeg::trimmed(head),
        Format::Gif => gif::trimmed(head),
        Format::Webp => webp::trimmed(head),
        Format::Png => head.to_vec(),
    }
}

/// A segment of EXIF.
pub fn exif(format: Format, tiff: &[u8]) -> Vec<u8> {
    match format {
        Format::Png => png::chunk(b"eXIf", &[tiff]),
        Format::Jpeg => jpeg::exif(tiff),
        Format::Webp => webp::chunk(b"EXIF", &[tiff]),
        Format::Gif => Vec::new(),
    }
}

/// The packet in the body of its segment. None: it cannot be unpacked, or is too long.
pub fn packet(format: Format, body: &[u8]) -> Option<Enclosed<'_>> {
    let enclosed = match format {
        Format::Png => png::packet(body)?,
        Format::Gif => Enclosed::plain(gif::packet(body)?),
        Format::Jpeg | Format::Webp => Enclosed::plain(body),
    };
    (enclosed.packet.len() <= MAX_PACKET).then_some(enclosed)
}

/// Whether a segment may hold this packet, which comes in pieces.
pub fn holds(format: Format, packet: &[&[u8]]) -> bool {
    let length: usize = packet.iter().map(|piece| piece.len()).sum();
    match format {
        Format::Jpeg => length <= jpeg::MAX_PACKET,
        Format::Gif => length <= MAX_PACKET && !packet.iter().any(|piece| piece.contains(&0)),
        Format::Png | Format::Webp => length <= MAX_PACKET,
    }
}

/// A segment with this packet, which comes in pieces.
pub fn xmp(format: Format, envelope: &[u8], packet: &[&[u8]]) -> Vec<u8> {
    match format {
        Format::Png => png::xmp(envelope, packet),
        Format::Jpeg => jpeg::xmp(packet),
        Format::Webp => webp::chunk(b"XMP ", packet),
        Format::Gif => gif::xmp(packet),
    }
}

/// The signature of a file that is to be of this length up to its end, in bytes.
pub fn signature(format: Format, head: &[u8], length: u64) -> Vec<u8> {
    match format {
        Format::Webp => webp::signature(length),
        Format::Png | Format::Jpeg | Format::Gif => head.to_vec(),
    }
}

/// The same of a file with a packet.
pub fn marked_signature(format: Format, head: &[u8], length: u64) -> Vec<u8> {
    match format {
        Format::Gif => gif::with_extensions(head),
        Format::Png | Format::Jpeg | Format::Webp => signature(format, head, length),
    }
}

/// How long a file with this signature says that it is up to its end, in bytes. None: it
/// does not say it.
pub fn length(format: Format, signature: &[u8]) -> Option<u64> {
    match format {
        Format::Webp => webp::length(signature),
        Format::Png | Format::Jpeg | Format::Gif => None,
    }
}

/// Flags that say that there is a packet, and the first segment behind the signature, which
/// begins with this head.
pub fn with_flags(format: Format, head: &[u8]) -> Vec<u8> {
    match format {
        Format::Webp => webp::marked_flags(head).unwrap_or_else(|| head.to_vec()),
        Format::Png | Format::Jpeg | Format::Gif => head.to_vec(),
    }
}

/// The padding that an inserted segment needs before it, behind so many bytes.
pub fn padding(format: Format, position: u64) -> usize {
    match format {
        Format::Webp => usize::from(!position.is_multiple_of(2)),
        Format::Png | Format::Jpeg | Format::Gif => 0,
    }
}

/// The mark of the end, where one may be missing.
pub fn end_mark(format: Format) -> &'static [u8] {
    match format {
        Format::Jpeg => &jpeg::END_MARK,
        Format::Gif => &gif::END_MARK,
        Format::Png | Format::Webp => &[],
    }
}

impl<'a> Enclosed<'a> {
    fn plain(packet: &'a [u8]) -> Self {
        Self {
            envelope: &[],
            packet: packet.into(),
        }
    }
}

//! WebP: chunks in a RIFF file, each with a length before it and padding to an even length
//! behind it; those of an animation stand within frames.
//!
//! The length of the file and the flags of what it contains stand at its beginning.

use super::segment::{Body, Kind, Next, Segment};
use crate::image::webp::{
    CHUNK_HEADER, EXTENDED_HEADER, FRAME_HEADER, LOSSLESS_HEADER, LOSSY_HEADER,
};

const SIGNATURE: usize = 12;
/// What the length in the signature does not count.
const UNCOUNTED: u64 = 8;
/// Background and loops of an animation, which are all of its chunk.
const ANIMATION: u64 = 6;
/// Of a chunk that says nothing, with a content of zeros.
const BLANK: &[u8; 4] = b"JUNK";

const HAS_XMP: u8 = 0x04;
const HAS_EXIF: u8 = 0x08;
const HAS_ALPHA: u8 = 0x10;

#[derive(Clone, Debug, Default)]
pub struct Layout {
    has_signature: bool,
    has_chunk: bool,
    is_extended: bool,
    /// Bytes of the file after the current chunk, or the current frame.
    left: u64,
    /// Bytes of the current frame after the current chunk.
    frame_left: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chunk {
    /// With so many bytes of its content in its head.
    Whole(Kind, u64),
    /// Its content consists of chunks, behind a header.
    Frame,
}

impl Layout {
    pub fn next(&mut self, head: &[u8]) -> Next {
        if !self.has_signature {
            return self.signature(head);
        }
        let is_in_frame = self.frame_left > 0;
        let left = match is_in_frame {
            true => &mut self.frame_left,
            false => &mut self.left,
        };
        let Some(room) = left.checked_sub(CHUNK_HEADER) else {
            // Too short for a chunk.
            let rest = std::mem::take(left);
            return match is_in_frame {
                true => Segment::new(Kind::Blank, rest).into(),
                false => Segment::behind().into(),
            };
        };
        let Some((&[ref name @ .., a, b, c, d], _)) = head.split_first_chunk::<8>() else {
            return Next::More(CHUNK_HEADER as usize);
        };
        let size = u64::from(u32::from_le_bytes([a, b, c, d])).min(room);
        let padded = size.next_multiple_of(2).min(room);
        let chunk = self.chunk(name, size);
        let needed = match chunk {
            Chunk::Whole(_, needed) => needed.min(size),
            Chunk::Frame => FRAME_HEADER,
        };
        if (head.len() as u64) < CHUNK_HEADER + needed {
            return Next::More((CHUNK_HEADER + needed) as usize);
        }
        match is_in_frame {
            true => self.frame_left = room - padded,
            false => self.left = room - padded,
        }
        self.has_chunk = true;
        match chunk {
            Chunk::Frame => {
                self.frame_left = padded - FRAME_HEADER;
                Segment::new(Kind::Picture, 0).into()
            }
            Chunk::Whole(kind, _) => {
                self.is_extended |= kind == Kind::Flags;
                Next::Segment(Segment {
                    kind,
                    body: Body::Bytes(size - needed),
                    tail: (padded - size) as usize,
                    is_place: false,
                })
            }
        }
    }

    fn signature(&mut self, head: &[u8]) -> Next {
        match *head {
            [b'R', b'I', b'F', b'F', a, b, c, d, b'W', b'E', b'B', b'P'] => {
                let size = u64::from(u32::from_le_bytes([a, b, c, d]));
                self.left = (size + UNCOUNTED).saturating_sub(SIGNATURE as u64);
                self.has_signature = true;
                Segment::new(Kind::Signature, 0).into()
            }
            _ if head.len() < SIGNATURE => Next::More(SIGNATURE),
            _ => Segment::behind().into(),
        }
    }

    fn chunk(&self, name: &[u8; 4], size: u64) -> Chunk {
        let is_in_frame = self.frame_left > 0;
        match name {
            b"VP8 " | b"VP8L" | b"ALPH" if is_in_frame => Chunk::Whole(Kind::Picture, 0),
            _ if is_in_frame => Chunk::Whole(Kind::Blank, 0),
            b"VP8X" if !self.has_chunk => Chunk::Whole(Kind::Flags, EXTENDED_HEADER),
            b"VP8 " => Chunk::Whole(Kind::Picture, LOSSY_HEADER),
            b"VP8L" => Chunk::Whole(Kind::Picture, LOSSLESS_HEADER),
            b"ANMF" if self.is_extended && size >= FRAME_HEADER => Chunk::Frame,
            b"ANIM" => Chunk::Whole(Kind::Trimmed, ANIMATION),
            b"ICCP" | b"ALPH" => Chunk::Whole(Kind::Picture, 0),
            b"EXIF" => Chunk::Whole(Kind::Exif, 0),
            b"XMP " => Chunk::Whole(Kind::Xmp, 0),
            b"C2PA" => Chunk::Whole(Kind::Credentials, 0),
            _ => Chunk::Whole(Kind::Other, 0),
        }
    }
}

/// The signature of a file of this length, in bytes.
pub fn signature(length: u64) -> Vec<u8> {
    let size = u32::try_from(length.saturating_sub(UNCOUNTED)).unwrap_or(u32::MAX);
    [&b"RIFF"[..], &size.to_le_bytes(), b"WEBP"].concat()
}

/// The length of a file with this signature, in bytes.
pub fn length(signature: &[u8]) -> Option<u64> {
    let size = signature.get(4..8)?.try_into().ok()?;
    Some(u64::from(u32::from_le_bytes(size)) + UNCOUNTED)
}

/// The flags of a file without XMP.
pub fn stripped_flags(head: &[u8], has_exif: bool) -> Vec<u8> {
    let exif = if has_exif { HAS_EXIF } else { 0 };
    with_flags(head, |flags| flags & !(HAS_EXIF | HAS_XMP) | exif)
}

/// The flags of a file with XMP, instead of its first head. None: it tells no size.
pub fn marked_flags(head: &[u8]) -> Option<Vec<u8>> {
    let (chunk, content) = head.split_first_chunk::<8>()?;
    match (chunk.first_chunk()?, content) {
        (b"VP8X", _) => Some(with_flags(head, |flags| flags | HAS_XMP)),
        (b"VP8 ", &[_, _, _, _, _, _, a, b, c, d]) => {
            let width = u16::from_le_bytes([a, b]) & 0x3fff;
            let height = u16::from_le_bytes([c, d]) & 0x3fff;
            Some([&extended(0, width.into(), height.into())?, head].concat())
        }
        (b"VP8L", &[_, a, b, c, d]) => {
            let bits = u32::from_le_bytes([a, b, c, d]);
            let (width, height) = (1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff));
            let alpha = if bits >> 28 & 1 == 1 { HAS_ALPHA } else { 0 };
            Some([&extended(alpha, width, height)?, head].concat())
        }
        _ => None,
    }
}

fn with_flags(head: &[u8], change: impl FnOnce(u8) -> u8) -> Vec<u8> {
    let mut head = head.to_vec();
    if let Some(flags) = head.get_mut(CHUNK_HEADER as usize) {
        *flags = change(*flags);
    }
    head
}

/// None: there is no picture of this size.
fn extended(flags: u8, width: u32, height: u32) -> Option<Vec<u8>> {
    let [a, b, c, _] = width.checked_sub(1)?.to_le_bytes();
    let [d, e, f, _] = height.checked_sub(1)?.to_le_bytes();
    Some(chunk(
        b"VP8X",
        &[&[flags | HAS_XMP, 0, 0, 0, a, b, c, d, e, f]],
    ))
}

/// A chunk that ends with its head.
pub fn trimmed(head: &[u8]) -> Vec<u8> {
    match head.split_first_chunk::<8>() {
        Some(([a, b, c, d, ..], content)) => chunk(&[*a, *b, *c, *d], &[content]),
        None => head.to_vec(),
    }
}

/// The head of a chunk that says nothing and is as long as that with this head.
pub fn blank(head: &[u8]) -> Vec<u8> {
    match head {
        [_, _, _, _, size @ ..] => [BLANK, size].concat(),
        _ => Vec::new(),
    }
}

/// A chunk with this content, which comes in pieces.
pub fn chunk(name: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = content.len() as u32;
    let mut chunk = [&name[..], &size.to_le_bytes(), &content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

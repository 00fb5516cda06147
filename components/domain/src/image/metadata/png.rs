//! PNG: chunks, from `IHDR` to `IEND`, each with a length before it and a checksum behind
//! it.

use crc32fast::Hasher;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;

use super::container::{Enclosed, MAX_PACKET};
use super::segment::{Body, Kind, Next, Segment};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
const CHUNK_HEADER: usize = 8;
const CHECKSUM: usize = 4;
/// The keyword of the text that is an XMP packet.
const XMP: &[u8] = b"XML:com.adobe.xmp\0";

/// All that says how pixels are to be seen, and when, with the longest content that each may
/// have (PNG, third edition, 11.3): a longer one is malformed, and could hide anything.
const PICTURE: [(&[u8; 4], u64); 18] = [
    (b"IHDR", u64::MAX),
    (b"PLTE", 3 * 256),
    (b"IDAT", u64::MAX),
    (b"tRNS", 256),
    (b"gAMA", 4),
    (b"cHRM", 32),
    (b"sRGB", 1),
    (b"iCCP", u64::MAX),
    (b"cICP", 4),
    (b"mDCV", 24),
    (b"mDCv", 24),
    (b"cLLI", 8),
    (b"cLLi", 8),
    (b"sBIT", 4),
    (b"bKGD", 6),
    (b"pHYs", 9),
    (b"acTL", 8),
    (b"fcTL", 26),
];

#[derive(Clone, Debug, Default)]
pub struct Layout {
    has_signature: bool,
    has_header: bool,
    has_end: bool,
}

impl Layout {
    pub fn next(&mut self, head: &[u8]) -> Next {
        if !self.has_signature {
            return self.signature(head);
        }
        if self.has_end {
            return Segment::behind().into();
        }
        let Some((&[a, b, c, d, ref kind @ ..], text)) = head.split_first_chunk::<CHUNK_HEADER>()
        else {
            return Next::More(CHUNK_HEADER);
        };
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        let needed = match kind {
            b"iTXt" => length.min(XMP.len() as u64) as usize,
            _ => 0,
        };
        if text.len() < needed {
            return Next::More(CHUNK_HEADER + needed);
        }
        let is_place = std::mem::replace(&mut self.has_header, true);
        let kind = match kind {
            b"IEND" => Kind::End,
            b"eXIf" => Kind::Exif,
            b"caBX" => Kind::Credentials,
            b"iTXt" if text == XMP => Kind::Xmp,
            b"fdAT" => Kind::Picture,
            kind if is_picture(kind, length) => Kind::Picture,
            _ => Kind::Other,
        };
        self.has_end = kind == Kind::End;
        Next::Segment(Segment {
            kind,
            body: Body::Bytes(length - needed as u64),
            tail: CHECKSUM,
            is_place,
        })
    }

    fn signature(&mut self, head: &[u8]) -> Next {
        match head {
            SIGNATURE => {
                self.has_signature = true;
                Segment::new(Kind::Signature, 0).into()
            }
            _ if head.len() < SIGNATURE.len() => Next::More(SIGNATURE.len()),
            _ => Segment::behind().into(),
        }
    }
}

/// Whether a chunk with content of this length belongs to the picture.
fn is_picture(kind: &[u8; 4], length: u64) -> bool {
    let mut known = PICTURE.iter();
    known.any(|(picture, longest)| *picture == kind && length <= *longest)
}

/// A chunk with this content, which comes in pieces.
pub fn chunk(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = content.len() as u32;
    let mut checksum = Hasher::new();
    checksum.update(kind);
    checksum.update(&content);
    let checksum = checksum.finalize();
    [
        &length.to_be_bytes()[..],
        kind,
        &content,
        &checksum.to_be_bytes(),
    ]
    .concat()
}

/// The packet in what follows the keyword.
pub fn packet(body: &[u8]) -> Option<Enclosed<'_>> {
    let (&[is_packed, method], rest) = body.split_first_chunk()?;
    let mut ends = rest.iter().enumerate().filter(|(_, byte)| **byte == 0);
    let (_language, (end, _)) = (ends.next()?, ends.next()?);
    let (envelope, packet) = rest.split_at_checked(end + 1)?;
    let packet = match (is_packed, method) {
        (0, _) => packet.into(),
        // Memory grows with what is unpacked, since there may be many of them.
        (1, 0) => decompress_to_vec_zlib_with_limit(packet, MAX_PACKET)
            .ok()?
            .into(),
        _ => return None,
    };
    Some(Enclosed { envelope, packet })
}

/// A text chunk with this packet behind these texts: a language and a translated keyword,
/// each up to a zero.
pub fn xmp(texts: &[u8], packet: &[&[u8]]) -> Vec<u8> {
    let texts = if texts.is_empty() { &[0, 0] } else { texts };
    let mut content = vec![XMP, &[0, 0], texts];
    content.extend(packet);
    chunk(b"iTXt", &content)
}

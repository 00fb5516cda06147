//! JPEG: segments that begin with a marker, most with a length, and the data of scans
//! between them.
//!
//! Fill bytes before a marker belong to the data before it.

use super::segment::{Body, Kind, Next, Segment};
use crate::image::jpeg::{END, PREFIX, SCAN, START};

pub const END_MARK: [u8; 2] = [PREFIX, END];
/// Longest XMP packet, in bytes.
pub const MAX_PACKET: usize = 65_502;

const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP11: u8 = 0xeb;
const APP14: u8 = 0xee;
const LENGTH: usize = 2;
const MARKER_AND_LENGTH: usize = 2 + LENGTH;

const EXIF: &[u8] = b"Exif\0\0";
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const PROFILE: &[u8] = b"ICC_PROFILE\0";
const JFIF: &[u8] = b"JFIF\0";
const ADOBE: &[u8] = b"Adobe";
/// The contents of a JFIF segment without its thumbnail, and of Adobe's, in bytes.
const JFIF_LENGTH: usize = 14;
const ADOBE_LENGTH: usize = 12;
/// JUMBF in a segment: an identifier, a number, a place in a sequence, a box.
const BOX_LENGTH: usize = 16;

#[derive(Clone, Debug, Default)]
pub struct Layout {
    has_signature: bool,
    has_end: bool,
    /// Whether the last segment began a scan.
    is_in_scan: bool,
    /// Whether there was another segment than those that lead.
    has_led: bool,
}

impl Layout {
    pub fn next(&mut self, head: &[u8]) -> Next {
        match *head {
            [] if self.has_end => Segment::behind().into(),
            [] if self.has_signature => self.between(),
            [] | [_] => Next::More(2),
            [PREFIX, START] if !self.has_signature => {
                self.has_signature = true;
                Segment::new(Kind::Signature, 0).into()
            }
            _ if !self.has_signature => Segment::behind().into(),
            [_, END] => {
                self.has_end = true;
                self.placed(Segment::new(Kind::End, 0), false)
            }
            // Not a segment: the inspector refuses it.
            [_, 0x00..=0xbf | 0xd0..=START] => self.placed(Segment::new(Kind::Other, 0), false),
            [_, _] | [_, _, _] => Next::More(MARKER_AND_LENGTH),
            [_, code, a, b, ref content @ ..] => {
                match usize::from(u16::from_be_bytes([a, b])).checked_sub(LENGTH) {
                    Some(length) => self.segment(code, length, content),
                    None => self.placed(Segment::new(Kind::Other, 0), false),
                }
            }
        }
    }

    /// What stands before the next marker: data of a scan, or nothing that is known.
    fn between(&mut self) -> Next {
        let kind = match self.is_in_scan {
            true => Kind::Scan,
            false => Kind::Other,
        };
        Next::Segment(Segment {
            body: Body::UntilMarker,
            ..Segment::new(kind, 0)
        })
    }

    fn segment(&mut self, code: u8, length: usize, content: &[u8]) -> Next {
        let needed = match code {
            APP0 => JFIF_LENGTH,
            APP1 if content.len() < EXIF.len() => EXIF.len(),
            APP1 if content.starts_with(EXIF) => EXIF.len(),
            APP1 => XMP.len(),
            APP2 => PROFILE.len(),
            APP11 => BOX_LENGTH,
            APP14 => ADOBE_LENGTH,
            _ => 0,
        };
        let needed = needed.min(length);
        if content.len() < needed {
            return Next::More(MARKER_AND_LENGTH + needed);
        }
        self.is_in_scan = code == SCAN;
        let kind = kind(code, length, content);
        let segment = Segment::new(kind, (length - content.len()) as u64);
        self.placed(segment, code == APP0 || kind == Kind::Exif)
    }

    /// A packet may be inserted behind the segments that lead.
    fn placed(&mut self, segment: Segment, leads: bool) -> Next {
        self.has_led |= !leads;
        Next::Segment(Segment {
            is_place: self.has_led,
            ..segment
        })
    }
}

fn kind(code: u8, length: usize, content: &[u8]) -> Kind {
    match code {
        // Reserved for extensions that do not exist.
        0xc8 => Kind::Other,
        0xc0..=0xcf | SCAN..=0xdf => Kind::Picture,
        APP0 if content.starts_with(JFIF) && content.len() == JFIF_LENGTH => {
            match (length, content) {
                (JFIF_LENGTH, [.., 0, 0]) => Kind::Picture,
                _ => Kind::Trimmed,
            }
        }
        APP1 if content.starts_with(EXIF) => Kind::Exif,
        APP1 if content == XMP => Kind::Xmp,
        APP2 if content == PROFILE => Kind::Picture,
        APP11 if is_jumbf(content) => Kind::Credentials,
        APP14 if content.starts_with(ADOBE) && content.len() == ADOBE_LENGTH => match length {
            ADOBE_LENGTH => Kind::Picture,
            _ => Kind::Trimmed,
        },
        _ => Kind::Other,
    }
}

/// Whether a segment begins like one of those in which a JUMBF box comes in pieces.
fn is_jumbf(content: &[u8]) -> bool {
    content.len() == BOX_LENGTH && content.starts_with(b"JP") && content.ends_with(b"jumb")
}

/// A JFIF segment without its thumbnail, or an Adobe segment of the standard length.
pub fn trimmed(head: &[u8]) -> Vec<u8> {
    match head {
        [PREFIX, APP0, _, _, jfif @ .., _width, _height] => segment(APP0, &[jfif, &[0, 0]]),
        [PREFIX, code, _, _, content @ ..] => segment(*code, &[content]),
        _ => Vec::new(),
    }
}

/// A segment of EXIF.
pub fn exif(tiff: &[u8]) -> Vec<u8> {
    segment(APP1, &[EXIF, tiff])
}

/// A segment with this packet.
pub fn xmp(packet: &[&[u8]]) -> Vec<u8> {
    let mut content = vec![XMP];
    content.extend(packet);
    segment(APP1, &content)
}

/// A segment with this content, which comes in pieces.
fn segment(code: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let length = (content.len() + LENGTH) as u16;
    [&[PREFIX, code][..], &length.to_be_bytes(), &content].concat()
}

//! GIF: the screen, followed by blocks up to the trailer, most of them in sub-blocks with a
//! length before each.
//!
//! As in browsers, the trailer may be missing: a byte that does not begin a block is the end.

use super::segment::{Body, Kind, Next, Segment};
use crate::image::gif::colours;

pub const END_MARK: [u8; 1] = *b";";

const SCREEN: usize = 13;
const FRAME: usize = 10;
const EXTENSION: u8 = b'!';
const APPLICATION: u8 = 0xff;
const CONTROL: u8 = 0xf9;
const TEXT: u8 = 0x01;
/// The length of an application's name.
const NAME: u8 = 11;
const XMP: &[u8; 11] = b"XMP DataXMP";
/// The content of a control extension.
const CONTROL_LENGTH: u8 = 4;

/// What comes next.
#[derive(Clone, Debug, Default)]
pub enum Layout {
    #[default]
    Signature,
    Block,
    /// In the extension that says how often an animation repeats.
    Repetition,
    End,
}

impl Layout {
    pub fn next(&mut self, head: &[u8]) -> Next {
        match self {
            Self::Signature => self.signature(head),
            Self::Block => self.block(head),
            Self::Repetition => self.repetition(head),
            Self::End => Segment::behind().into(),
        }
    }

    fn signature(&mut self, head: &[u8]) -> Next {
        match head {
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', .., flags, _, _]
                if head.len() == SCREEN =>
            {
                *self = Self::Block;
                Segment::new(Kind::Signature, colours(*flags)).into()
            }
            _ if head.len() < SCREEN => Next::More(SCREEN),
            _ => Segment::behind().into(),
        }
    }

    fn block(&mut self, head: &[u8]) -> Next {
        match *head {
            [] => Next::More(1),
            [b',', ..] if head.len() < FRAME => Next::More(FRAME),
            [b',', .., flags] => {
                const CODE_SIZE: u64 = 1;
                blocks(Kind::Picture, colours(flags) + CODE_SIZE, true)
            }
            [EXTENSION] | [EXTENSION, _] => Next::More(3),
            [EXTENSION, label, length, ref content @ ..] => self.extension(label, length, content),
            [b';', ..] => {
                *self = Self::End;
                Next::Segment(Segment {
                    is_place: true,
                    ..Segment::new(Kind::End, 0)
                })
            }
            _ => {
                *self = Self::End;
                Segment::behind().into()
            }
        }
    }

    fn extension(&mut self, label: u8, length: u8, content: &[u8]) -> Next {
        let needed = match label {
            APPLICATION => length.min(NAME),
            CONTROL => length.min(CONTROL_LENGTH),
            _ => 0,
        };
        if content.len() < usize::from(needed) {
            return Next::More(3 + usize::from(needed));
        }
        let left = u64::from(length - needed);
        let is_place = matches!(label, CONTROL | TEXT);
        let kind = match (label, length, content) {
            // It has no content at all, and has ended.
            (_, 0, _) => return Segment::new(Kind::Other, 0).into(),
            (CONTROL, CONTROL_LENGTH.., _) => Kind::Trimmed,
            (APPLICATION, NAME, b"NETSCAPE2.0" | b"ANIMEXTS1.0") => {
                *self = Self::Repetition;
                return Segment::new(Kind::Picture, 0).into();
            }
            (APPLICATION, NAME, b"ICCRGBG1012") => Kind::Picture,
            (APPLICATION, NAME, name) if name == XMP => Kind::Xmp,
            (APPLICATION, _, [b'C', b'2', b'P', b'A', b'_', b'G', b'I', b'F', ..]) => {
                Kind::Credentials
            }
            _ => Kind::Other,
        };
        blocks(kind, left, is_place)
    }

    /// Each sub-block is a segment, so that those that are not known can go.
    fn repetition(&mut self, head: &[u8]) -> Next {
        match *head {
            [] => Next::More(1),
            [0, ..] => {
                *self = Self::Block;
                Segment::new(Kind::Picture, 0).into()
            }
            [_] => Next::More(2),
            [length, id, ..] => {
                let kind = match (length, id) {
                    (3, 1) | (5, 2) => Kind::Picture,
                    _ => Kind::Other,
                };
                Segment::new(kind, u64::from(length - 1)).into()
            }
        }
    }
}

fn blocks(kind: Kind, left: u64, is_place: bool) -> Next {
    Next::Segment(Segment {
        kind,
        body: Body::Blocks(left),
        tail: 0,
        is_place,
    })
}

/// The signature of a file with extensions.
pub fn with_extensions(head: &[u8]) -> Vec<u8> {
    match head {
        [_, _, _, _, _, _, screen @ ..] => [b"GIF89a", screen].concat(),
        _ => head.to_vec(),
    }
}

/// A control extension of the standard length.
pub fn trimmed(head: &[u8]) -> Vec<u8> {
    match head {
        [_, _, _, content @ ..] => {
            let start = [EXTENSION, CONTROL, CONTROL_LENGTH];
            [&start, content, &[0]].concat()
        }
        _ => head.to_vec(),
    }
}

/// The packet before the magic trailer: it stands in no sub-blocks, and the trailer leads
/// whoever reads it as sub-blocks to the end.
pub fn packet(body: &[u8]) -> Option<&[u8]> {
    body.strip_suffix(&magic_trailer())
}

/// An application extension with this packet, in which there must be no zero.
pub fn xmp(packet: &[&[u8]]) -> Vec<u8> {
    let start = [EXTENSION, APPLICATION, NAME];
    [&start[..], XMP, &packet.concat(), &magic_trailer()].concat()
}

fn magic_trailer() -> [u8; 258] {
    let mut trailer = [0; 258];
    let [first, rest @ ..] = &mut trailer;
    *first = 1;
    for (byte, value) in rest.iter_mut().zip((1..=u8::MAX).rev()) {
        *byte = value;
    }
    trailer
}

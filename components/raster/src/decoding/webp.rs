//! WebP, as its chunks are: some encoders announce in `VP8X` what they do not write, or
//! write what they do not announce, and the decoder believes them.

use std::io::Cursor;

use image::codecs::webp::WebPDecoder;

use crate::{Problem, Raw};

/// Where the first chunk, and the flags in it if it is `VP8X`, stand in a file.
const FIRST: usize = 12;
const FLAGS: usize = FIRST + 8;

/// Where a lossless picture says in its chunk whether it has alpha, with the bit that is also
/// that flag of the file.
const LOSSLESS_ALPHA: usize = 8 + 4;

pub fn decode(mut file: Vec<u8>) -> Result<Raw, Problem> {
    let frames = set_flags(&mut file);
    let mut raw = Raw::read(WebPDecoder::new(Cursor::new(file))?)?;
    raw.is_animated = frames > 1;
    Ok(raw)
}

/// Sets the flags of an extended file by the chunks that it has. An animation may be
/// transparent without a chunk for it, and a lossless picture says so itself. Returns how many
/// frames of an animation there are.
fn set_flags(file: &mut [u8]) -> usize {
    const ALPHA: u8 = 0x10;
    const EXIF: u8 = 0x08;
    const XMP: u8 = 0x04;
    const ANIMATION: u8 = 0x02;
    let kind_of = |rest: &[u8]| rest.first_chunk::<4>().copied();
    let mut rest = file.get(FIRST..).unwrap_or_default();
    if kind_of(rest) != Some(*b"VP8X") {
        return 0;
    }
    let (mut flags, mut frames) = (0, 0);
    while let Some([a, b, c, d, e, f, g, h]) = rest.first_chunk() {
        let kind = [*a, *b, *c, *d];
        frames += usize::from(kind == *b"ANMF");
        flags |= match &kind {
            b"ALPH" => ALPHA,
            b"VP8L" => rest.get(LOSSLESS_ALPHA).map_or(0, |flags| *flags & ALPHA),
            b"ANMF" => ANIMATION | ALPHA,
            b"EXIF" => EXIF,
            b"XMP " => XMP,
            _ => 0,
        };
        let size = u64::from(u32::from_le_bytes([*e, *f, *g, *h])).next_multiple_of(2);
        let next = usize::try_from(size)
            .ok()
            .and_then(|size| size.checked_add(8));
        rest = next.and_then(|next| rest.get(next..)).unwrap_or_default();
    }
    if let Some(place) = file.get_mut(FLAGS) {
        let known = ALPHA | EXIF | XMP | ANIMATION;
        *place = *place & !known | flags;
    }
    frames
}

//! PNG: chunks, from `IHDR` to `IEND` (ISO/IEC 15948). Checksums are left to the decoder.

use super::Problem;
use super::packed::Packed;
use super::walk::{Canvas, Step, Walk, Want};

const CHUNK_HEADER: usize = 8;
const HEADER_LENGTH: u32 = 13;
const CHECKSUM: u64 = 4;
const MAX_LENGTH: u32 = i32::MAX as u32;

#[derive(Debug)]
pub(super) struct Png {
    next: Step<Self>,
    has_header: bool,
    has_data: bool,
    packed: Packed,
}

impl Png {
    pub(super) fn new() -> Self {
        Self {
            next: Self::next_chunk,
            has_header: false,
            has_data: false,
            packed: Packed::new(),
        }
    }

    fn chunk(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, c, d, ref kind @ ..] = bytes else {
            return Err(Problem::Malformed);
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > MAX_LENGTH || !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(Problem::Malformed);
        }
        if !self.has_header {
            self.has_header = true;
            return match kind {
                b"IHDR" if length == HEADER_LENGTH => {
                    self.then(Self::header, Want::Take(HEADER_LENGTH as usize))
                }
                _ => Err(Problem::Malformed),
            };
        }
        let next = match kind {
            b"IHDR" => return Err(Problem::Malformed),
            b"IEND" if length == 0 && self.has_data => Self::end,
            b"IEND" => return Err(Problem::Malformed),
            _ => Self::next_chunk,
        };
        if self.packed.begin(kind) {
            return self.then(Self::checksum, Want::Feed(length.into()));
        }
        self.has_data |= kind == b"IDAT" && length > 0;
        self.then(next, Want::Skip(u64::from(length) + CHECKSUM))
    }

    fn header(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let (size, form) = bytes.as_chunks::<4>();
        let (&[width, height, [depth, colour, compression, filter]], &[interlace]) = (size, form)
        else {
            return Err(Problem::Malformed);
        };
        let [width, height] = [width, height].map(u32::from_be_bytes);
        let known = matches!(
            (colour, depth),
            (0, 1 | 2 | 4 | 8 | 16) | (2 | 4 | 6, 8 | 16) | (3, 1 | 2 | 4 | 8)
        ) && (compression, filter) == (0, 0)
            && interlace <= 1;
        if !known || width > MAX_LENGTH || height > MAX_LENGTH {
            return Err(Problem::Malformed);
        }
        canvas.set(width, height)?;
        self.then(Self::next_chunk, Want::Skip(CHECKSUM))
    }

    /// After the compressed data of a chunk.
    fn checksum(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.then(Self::next_chunk, Want::Skip(CHECKSUM))
    }

    fn next_chunk(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.then(Self::chunk, Want::Take(CHUNK_HEADER))
    }

    fn end(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        Ok(Want::End)
    }

    fn then(&mut self, next: Step<Self>, want: Want) -> Result<Want, Problem> {
        self.next = next;
        Ok(want)
    }
}

impl Walk for Png {
    fn feed(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.packed.take(bytes)
    }

    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        (self.next)(self, bytes, canvas)
    }
}

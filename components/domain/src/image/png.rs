//! PNG: chunks, from `IHDR` to `IEND` (ISO/IEC 15948). Checksums are left to the decoder.

use super::Problem;
use super::packed::Packed;
use super::walk::{Canvas, Walk, Want};

const CHUNK_HEADER: usize = 8;
const HEADER_LENGTH: u32 = 13;
const CHECKSUM: u64 = 4;
const MAX_LENGTH: u32 = i32::MAX as u32;

#[derive(Debug)]
pub(super) struct Png {
    state: State,
    has_header: bool,
    has_data: bool,
    packed: Packed,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the length and type of a chunk.
    Chunk,
    /// At the contents of `IHDR`.
    Header,
    /// At the checksum of a chunk with compressed data.
    Checksum,
    /// After a chunk.
    Behind,
    /// After `IEND`.
    End,
}

impl Png {
    pub(super) fn new() -> Self {
        Self {
            state: State::Chunk,
            has_header: false,
            has_data: false,
            packed: Packed::new(),
        }
    }

    fn chunk(&mut self, bytes: &[u8]) -> Result<Want, Problem> {
        let &[a, b, c, d, ref kind @ ..] = bytes else {
            return Err(Problem::Malformed);
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        if length > MAX_LENGTH || !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(Problem::Malformed);
        }
        if !self.has_header {
            self.has_header = true;
            self.state = State::Header;
            return match kind {
                b"IHDR" if length == HEADER_LENGTH => Ok(Want::Take(HEADER_LENGTH as usize)),
                _ => Err(Problem::Malformed),
            };
        }
        self.state = match kind {
            b"IHDR" => return Err(Problem::Malformed),
            b"IEND" if length == 0 && self.has_data => State::End,
            b"IEND" => return Err(Problem::Malformed),
            _ => State::Behind,
        };
        if self.packed.begin(kind) {
            self.state = State::Checksum;
            return Ok(Want::Feed(length.into()));
        }
        self.has_data |= kind == b"IDAT" && length > 0;
        Ok(Want::Skip(u64::from(length) + CHECKSUM))
    }

    fn header(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[
            a,
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            depth,
            colour,
            compression,
            filter,
            interlace,
        ] = bytes
        else {
            return Err(Problem::Malformed);
        };
        let width = u32::from_be_bytes([a, b, c, d]);
        let height = u32::from_be_bytes([e, f, g, h]);
        let known = matches!(
            (colour, depth),
            (0, 1 | 2 | 4 | 8 | 16) | (2 | 4 | 6, 8 | 16) | (3, 1 | 2 | 4 | 8)
        ) && (compression, filter) == (0, 0)
            && interlace <= 1;
        if !known || width > MAX_LENGTH || height > MAX_LENGTH {
            return Err(Problem::Malformed);
        }
        canvas.set(width, height)?;
        self.state = State::Behind;
        Ok(Want::Skip(CHECKSUM))
    }
}

impl Walk for Png {
    fn start(&self) -> Want {
        Want::Take(CHUNK_HEADER)
    }

    fn feed(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        self.packed.take(bytes)
    }

    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        match self.state {
            State::Chunk => self.chunk(bytes),
            State::Header => self.header(bytes, canvas),
            State::Checksum => {
                self.state = State::Behind;
                Ok(Want::Skip(CHECKSUM))
            }
            State::Behind => {
                self.state = State::Chunk;
                Ok(Want::Take(CHUNK_HEADER))
            }
            State::End => Ok(Want::End),
        }
    }
}

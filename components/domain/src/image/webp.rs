//! WebP: RIFF chunks, lossy (`VP8 `, RFC 6386), lossless (`VP8L`) or extended
//! (`VP8X`: with alpha, animation or metadata); RFC 9649.
//!
//! Each frame must have the size that the canvas or its header says, so that a large
//! frame cannot hide in a small canvas.

use super::Problem;
use super::walk::{Canvas, Step, Walk, Want};

pub(super) const CHUNK_HEADER: u64 = 8;
/// As much of a content as tells the size of the picture.
pub(super) const LOSSY_HEADER: u64 = 10;
pub(super) const LOSSLESS_HEADER: u64 = 5;
pub(super) const EXTENDED_HEADER: u64 = 10;
pub(super) const FRAME_HEADER: u64 = 16;

#[derive(Debug)]
pub(super) struct Webp {
    next: Step<Self>,
    /// Bytes of the file after the current chunk.
    left: u64,
    /// The current chunk's size, and how many of its bytes are left.
    size: u64,
    chunk_left: u64,
    /// The animation frame that contains the current chunk.
    frame: Option<Frame>,
    is_first: bool,
    is_extended: bool,
    has_picture: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    size: (u32, u32),
    /// Bytes of the frame after the current chunk.
    left: u64,
}

impl Webp {
    pub(super) fn new() -> Self {
        Self {
            next: Self::signature,
            left: 0,
            size: 0,
            chunk_left: 0,
            frame: None,
            is_first: true,
            is_extended: false,
            has_picture: false,
        }
    }

    fn signature(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[_, _, _, _, a, b, c, d, ref kind @ ..] = bytes else {
            return Err(Problem::Malformed);
        };
        self.left = u64::from(u32::from_le_bytes([a, b, c, d]))
            .checked_sub(kind.len() as u64)
            .filter(|left| *left >= CHUNK_HEADER)
            .ok_or(Problem::Malformed)?;
        self.next_chunk(&[], canvas)
    }

    fn chunk(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        let &[ref kind @ .., a, b, c, d] = bytes else {
            return Err(Problem::Malformed);
        };
        let size = u64::from(u32::from_le_bytes([a, b, c, d]));
        let left = match &mut self.frame {
            Some(frame) => &mut frame.left,
            None => &mut self.left,
        };
        if size > *left {
            return Err(Problem::Malformed);
        }
        // Some encoders omit the last padding byte.
        self.chunk_left = size.next_multiple_of(2).min(*left);
        *left -= self.chunk_left;

        let is_first = std::mem::take(&mut self.is_first);
        let (next, header): (Step<Self>, _) = match kind {
            b"VP8 " => (Self::lossy, LOSSY_HEADER),
            b"VP8L" => (Self::lossless, LOSSLESS_HEADER),
            b"VP8X" if is_first => (Self::extended, EXTENDED_HEADER),
            _ if is_first => return Err(Problem::Malformed),
            b"ANMF" if self.is_extended && self.frame.is_none() => (Self::frame, FRAME_HEADER),
            _ => return self.skip_chunk(),
        };
        if size < header {
            return Err(Problem::Malformed);
        }
        self.size = size;
        self.chunk_left -= header;
        self.then(next, Want::Take(header as usize))
    }

    fn lossy(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, c, 0x9d, 0x01, 0x2a, d, e, f, g] = bytes else {
            return Err(Problem::Malformed);
        };
        let tag = u24(a, b, c);
        let is_key_frame = tag & 1 == 0;
        let first_partition = u64::from(tag >> 5);
        if !is_key_frame || first_partition >= self.size {
            return Err(Problem::Malformed);
        }
        let width = u16::from_le_bytes([d, e]) & 0x3fff;
        let height = u16::from_le_bytes([f, g]) & 0x3fff;
        self.picture((width.into(), height.into()), canvas)
    }

    fn lossless(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[0x2f, a, b, c, d] = bytes else {
            return Err(Problem::Malformed);
        };
        let bits = u32::from_le_bytes([a, b, c, d]);
        let version = bits >> 29;
        if version != 0 {
            return Err(Problem::Malformed);
        }
        let size = (1 + (bits & 0x3fff), 1 + (bits >> 14 & 0x3fff));
        self.picture(size, canvas)
    }

    fn picture(&mut self, size: (u32, u32), canvas: &mut Canvas) -> Result<Want, Problem> {
        match self.frame.map(|frame| frame.size).or(canvas.size()) {
            Some(around) if around != size => return Err(Problem::Malformed),
            Some(_) => {}
            None => canvas.set(size.0, size.1)?,
        }
        self.has_picture = true;
        self.skip_chunk()
    }

    fn extended(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[_flags, _, _, _, a, b, c, d, e, f] = bytes else {
            return Err(Problem::Malformed);
        };
        canvas.set(1 + u24(a, b, c), 1 + u24(d, e, f))?;
        self.is_extended = true;
        self.skip_chunk()
    }

    /// The rest of the chunk consists of the chunks of the frame.
    fn frame(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, c, d, e, f, g, h, i, j, k, l, ..] = bytes else {
            return Err(Problem::Malformed);
        };
        let (left, top) = (2 * u24(a, b, c), 2 * u24(d, e, f));
        let size = (1 + u24(g, h, i), 1 + u24(j, k, l));
        let is_within = canvas
            .size()
            .is_some_and(|(width, height)| left + size.0 <= width && top + size.1 <= height);
        if !is_within {
            return Err(Problem::Malformed);
        }
        self.frame = Some(Frame {
            size,
            left: self.chunk_left,
        });
        self.next_chunk(&[], canvas)
    }

    fn skip_chunk(&mut self) -> Result<Want, Problem> {
        self.then(Self::next_chunk, Want::Skip(self.chunk_left))
    }

    /// A remainder that is too short for a chunk is ignored.
    fn next_chunk(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        let left = match &mut self.frame {
            Some(frame) => &mut frame.left,
            None => &mut self.left,
        };
        if let Some(rest) = left.checked_sub(CHUNK_HEADER) {
            *left = rest;
            return self.then(Self::chunk, Want::Take(CHUNK_HEADER as usize));
        }
        let rest = std::mem::take(left);
        if self.frame.take().is_some() || rest > 0 {
            self.then(Self::next_chunk, Want::Skip(rest))
        } else if self.has_picture {
            Ok(Want::End)
        } else {
            Err(Problem::Malformed)
        }
    }

    fn then(&mut self, next: Step<Self>, want: Want) -> Result<Want, Problem> {
        self.next = next;
        Ok(want)
    }
}

impl Walk for Webp {
    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        (self.next)(self, bytes, canvas)
    }
}

fn u24(a: u8, b: u8, c: u8) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

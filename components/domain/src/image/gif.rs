//! GIF 87a and 89a: the screen, followed by blocks up to the trailer.
//!
//! As in browsers, the first frame enlarges a screen that is too small for it, and the
//! trailer may be missing: after a complete frame, a byte that does not begin a block
//! is the end.

use super::Problem;
use super::walk::{Canvas, Step, Walk, Want};

const SCREEN: usize = 7;
const FRAME: usize = 9;

#[derive(Debug)]
pub(super) struct Gif {
    next: Step<Self>,
    screen: (u32, u32),
    has_frame: bool,
    /// Whether the next byte begins a block.
    is_at_block: bool,
}

impl Gif {
    pub(super) fn new() -> Self {
        Self {
            next: Self::signature,
            screen: (0, 0),
            has_frame: false,
            is_at_block: false,
        }
    }

    fn signature(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.then(Self::screen, Want::Take(SCREEN))
    }

    fn screen(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, c, d, flags, _background, _aspect] = bytes else {
            return Err(Problem::Malformed);
        };
        let [width, height] = [[a, b], [c, d]].map(number);
        self.screen = (width, height);
        canvas.fits(width, height)?;
        self.then(Self::next_block, Want::Skip(colours(flags)))
    }

    fn next_block(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.is_at_block = true;
        self.then(Self::block, Want::Take(1))
    }

    fn block(&mut self, bytes: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.is_at_block = false;
        match bytes {
            b"," => self.then(Self::frame, Want::Take(FRAME)),
            // The kind of extension, the first length.
            b"!" => self.then(Self::length, Want::Take(2)),
            _ if self.has_frame => Ok(Want::End),
            _ => Err(Problem::Malformed),
        }
    }

    /// A later frame that extends beyond the screen is checked too, since some decoders
    /// enlarge the screen for it.
    fn frame(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, c, d, e, f, g, h, flags] = bytes else {
            return Err(Problem::Malformed);
        };
        let [left, top, width, height] = [[a, b], [c, d], [e, f], [g, h]].map(number);
        if width == 0 || height == 0 {
            return Err(Problem::Malformed);
        }
        let (right, bottom) = (left + width, top + height);
        match std::mem::replace(&mut self.has_frame, true) {
            true => canvas.fits(right, bottom)?,
            false => canvas.set(self.screen.0.max(right), self.screen.1.max(bottom))?,
        }
        self.then(Self::codes, Want::Skip(colours(flags)))
    }

    /// The size of LZW codes, the first length.
    fn codes(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.then(Self::length, Want::Take(2))
    }

    /// The length of a sub-block, possibly preceded by an ignored byte.
    fn length(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        match bytes {
            [.., 0] => self.next_block(&[], canvas),
            [.., length] => self.then(Self::next_length, Want::Skip((*length).into())),
            [] => Err(Problem::Malformed),
        }
    }

    fn next_length(&mut self, _: &[u8], _: &mut Canvas) -> Result<Want, Problem> {
        self.then(Self::length, Want::Take(1))
    }

    fn then(&mut self, next: Step<Self>, want: Want) -> Result<Want, Problem> {
        self.next = next;
        Ok(want)
    }
}

impl Walk for Gif {
    fn may_end(&self) -> bool {
        self.has_frame && self.is_at_block
    }

    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        (self.next)(self, bytes, canvas)
    }
}

fn number(bytes: [u8; 2]) -> u32 {
    u16::from_le_bytes(bytes).into()
}

/// Size of the colour table that these flags announce, in bytes.
pub(super) fn colours(flags: u8) -> u64 {
    match flags & 0x80 {
        0 => 0,
        _ => 3 << ((flags & 7) + 1),
    }
}

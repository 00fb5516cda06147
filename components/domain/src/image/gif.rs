//! GIF 87a and 89a: the screen, followed by blocks up to the trailer.
//!
//! As in browsers, the first frame enlarges a screen that is too small for it, and the
//! trailer may be missing: after a complete frame, a byte that does not begin a block
//! is the end.

use super::Problem;
use super::walk::{Canvas, Walk, Want};

const SCREEN: usize = 7;
const FRAME: usize = 9;

#[derive(Debug)]
pub(super) struct Gif {
    state: State,
    screen: (u32, u32),
    has_frame: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// At the logical screen descriptor.
    Screen,
    /// After the screen and its colour table.
    BehindScreen,
    /// At the byte with the type of the next block.
    Block,
    /// At an image descriptor.
    Frame,
    /// After an image descriptor and its colour table.
    BehindFrame,
    /// At the length of a sub-block, possibly preceded by an ignored byte.
    Length,
    /// After a sub-block.
    BehindData,
}

impl Gif {
    pub(super) fn new() -> Self {
        Self {
            state: State::Screen,
            screen: (0, 0),
            has_frame: false,
        }
    }

    fn screen(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        let &[a, b, c, d, flags, _background, _aspect] = bytes else {
            return Err(Problem::Malformed);
        };
        let width = u16::from_le_bytes([a, b]);
        let height = u16::from_le_bytes([c, d]);
        self.screen = (width.into(), height.into());
        canvas.fits(width.into(), height.into())?;
        self.state = State::BehindScreen;
        Ok(Want::Skip(colours(flags)))
    }

    fn block(&mut self, bytes: &[u8]) -> Result<Want, Problem> {
        match bytes {
            b"," => {
                self.state = State::Frame;
                Ok(Want::Take(FRAME))
            }
            b"!" => {
                self.state = State::Length;
                Ok(Want::Take(2)) // the kind of extension, the first length
            }
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
        let left = u32::from(u16::from_le_bytes([a, b]));
        let top = u32::from(u16::from_le_bytes([c, d]));
        let width = u32::from(u16::from_le_bytes([e, f]));
        let height = u32::from(u16::from_le_bytes([g, h]));
        if width == 0 || height == 0 {
            return Err(Problem::Malformed);
        }
        let (right, bottom) = (left + width, top + height);
        match std::mem::replace(&mut self.has_frame, true) {
            true => canvas.fits(right, bottom)?,
            false => canvas.set(self.screen.0.max(right), self.screen.1.max(bottom))?,
        }
        self.state = State::BehindFrame;
        Ok(Want::Skip(colours(flags)))
    }

    fn length(&mut self, bytes: &[u8]) -> Result<Want, Problem> {
        match bytes {
            [.., 0] => Ok(self.next_block()),
            [.., length] => {
                self.state = State::BehindData;
                Ok(Want::Skip((*length).into()))
            }
            [] => Err(Problem::Malformed),
        }
    }

    fn next_block(&mut self) -> Want {
        self.state = State::Block;
        Want::Take(1)
    }
}

impl Walk for Gif {
    fn may_grow(&self) -> bool {
        !self.has_frame
    }

    fn may_end(&self) -> bool {
        self.has_frame && matches!(self.state, State::Block)
    }

    fn start(&self) -> Want {
        Want::Take(SCREEN)
    }

    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem> {
        match self.state {
            State::Screen => self.screen(bytes, canvas),
            State::BehindScreen => Ok(self.next_block()),
            State::Block => self.block(bytes),
            State::Frame => self.frame(bytes, canvas),
            State::BehindFrame => {
                self.state = State::Length;
                Ok(Want::Take(2)) // the size of LZW codes, the first length
            }
            State::Length => self.length(bytes),
            State::BehindData => {
                self.state = State::Length;
                Ok(Want::Take(1))
            }
        }
    }
}

/// Size of the colour table that these flags announce, in bytes.
fn colours(flags: u8) -> u64 {
    if flags & 0x80 == 0 {
        0
    } else {
        3 << ((flags & 7) + 1)
    }
}

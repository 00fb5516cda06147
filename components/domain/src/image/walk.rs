//! What the walks through the four formats share.

use super::Problem;

/// What a walk wants to happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// The next bytes, so many (1 to [`MAX_TAKE`]), handed to the next step.
    Take(usize),
    /// To go on so many bytes further; the next step gets none of them.
    Skip(u64),
    /// To go on behind the next byte of this value; the next step gets none.
    Behind(u8),
    /// Nothing: the image is whole.
    End,
}

/// The most bytes that a walk may ask for at once.
pub(super) const MAX_TAKE: usize = 16;

/// One walk through one image, from behind its signature to its end. It is
/// told what it wanted, and says what it wants next; a step that is answered
/// with no bytes must be followed by one that takes some.
pub(super) trait Walk: std::fmt::Debug + Send {
    fn start(&self) -> Want;

    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem>;

    /// Whether a picture may still turn out to be larger than what the canvas
    /// holds by now.
    fn may_grow(&self) -> bool {
        false
    }
}

/// The dimensions, once they are known, held against the limit at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    max_pixels: u64,
    size: Option<(u32, u32)>,
    /// The most that anything in the image reaches over, in pixels.
    extent: u64,
}

impl Canvas {
    pub(super) fn new(max_pixels: u64) -> Self {
        Self {
            max_pixels,
            size: None,
            extent: 0,
        }
    }

    pub(super) fn size(&self) -> Option<(u32, u32)> {
        self.size
    }

    pub(super) fn extent(&self) -> Option<u64> {
        self.size.map(|_| self.extent)
    }

    /// An image has one size, and some.
    pub(super) fn set(&mut self, width: u32, height: u32) -> Result<(), Problem> {
        if self.size.is_some() || width == 0 || height == 0 {
            return Err(Problem::Malformed);
        }
        self.size = Some((width, height));
        self.fits(width, height)
    }

    /// Whether so many pixels are within the limit.
    pub(super) fn fits(&mut self, width: u32, height: u32) -> Result<(), Problem> {
        let pixels = u64::from(width) * u64::from(height);
        self.extent = self.extent.max(pixels);
        if pixels > self.max_pixels {
            return Err(Problem::TooManyPixels {
                max_pixels: self.max_pixels,
            });
        }
        Ok(())
    }
}

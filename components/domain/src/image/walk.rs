//! Shared by the parsers of the four formats.

use super::Problem;

/// A parser's next request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// This many bytes (1 to [`MAX_TAKE`]), passed to the next step.
    Take(usize),
    /// To skip this many bytes; the next step gets none.
    Skip(u64),
    /// This many bytes, passed on as they arrive; the next step gets none.
    Feed(u64),
    /// To skip past the next byte with this value; the next step gets none.
    Behind(u8),
    /// As many bytes as it takes, passed on as they arrive; the next step gets none.
    FeedUntil,
    /// Nothing; the image is complete.
    End,
}

/// Most bytes that a parser may request at a time.
pub(super) const MAX_TAKE: usize = 17;

/// A step of a parser: it gets the bytes that the previous one requested, returns the next
/// request, and sets the step that follows.
pub(super) type Step<P> = fn(&mut P, &[u8], &mut Canvas) -> Result<Want, Problem>;

/// Parses one image, from its signature to its end. The first step gets the signature. A step
/// that requested no bytes must be followed by one that does.
pub(super) trait Walk: std::fmt::Debug + Send {
    fn step(&mut self, bytes: &[u8], canvas: &mut Canvas) -> Result<Want, Problem>;

    /// Takes bytes that it requested with [`Want::Feed`].
    fn feed(&mut self, _bytes: &[u8]) -> Result<(), Problem> {
        Ok(())
    }

    /// Takes bytes that it requested with [`Want::FeedUntil`]. Returns how many it used,
    /// or None if it needs more.
    fn feed_until(&mut self, _bytes: &[u8]) -> Option<usize> {
        Some(0)
    }

    /// Whether all frames are complete, so that only the mark of the end is missing.
    fn may_end(&self) -> bool {
        false
    }
}

/// The dimensions, checked against the limit as soon as they are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Canvas {
    max_pixels: u64,
    size: Option<(u32, u32)>,
    /// The largest extent of any frame, in pixels.
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

    /// Sets the size, which must be positive and may be set once.
    pub(super) fn set(&mut self, width: u32, height: u32) -> Result<(), Problem> {
        if self.size.is_some() || width == 0 || height == 0 {
            return Err(Problem::Malformed);
        }
        self.size = Some((width, height));
        self.fits(width, height)
    }

    /// Whether this number of pixels is within the limit.
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

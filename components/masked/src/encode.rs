//! Writes images without loss, with nothing but pixels and what says their colours.

pub mod png;
pub mod webp;

use concept_refinement_raster::Colors;

use crate::Problem;

/// RGB and alpha, at the depth of the image.
pub type Pixel = [u16; 4];

/// What kind of image is written.
pub struct Form {
    pub width: u32,
    pub height: u32,
    pub alpha: bool,
    /// Sixteen bits per channel.
    pub wide: bool,
    pub colors: Colors,
}

impl Form {
    /// How long a file of this form can be with alpha, in bytes: what does not compress
    /// grows by a little.
    pub fn longest_with_alpha(&self) -> u64 {
        /// What is neither pixels nor colours.
        const REST: u64 = 64 << 10;
        let pixel: u64 = if self.wide { 8 } else { 4 };
        let row = pixel.saturating_mul(self.width.into()).saturating_add(1);
        let pixels = row.saturating_mul(self.height.into());
        let chunks = self.colors.chunks.iter().map(|(_, contents)| contents);
        let colors = self.colors.icc.iter().chain(chunks);
        let colors: u64 = colors.map(|contents| contents.len() as u64).sum();
        pixels
            .saturating_add(pixels / 64)
            .saturating_add(colors)
            .saturating_add(REST)
    }

    fn channels(&self) -> usize {
        if self.alpha { 4 } else { 3 }
    }
}

/// A file, in pieces.
pub type Pieces = Box<dyn Iterator<Item = Result<Vec<u8>, Problem>>>;

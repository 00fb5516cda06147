//! An image in memory while it is edited.
//!
//! It has only eight bits per channel, so that fifty megapixels fit into the memory of a
//! model's instance. Edits work in place; none may make a second copy of a large image,
//! except to rotate it by 90° or to change its size.

use concept_refinement_raster::Orientation;
use image::{DynamicImage, ImageBuffer};

/// RGB or RGBA, eight bits per channel, sRGB, rows from the top without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    width: u32,
    height: u32,
    alpha: bool,
    data: Vec<u8>,
}

impl Pixels {
    /// None if the length of the data does not match the size, or the image is empty.
    pub fn new(width: u32, height: u32, alpha: bool, data: Vec<u8>) -> Option<Self> {
        let channels = if alpha { 4 } else { 3 };
        let length = (width as usize)
            .checked_mul(height as usize)?
            .checked_mul(channels)?;
        (length > 0 && length == data.len()).then_some(Self {
            width,
            height,
            alpha,
            data,
        })
    }

    pub fn width(&self) -> u32 {
        self.width
    }

    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn has_alpha(&self) -> bool {
        self.alpha
    }

    /// 3 or 4.
    pub fn channels(&self) -> usize {
        if self.alpha { 4 } else { 3 }
    }

    pub fn data(&self) -> &[u8] {
        &self.data
    }

    pub fn data_mut(&mut self) -> &mut [u8] {
        &mut self.data
    }

    /// Adds an alpha channel, fully opaque, if there is none.
    pub fn add_alpha(&mut self) {
        if self.alpha {
            return;
        }
        let count = self.data.len() / 3;
        self.data.resize(count * 4, u8::MAX);
        // From the end, so that no pixel is overwritten before it has moved.
        for index in (0..count).rev() {
            self.data.copy_within(index * 3..index * 3 + 3, index * 4);
            if let Some(alpha) = self.data.get_mut(index * 4 + 3) {
                *alpha = u8::MAX;
            }
        }
        self.alpha = true;
    }

    /// Drops the alpha channel.
    pub fn drop_alpha(&mut self) {
        if !self.alpha {
            return;
        }
        let count = self.data.len() / 4;
        for index in 0..count {
            self.data.copy_within(index * 4..index * 4 + 3, index * 3);
        }
        self.data.truncate(count * 3);
        self.alpha = false;
    }

    /// Turns or mirrors it. By 90° it would take more than linear time in place, so this
    /// needs a second copy for a moment.
    pub fn orient(&mut self, orientation: Orientation) {
        let (width, height, data) = (self.width, self.height, std::mem::take(&mut self.data));
        let image = if self.alpha {
            ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageRgba8)
        } else {
            ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageRgb8)
        };
        if let Some(mut image) = image {
            image.apply_orientation(orientation);
            (self.width, self.height) = (image.width(), image.height());
            self.data = image.into_bytes();
        }
    }

    /// Keeps the given area, limited to the image and at least one pixel.
    pub fn crop(&mut self, left: u32, top: u32, width: u32, height: u32) {
        let (left, top) = (left.min(self.width - 1), top.min(self.height - 1));
        let width = width.clamp(1, self.width - left);
        let height = height.clamp(1, self.height - top);
        let (old, channels) = (self.row_length(), self.channels());
        let (start, length) = (left as usize * channels, width as usize * channels);
        for y in 0..height as usize {
            let from = (y + top as usize) * old + start;
            self.data.copy_within(from..from + length, y * length);
        }
        self.data.truncate(height as usize * length);
        self.data.shrink_to_fit();
        (self.width, self.height) = (width, height);
    }

    /// Each pixel, as three or four bytes.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.channels())
    }

    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let channels = self.channels();
        self.data.chunks_exact_mut(channels)
    }

    pub fn rows(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.row_length())
    }

    pub fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let length = self.row_length();
        self.data.chunks_exact_mut(length)
    }

    /// The bytes of a row; beyond the last row, that row is repeated.
    pub fn row(&self, y: usize) -> &[u8] {
        let length = self.row_length();
        let start = y.min(self.height as usize - 1) * length;
        self.data.get(start..start + length).unwrap_or_default()
    }

    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        let length = self.row_length();
        let start = y.min(self.height as usize - 1) * length;
        self.data.get_mut(start..start + length).unwrap_or_default()
    }

    fn row_length(&self) -> usize {
        self.width as usize * self.channels()
    }
}

/// The colour of a pixel without its alpha.
pub fn rgb(pixel: &[u8]) -> [u8; 3] {
    match *pixel {
        [r, g, b, ..] => [r, g, b],
        _ => [0; 3],
    }
}

/// An approximation of a colour's lightness, in levels.
pub fn luma([r, g, b]: [u8; 3]) -> u8 {
    ((54 * u32::from(r) + 183 * u32::from(g) + 19 * u32::from(b)) >> 8) as u8
}

/// The alpha of a pixel: 255 if the image has no alpha channel.
pub fn alpha(pixel: &[u8]) -> u8 {
    pixel.get(3).copied().unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alpha_is_added_once() {
        let mut pixels = Pixels::new(2, 1, false, vec![1, 2, 3, 4, 5, 6]).unwrap();
        pixels.add_alpha();
        pixels.add_alpha();
        assert_eq!(pixels.data(), [1, 2, 3, 255, 4, 5, 6, 255]);
        assert!(pixels.has_alpha());
    }

    #[test]
    fn a_crop_stays_within() {
        let original = Pixels::new(3, 2, false, (0..18).collect()).unwrap();
        let cases: [([u32; 4], u32, Vec<u8>); 4] = [
            ([1, 1, 1, 1], 1, vec![12, 13, 14]),
            ([0, 0, 9, 1], 3, (0..9).collect()),
            ([2, 0, 1, 9], 1, vec![6, 7, 8, 15, 16, 17]),
            ([7, 7, 0, 0], 1, vec![15, 16, 17]),
        ];
        for (case, width, data) in cases {
            let mut pixels = original.clone();
            let [left, top, across, down] = case;
            pixels.crop(left, top, across, down);
            assert_eq!(pixels.width(), width, "{case:?}");
            assert_eq!(pixels.data(), data, "{case:?}");
        }
    }
}

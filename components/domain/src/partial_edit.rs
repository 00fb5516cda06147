//! Edits of a part of an image: where the part is, and how much memory such an edit needs.

use serde::{Deserialize, Serialize};

/// The margin around what is to change, in pixels: a part of the longer side, within
/// limits.
const MARGIN_PART: u32 = 4;
const MIN_MARGIN: u32 = 32;
const MAX_MARGIN: u32 = 256;

/// Largest result of an edit of a part, which is encoded without loss, in bytes. As the image of a
/// concept it may be the original of another edit.
pub const MAX_COMPOSITE_BYTES: u64 = 256 << 20;

/// The option of a request to a model that says how many pixels along the edge of its mask
/// will blend.
pub const FEATHER_OPTION: &str = "mask-feather";

/// A rectangle in pixels of an upright image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Region {
    /// Of its left column.
    pub x: u32,
    /// Of its top row.
    pub y: u32,
    /// At least 1.
    pub width: u32,
    /// At least 1.
    pub height: u32,
}

impl Region {
    /// All of an image of this width and height.
    pub fn whole((width, height): (u32, u32)) -> Self {
        Self {
            x: 0,
            y: 0,
            width,
            height,
        }
    }

    /// What of it lies in an image of this width and height. None: nothing.
    pub fn within(self, (width, height): (u32, u32)) -> Option<Self> {
        let clipped = Self {
            width: self.width.min(width.saturating_sub(self.x)),
            height: self.height.min(height.saturating_sub(self.y)),
            ..self
        };
        (clipped.width > 0 && clipped.height > 0).then_some(clipped)
    }

    /// With the margin that a model sees around it, as far as the image goes.
    pub fn with_margin(self, (width, height): (u32, u32)) -> Self {
        let margin = (self.width.max(self.height) / MARGIN_PART).clamp(MIN_MARGIN, MAX_MARGIN);
        let side = |start: u32, length: u32, most: u32| {
            let end = start
                .saturating_add(length)
                .saturating_add(margin)
                .min(most);
            let start = start.saturating_sub(margin);
            (start, end.saturating_sub(start))
        };
        let (x, width) = side(self.x, self.width, width);
        let (y, height) = side(self.y, self.height, height);
        Self {
            x,
            y,
            width,
            height,
        }
    }
}

/// What decoding takes for each pixel at its peak, in bytes: the coefficients, the planes
/// and the pixels of a progressive JPEG in four inks.
const DECODING: u64 = 16;
/// What such a JPEG then takes, while the other image is decoded.
const DECODED_JPEG: u64 = 3;
/// Code, profiles, and some rows of the widest image.
const BASE: u64 = 24 << 20;

/// An upper bound for the memory of `prepare`, in bytes, by the pixels of the larger of the
/// two images and the lengths of their files.
pub fn prepare_need(pixels: u64, original_bytes: u64, mask_bytes: u64) -> u64 {
    decoding_beside(original_bytes.saturating_add(mask_bytes), pixels)
}

/// An upper bound for the memory of `compose`, in bytes, by the pixels of the larger of
/// original and answer, and the lengths of their files.
pub fn compose_need(pixels: u64, original_bytes: u64, answer_bytes: u64) -> u64 {
    let first = original_bytes.saturating_add(answer_bytes);
    // The first file is freed before the second one is decoded.
    let decoded = pixels.saturating_mul(DECODED_JPEG);
    let second = original_bytes.max(answer_bytes).saturating_add(decoded);
    decoding_beside(first.max(second), pixels)
}

/// What decoding takes, with a mask and so many bytes of files and images beside it.
fn decoding_beside(held: u64, pixels: u64) -> u64 {
    let decoding = padded(pixels).saturating_mul(DECODING);
    held.saturating_add(decoding)
        .saturating_add(bits(pixels))
        .saturating_add(BASE)
}

/// Of a mask, whose rows begin with a byte each.
fn bits(pixels: u64) -> u64 {
    pixels / 8 + u64::from(u16::MAX)
}

/// A JPEG is decoded in blocks of up to 32 × 32 pixels, and a side has at most 65,535.
fn padded(pixels: u64) -> u64 {
    const BLOCK: u64 = 32;
    const SIDE: u64 = 65_535;
    let sides = pixels.min(SIDE) + pixels / SIDE + 1;
    pixels
        .saturating_add((BLOCK - 1) * sides)
        .saturating_add(BLOCK * BLOCK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn region([x, y, width, height]: [u32; 4]) -> Region {
        Region {
            x,
            y,
            width,
            height,
        }
    }

    #[test]
    fn what_reaches_beyond_the_image_is_cut_off() {
        let max = i32::MAX as u32;
        let cases = [
            ([0, 0, 10, 10], Some([0, 0, 10, 10])),
            ([90, 40, 20, 20], Some([90, 40, 10, 10])),
            ([99, 49, max, max], Some([99, 49, 1, 1])),
            ([0, 0, max, max], Some([0, 0, 100, 50])),
            ([100, 0, 1, 1], None),
            ([0, 50, 1, 1], None),
            ([max, max, max, max], None),
            ([0, 0, 0, 1], None),
        ];
        for (given, expected) in cases {
            assert_eq!(
                region(given).within((100, 50)),
                expected.map(region),
                "{given:?}"
            );
        }
    }

    #[test]
    fn the_margin_is_a_quarter_within_limits_as_far_as_the_image_goes() {
        let image = (4_000, 3_000);
        let cases = [
            ([1_000, 1_000, 1, 1], [968, 968, 65, 65]),
            ([1_000, 1_000, 403, 100], [900, 900, 603, 300]),
            ([1_000, 1_000, 100, 1_200], [744, 744, 612, 1_712]),
            ([0, 10, 4_000, 20], [0, 0, 4_000, 286]),
            ([3_990, 2_990, 10, 10], [3_958, 2_958, 42, 42]),
        ];
        for (given, expected) in cases {
            assert_eq!(
                region(given).with_margin(image),
                region(expected),
                "{given:?}"
            );
        }
    }

    #[test]
    fn fifty_megapixels_need_less_than_a_gibibyte() {
        let (pixels, original, answer) = (50_000_000, 20 << 20, 50 << 20);
        assert!(prepare_need(pixels, original, original) < 1 << 30);
        assert!(compose_need(pixels, original, answer) < 1 << 30);
        assert_eq!(compose_need(u64::MAX, u64::MAX, 1), u64::MAX);
    }

    proptest! {
        #[test]
        fn a_region_stays_within_the_image(
            given in any::<[u32; 4]>(), width in 1..70_000_u32, height in 1..70_000_u32,
        ) {
            let size = (width, height);
            if let Some(clipped) = region(given).within(size) {
                let area = clipped.with_margin(size);
                prop_assert_eq!(area.within(size), Some(area));
                prop_assert!(area.x <= clipped.x && area.y <= clipped.y);
                prop_assert!(area.x + area.width >= clipped.x + clipped.width);
                prop_assert!(area.y + area.height >= clipped.y + clipped.height);
            }
        }
    }
}

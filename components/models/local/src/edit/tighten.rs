//! Crops tighter: cuts off empty margins if the picture has any, otherwise a part of each
//! side.

use super::border::{Background, Border};
use crate::pixels::{Pixels, alpha};

/// An amount of 1 leaves only a small margin, or cuts off a tenth of each side.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    if amount <= 0.0 {
        return;
    }
    let whole = Frame {
        left: 0,
        top: 0,
        right: pixels.width(),
        bottom: pixels.height(),
    };
    let empty = content(pixels).map(|content| content.widened(&whole));
    let aim = match empty.filter(|aim| aim.is_tighter(&whole)) {
        Some(aim) => whole.towards(&aim, amount.min(1.0)),
        None => whole.inset(amount),
    };
    let (width, height) = (aim.right - aim.left, aim.bottom - aim.top);
    pixels.crop(aim.left, aim.top, width, height);
}

/// In pixels; `right` and `bottom` are exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    left: u32,
    top: u32,
    right: u32,
    bottom: u32,
}

impl Frame {
    /// With a small margin added, within the picture.
    fn widened(self, whole: &Self) -> Self {
        const MARGIN: f32 = 0.04;
        let longer = (self.right - self.left).max(self.bottom - self.top);
        let margin = (longer as f32 * MARGIN).round() as u32;
        Self {
            left: self.left.saturating_sub(margin),
            top: self.top.saturating_sub(margin),
            right: (self.right + margin).min(whole.right),
            bottom: (self.bottom + margin).min(whole.bottom),
        }
    }

    /// Whether the crop is large enough to be visible.
    fn is_tighter(&self, whole: &Self) -> bool {
        const SEEN: f32 = 0.98;
        let is_less = |own: u32, all: u32| (own as f32) < all as f32 * SEEN;
        is_less(self.right - self.left, whole.right)
            || is_less(self.bottom - self.top, whole.bottom)
    }

    /// A part of the way towards another frame inside of this one.
    fn towards(&self, aim: &Self, part: f32) -> Self {
        let between = |from: u32, to: u32| {
            let way = (f64::from(to) - f64::from(from)) * f64::from(part);
            (f64::from(from) + way).round() as u32
        };
        Self {
            left: between(self.left, aim.left),
            top: between(self.top, aim.top),
            right: between(self.right, aim.right),
            bottom: between(self.bottom, aim.bottom),
        }
    }

    /// With a part of each side cut off.
    fn inset(&self, amount: f32) -> Self {
        const PART: f32 = 0.1;
        const MOST: f32 = 0.4;
        let part = (PART * amount).min(MOST);
        let cut = |side: u32| (side as f32 * part).round() as u32;
        let (across, down) = (cut(self.right), cut(self.bottom));
        Self {
            left: across,
            top: down,
            right: self.right - across,
            bottom: self.bottom - down,
        }
    }
}

/// The area without background. None if no background was found, or there is nothing
/// else.
fn content(pixels: &Pixels) -> Option<Frame> {
    const TOLERANCE: u8 = 26;
    let background = match Border::of(pixels) {
        Border::Colored(color) => Some(Background {
            color,
            tolerance: TOLERANCE,
        }),
        Border::Transparent => None,
        Border::Mixed => return None,
    };
    let is_content = |pixel: &[u8]| match &background {
        Some(background) => !background.has(pixel),
        None => alpha(pixel) > 0,
    };
    let mut frame: Option<Frame> = None;
    for (y, row) in (0..).zip(pixels.rows()) {
        let mut row = row.chunks_exact(pixels.channels());
        let Some(first) = row.position(is_content) else {
            continue;
        };
        // Relative to `first`, which the iterator has passed.
        let last = row.rposition(is_content).map_or(0, |place| place + 1);
        let (left, right) = (first as u32, (first + last) as u32 + 1);
        let all = frame.get_or_insert(Frame {
            left,
            top: y,
            right,
            bottom: y,
        });
        all.left = all.left.min(left);
        all.right = all.right.max(right);
        all.bottom = y + 1;
    }
    frame
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A dark block on white, or on nothing.
    fn block(size: (u32, u32), [left, top, right, bottom]: [u32; 4], alpha: bool) -> Pixels {
        let (width, height) = size;
        let pixel = |place: u32| {
            let (x, y) = (place % width, place / width);
            let inside = (left..right).contains(&x) && (top..bottom).contains(&y);
            let [color, cover] = if inside { [20, 255] } else { [250, 0] };
            let channels = if alpha { 4 } else { 3 };
            [color, color, color, cover].into_iter().take(channels)
        };
        let data = (0..width * height).flat_map(pixel).collect();
        Pixels::new(width, height, alpha, data).unwrap()
    }

    fn size(pixels: &Pixels) -> (u32, u32) {
        (pixels.width(), pixels.height())
    }

    #[test]
    fn empty_margins_go_and_a_small_one_stays() {
        for alpha in [false, true] {
            let mut pixels = block((300, 200), [50, 60, 150, 110], alpha);
            assert_eq!(
                content(&pixels),
                Some(Frame {
                    left: 50,
                    top: 60,
                    right: 150,
                    bottom: 110
                })
            );
            apply(&mut pixels, 1.0);
            assert_eq!(size(&pixels), (108, 58));
            // Half the amount goes half of the way.
            let mut pixels = block((300, 200), [50, 60, 150, 110], alpha);
            apply(&mut pixels, 0.5);
            assert_eq!(size(&pixels), (204, 129));
        }
    }

    #[test]
    fn without_margins_a_part_of_each_side_goes() {
        let data =
            (0..300 * 200_u32).flat_map(|place| [(place % 251) as u8, (place % 13) as u8 * 19, 3]);
        let original = Pixels::new(300, 200, false, data.collect()).unwrap();
        for (amount, expected) in [
            (0.0, (300, 200)),
            (1.0, (240, 160)),
            (2.0, (180, 120)),
            (9.0, (60, 40)),
        ] {
            let mut pixels = original.clone();
            apply(&mut pixels, amount);
            assert_eq!(size(&pixels), expected, "{amount}");
        }
        // What fills the picture, and what is empty.
        for inside in [[0, 0, 300, 200], [0, 0, 0, 0]] {
            let mut pixels = block((300, 200), inside, false);
            apply(&mut pixels, 1.0);
            assert_eq!(size(&pixels), (240, 160));
        }
    }

    proptest! {
        #[test]
        fn nothing_of_the_content_is_cut_off(
            (width, height) in (1_u32..60, 1_u32..60),
            corners in (0_u32..60, 0_u32..60, 1_u32..60, 1_u32..60),
            alpha: bool,
            amount in 0.0_f32..1.0,
        ) {
            let (left, top) = (corners.0 % width, corners.1 % height);
            let (right, bottom) = ((left + corners.2).min(width), (top + corners.3).min(height));
            let mut pixels = block((width, height), [left, top, right, bottom], alpha);
            let dark = |pixels: &Pixels| pixels.iter().filter(|pixel| pixel[0] == 20).count();
            let border = Border::of(&pixels);
            let is_empty = matches!(border, Border::Transparent | Border::Colored([250, ..]));
            let whole = Frame { left: 0, top: 0, right: width, bottom: height };
            let is_tighter = content(&pixels)
                .is_some_and(|content| content.widened(&whole).is_tighter(&whole));
            let before = dark(&pixels);
            apply(&mut pixels, amount);
            if is_empty && is_tighter {
                prop_assert_eq!(dark(&pixels), before);
            }
            prop_assert!(pixels.width() <= width && pixels.height() <= height);
        }
    }
}

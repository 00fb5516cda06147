//! Crops tighter: cuts off empty margins if the picture has any, otherwise a part of each
//! side.

use super::border::{Background, Border};
use crate::pixels::{Pixels, alpha};

/// An amount of 1 leaves only a small margin, or cuts off a tenth of each side.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    let content = content(pixels).map(widened);
    let [across, down] = match content.filter(|content| content.iter().any(Span::is_tighter)) {
        Some(content) => content.map(|span| span.towards(amount.min(1.0))),
        None => [pixels.width(), pixels.height()].map(|side| inset(side, amount)),
    };
    pixels.crop(across.start, down.start, across.length(), down.length());
}

/// A part of a side of the picture, in pixels. The end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u32,
    end: u32,
    side: u32,
}

impl Span {
    fn length(&self) -> u32 {
        self.end - self.start
    }

    /// Whether a crop to it is large enough to be visible.
    fn is_tighter(&self) -> bool {
        const SEEN: f32 = 0.98;
        (self.length() as f32) < self.side as f32 * SEEN
    }

    /// A part of the way from the whole side.
    fn towards(self, part: f32) -> Self {
        let between = |from: u32, to: u32| {
            let way = (f64::from(to) - f64::from(from)) * f64::from(part);
            (f64::from(from) + way).round() as u32
        };
        Self {
            start: between(0, self.start),
            end: between(self.side, self.end),
            ..self
        }
    }
}

/// With a small margin added, within the picture.
fn widened(content: [Span; 2]) -> [Span; 2] {
    const MARGIN: f32 = 0.04;
    let longer = content.iter().map(Span::length).max().unwrap_or_default();
    let margin = (longer as f32 * MARGIN).round() as u32;
    content.map(|span| Span {
        start: span.start.saturating_sub(margin),
        end: (span.end + margin).min(span.side),
        ..span
    })
}

/// With a part of each end cut off.
fn inset(side: u32, amount: f32) -> Span {
    const PART: f32 = 0.1;
    const MOST: f32 = 0.4;
    let start = (side as f32 * (PART * amount).min(MOST)).round() as u32;
    let end = side - start;
    Span { start, end, side }
}

/// The area without background. None if no background was found, or there is nothing
/// else.
fn content(pixels: &Pixels) -> Option<[Span; 2]> {
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
    let mut content: Option<[Span; 2]> = None;
    for (y, row) in (0..).zip(pixels.rows()) {
        let mut row = row.chunks_exact(pixels.channels());
        let Some(first) = row.position(is_content) else {
            continue;
        };
        // Relative to `first`, which the iterator has passed.
        let last = row.rposition(is_content).map_or(0, |place| place + 1);
        let found = Span {
            start: first as u32,
            end: (first + last) as u32 + 1,
            side: pixels.width(),
        };
        let [across, down] = content.get_or_insert([
            found,
            Span {
                start: y,
                end: y,
                side: pixels.height(),
            },
        ]);
        across.start = across.start.min(found.start);
        across.end = across.end.max(found.end);
        down.end = y + 1;
    }
    content
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
                Some([
                    Span {
                        start: 50,
                        end: 150,
                        side: 300
                    },
                    Span {
                        start: 60,
                        end: 110,
                        side: 200
                    },
                ])
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
            let is_tighter = content(&pixels)
                .is_some_and(|content| widened(content).iter().any(Span::is_tighter));
            let before = dark(&pixels);
            apply(&mut pixels, amount);
            if is_empty && is_tighter {
                prop_assert_eq!(dark(&pixels), before);
            }
            prop_assert!(pixels.width() <= width && pixels.height() <= height);
        }
    }
}

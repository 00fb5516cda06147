//! The border of a picture, from which its background is determined.

use super::clusters::Histogram;
use crate::pixels::{Pixels, alpha, rgb};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Most of its visible part has this colour.
    Colored([u8; 3]),
    /// Most of it is transparent.
    Transparent,
    /// It has too many colours to tell which is the background's.
    Mixed,
}

impl Border {
    pub fn of(pixels: &Pixels) -> Self {
        let (all, seen) = (border(pixels).count(), visible(pixels).count());
        match most_frequent(pixels) {
            Some(_) if seen * 2 <= all => Self::Transparent,
            Some((color, count)) if count * 2 > seen || is_soft(pixels) => Self::Colored(color),
            Some(_) => Self::Mixed,
            None => Self::Transparent,
        }
    }

    /// Whether less than half of its visible part has nearly this colour, as of a gradient.
    pub fn is_uneven(pixels: &Pixels, color: [u8; 3]) -> bool {
        const NEAR: u8 = 8;
        let even = visible(pixels).filter(|other| apart(color, *other) <= NEAR);
        even.count() * 2 < visible(pixels).count()
    }

    /// How much of it is not transparent, 0 to 1.
    pub fn opaque(pixels: &Pixels) -> f32 {
        let opaque = border(pixels).filter(|pixel| alpha(pixel) > 127).count();
        opaque as f32 / border(pixels).count().max(1) as f32
    }
}

/// Whether the border is a gradient: from each pixel to the next the colour hardly
/// changes.
fn is_soft(pixels: &Pixels) -> bool {
    const STEP: u8 = 6;
    const STEEP: usize = 50;
    let colors = || visible(pixels);
    let pairs = colors().zip(colors().skip(1));
    let is_steep = |(one, next): &([u8; 3], [u8; 3])| apart(*one, *next) > STEP;
    pairs.filter(is_steep).count() * STEEP < colors().count()
}

/// The colour of what is added around a picture: the background's, transparent where that
/// is, and `mixed` where it cannot be told. The picture gets an alpha channel if it needs one.
pub fn surrounding(pixels: &mut Pixels, mixed: [u8; 4]) -> [u8; 4] {
    let fill = match Border::of(pixels) {
        Border::Colored([r, g, b]) => [r, g, b, u8::MAX],
        Border::Transparent => [0; 4],
        Border::Mixed => mixed,
    };
    if alpha(&fill) == 0 {
        pixels.add_alpha();
    }
    fill
}

/// What counts as background.
pub struct Background {
    pub color: [u8; 3],
    /// Colours that differ by up to this many levels belong to the background, too.
    pub tolerance: u8,
}

impl Background {
    pub fn has(&self, pixel: &[u8]) -> bool {
        alpha(pixel) == 0 || apart(self.color, rgb(pixel)) <= self.tolerance
    }
}

/// The largest difference of a channel.
pub fn apart(one: [u8; 3], other: [u8; 3]) -> u8 {
    let pairs = one.into_iter().zip(other);
    let differences = pairs.map(|(one, other)| one.abs_diff(other));
    differences.max().unwrap_or_default()
}

/// The most frequent colour of the border, and how many of its pixels have it. None if no
/// part of the border is visible.
fn most_frequent(pixels: &Pixels) -> Option<([u8; 3], usize)> {
    const BITS: u32 = 4;
    const NEAR: u8 = 24;
    let mut histogram = Histogram::new(BITS);
    visible(pixels).for_each(|color| histogram.add(color));
    let [r, g, b, count] = histogram.most_frequent().filter(|[.., count]| *count > 0)?;
    // Colours just outside of the bin count too.
    let middle = [r, g, b].map(|sum| (sum / count) as u8);
    let near = visible(pixels).filter(|color| apart(middle, *color) <= NEAR);
    let (count, sums) = near.fold((0_u32, [0_u32; 3]), |(count, [r, g, b]), color| {
        let [red, green, blue] = color.map(u32::from);
        (count + 1, [r + red, g + green, b + blue])
    });
    let mean = sums.map(|sum| ((sum + count / 2) / count.max(1)) as u8);
    Some((mean, count as usize))
}

/// The visible colours along the four sides.
fn visible(pixels: &Pixels) -> impl Iterator<Item = [u8; 3]> {
    border(pixels).filter(|pixel| alpha(pixel) > 127).map(rgb)
}

fn border(pixels: &Pixels) -> impl Iterator<Item = &[u8]> {
    let channels = pixels.channels();
    let ends = |last: bool| {
        pixels.rows().filter_map(move |row| {
            let mut row = row.chunks_exact(channels);
            if last { row.next_back() } else { row.next() }
        })
    };
    let bottom = pixels.row(pixels.height() as usize);
    pixels
        .row(0)
        .chunks_exact(channels)
        .chain(bottom.chunks_exact(channels))
        .chain(ends(false))
        .chain(ends(true))
}

//! The border of a picture, from which its background is determined.

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
}

impl Border {
    /// Whether less than half of its visible part has nearly this colour, as of a gradient.
    pub fn is_uneven(pixels: &Pixels, color: [u8; 3]) -> bool {
        let near = Background {
            color,
            tolerance: 8,
        };
        let even = visible(pixels).filter(|color| near.distance(*color) <= near.tolerance);
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
    let is_steep = |(one, next): &([u8; 3], [u8; 3])| {
        let one = Background {
            color: *one,
            tolerance: STEP,
        };
        one.distance(*next) > STEP
    };
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
    /// Distance of a colour: the largest difference of a channel.
    pub fn distance(&self, color: [u8; 3]) -> u8 {
        let pairs = color.into_iter().zip(self.color);
        pairs
            .map(|(one, other)| one.abs_diff(other))
            .max()
            .unwrap_or_default()
    }

    pub fn has(&self, pixel: &[u8]) -> bool {
        alpha(pixel) == 0 || self.distance(rgb(pixel)) <= self.tolerance
    }
}

/// The most frequent colour of the border, and how many of its pixels have it. None if no
/// part of the border is visible.
fn most_frequent(pixels: &Pixels) -> Option<([u8; 3], usize)> {
    /// Colours are binned by their upper bits.
    const BITS: u32 = 4;
    const NEAR: u8 = 24;
    let index = |color: [u8; 3]| {
        color.into_iter().fold(0, |index, value| {
            index << BITS | usize::from(value >> (8 - BITS))
        })
    };
    let mut counts = vec![0_u32; 1 << (3 * BITS)];
    let mut sums = vec![[0_u32; 3]; 1 << (3 * BITS)];
    for color in visible(pixels) {
        if let (Some(count), Some(sums)) =
            (counts.get_mut(index(color)), sums.get_mut(index(color)))
        {
            *count += 1;
            sums.iter_mut()
                .zip(color)
                .for_each(|(sum, value)| *sum += u32::from(value));
        }
    }
    let pairs = counts.iter().zip(&sums);
    let (count, sums) = pairs.rev().max_by_key(|(count, _)| **count)?;
    if *count == 0 {
        return None;
    }
    // Colours just outside of the bin count too.
    let middle = Background {
        color: sums.map(|sum| (sum / count) as u8),
        tolerance: NEAR,
    };
    let (mut count, mut sums) = (0_u32, [0_u32; 3]);
    for color in visible(pixels).filter(|color| middle.distance(*color) <= NEAR) {
        count += 1;
        sums.iter_mut()
            .zip(color)
            .for_each(|(sum, value)| *sum += u32::from(value));
    }
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

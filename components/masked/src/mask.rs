//! What is to change: a bit for each pixel of the upright image.

mod file;

use concept_refinement_raster::Raw;

use crate::Region;
use crate::original::{has_transparency, max_of};

/// Rows of whole bytes, as a PNG has them: the highest bit is the leftmost pixel, and what
/// is set is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    width: u32,
    height: u32,
    bits: Vec<u8>,
}

impl Mask {
    /// What a user's mask marks: where it has transparency anywhere, what is transparent
    /// altogether; else what is nearer to white than to black in each channel.
    pub fn of_image(raw: &Raw) -> Self {
        let by_alpha = has_transparency(raw);
        let half = max_of(raw.is_wide()) / 2;
        let (width, height) = raw.upright_size();
        let mut pixels = Vec::new();
        Self::drawn(width, height, |y, mark| {
            pixels.clear();
            raw.read_row(0, y, width, &mut pixels);
            for (x, [r, g, b, alpha]) in (0..).zip(&pixels) {
                let is_marked = match by_alpha {
                    true => *alpha == 0,
                    false => *r.min(g).min(b) > half,
                };
                if is_marked {
                    mark(x);
                }
            }
        })
    }

    /// A region that lies within an image of this width and height.
    pub fn of_region((width, height): (u32, u32), region: Region) -> Self {
        Self::drawn(width, height, |y, mark| {
            if (region.y..region.y + region.height).contains(&y) {
                (region.x..region.x + region.width).for_each(mark);
            }
        })
    }

    /// By a function that marks pixels of a row.
    fn drawn(width: u32, height: u32, mut draw: impl FnMut(u32, &mut dyn FnMut(u32))) -> Self {
        let length = row_length(width);
        let mut bits = vec![0; length * height as usize];
        for (y, row) in (0..height).zip(bits.chunks_exact_mut(length.max(1))) {
            draw(y, &mut |x| {
                if let Some(byte) = row.get_mut(x as usize / 8) {
                    *byte |= bit(x);
                }
            });
        }
        Self {
            width,
            height,
            bits,
        }
    }

    #[cfg(test)]
    pub fn of_rows(rows: &[Vec<bool>]) -> Self {
        let width = rows.first().map_or(0, Vec::len);
        Self::drawn(width as u32, rows.len() as u32, |y, mark| {
            let row = rows.get(y as usize).into_iter().flatten();
            (0..)
                .zip(row)
                .filter(|(_, it)| **it)
                .for_each(|(x, _)| mark(x));
        })
    }

    pub fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// The smallest rectangle around all that is marked.
    pub fn bounds(&self) -> Option<Region> {
        let is_marked = |y: &u32| self.row(*y).iter().any(|byte| *byte != 0);
        let top = (0..self.height).find(is_marked)?;
        let last_row = (0..self.height).rfind(is_marked)?;
        let mut columns = vec![0_u8; row_length(self.width)];
        for y in top..=last_row {
            for (column, bits) in columns.iter_mut().zip(self.row(y)) {
                *column |= *bits;
            }
        }
        let is_marked = |x: &u32| is_set(&columns, *x);
        let left = (0..self.width).find(is_marked)?;
        let last_column = (0..self.width).rfind(is_marked)?;
        Some(Region {
            x: left,
            y: top,
            width: last_column + 1 - left,
            height: last_row + 1 - top,
        })
    }

    /// Of an area within it.
    pub fn cropped(&self, area: Region) -> Self {
        Self::drawn(area.width, area.height, |y, mark| {
            let row = self.row(area.y + y);
            (0..area.width)
                .filter(|x| is_set(row, area.x + x))
                .for_each(mark);
        })
    }

    pub fn row(&self, y: u32) -> &[u8] {
        let length = row_length(self.width);
        let start = length * y as usize;
        self.bits.get(start..start + length).unwrap_or_default()
    }
}

fn row_length(width: u32) -> usize {
    width.div_ceil(8) as usize
}

fn bit(x: u32) -> u8 {
    0x80 >> (x % 8)
}

/// Whether the pixel at x of a row is to change.
pub fn is_set(row: &[u8], x: u32) -> bool {
    row.get(x as usize / 8)
        .is_some_and(|byte| byte & bit(x) != 0)
}

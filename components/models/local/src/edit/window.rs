//! Iterates over rows while the image is changed in place, and provides the
//! original rows around the current one from a buffer.

use std::collections::VecDeque;

use crate::pixels::Pixels;

pub struct Window<'a> {
    pixels: &'a mut Pixels,
    /// The rows around the current one as they were, `2 * radius + 1` of them.
    rows: VecDeque<Vec<u8>>,
    radius: usize,
    y: Option<usize>,
}

impl<'a> Window<'a> {
    /// Beyond the first and the last row those rows are repeated.
    pub fn new(pixels: &'a mut Pixels, radius: usize) -> Self {
        let above = std::iter::repeat_n(0, radius);
        let rows = above
            .chain(0..=radius)
            .map(|y| pixels.row(y).to_vec())
            .collect();
        Self {
            pixels,
            rows,
            radius,
            y: None,
        }
    }

    /// The next row to be written, and the original rows around it.
    pub fn next(&mut self) -> Option<(&VecDeque<Vec<u8>>, &mut [u8])> {
        let y = match self.y {
            None => 0,
            Some(y) => {
                if let Some(mut row) = self.rows.pop_front() {
                    row.copy_from_slice(self.pixels.row(y + 1 + self.radius));
                    self.rows.push_back(row);
                }
                y + 1
            }
        };
        if y >= self.pixels.height() as usize {
            return None;
        }
        self.y = Some(y);
        Some((&self.rows, self.pixels.row_mut(y)))
    }
}

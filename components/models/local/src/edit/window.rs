//! The surroundings of a pixel, with the ends of rows and columns repeated.

use std::collections::VecDeque;

use crate::pixels::Pixels;

/// Iterates over rows while the image is changed in place, and keeps the original rows
/// around the current one.
pub struct Window<'a> {
    pixels: &'a mut Pixels,
    rows: Rows,
    radius: usize,
    y: Option<usize>,
}

/// The original rows around the current one, `2 * radius + 1` of them.
pub struct Rows {
    rows: VecDeque<Vec<u8>>,
    is_first: bool,
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
            rows: Rows {
                rows,
                is_first: true,
            },
            radius,
            y: None,
        }
    }

    /// The next row to be written, and the original rows around it.
    pub fn next(&mut self) -> Option<(&Rows, &mut [u8])> {
        let y = self.y.map_or(0, |y| y + 1);
        if y > 0
            && let Some(mut row) = self.rows.rows.pop_front()
        {
            row.copy_from_slice(self.pixels.row(y + self.radius));
            self.rows.rows.push_back(row);
            self.rows.is_first = false;
        }
        if y >= self.pixels.height() as usize {
            return None;
        }
        self.y = Some(y);
        Some((&self.rows, self.pixels.row_mut(y)))
    }
}

impl Rows {
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(Vec::as_slice)
    }

    /// Rows that are new in this window: at first all, then the last one.
    pub fn entering(&self) -> impl Iterator<Item = &[u8]> {
        let old = if self.is_first {
            0
        } else {
            self.rows.len().saturating_sub(1)
        };
        self.rows.range(old..).map(Vec::as_slice)
    }

    /// The row that is not in the next window.
    pub fn leaving(&self) -> &[u8] {
        self.rows.front().map(Vec::as_slice).unwrap_or_default()
    }
}

/// A row, or sums of columns, with its ends repeated on both sides.
pub fn padded<T: Copy>(row: &[T], radius: usize) -> impl Iterator<Item = T> {
    let end = move |end: Option<&T>| end.map(|end| std::iter::repeat_n(*end, radius));
    let (first, last) = (end(row.first()), end(row.last()));
    let ends = |end: Option<_>| end.into_iter().flatten();
    ends(first).chain(row.iter().copied()).chain(ends(last))
}

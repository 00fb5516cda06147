//! The surroundings of a pixel, with the ends of rows and columns repeated.

use std::collections::VecDeque;

use crate::pixels::Pixels;

/// The original rows around the one to be written, `2 * radius + 1` of them.
pub struct Rows {
    rows: VecDeque<Vec<u8>>,
    /// The number of the row to be written.
    pub y: usize,
}

/// Changes an image in place, from the first row to the last: calls `write` with the original
/// rows around each, and with the row itself. Beyond the ends the rows there are repeated.
pub fn by_rows(pixels: &mut Pixels, radius: usize, mut write: impl FnMut(&Rows, &mut [u8])) {
    let above = std::iter::repeat_n(0, radius);
    let rows = above.chain(0..=radius).map(|y| pixels.row(y).to_vec());
    let mut rows = Rows {
        rows: rows.collect(),
        y: 0,
    };
    while rows.y < pixels.height() as usize {
        write(&rows, pixels.row_mut(rows.y));
        rows.y += 1;
        if let Some(mut row) = rows.rows.pop_front() {
            row.copy_from_slice(pixels.row(rows.y + radius));
            rows.rows.push_back(row);
        }
    }
}

impl Rows {
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.rows.iter().map(Vec::as_slice)
    }

    /// Rows that are new in this window: at first all, then the last one.
    pub fn entering(&self) -> impl Iterator<Item = &[u8]> {
        let old = if self.y == 0 {
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

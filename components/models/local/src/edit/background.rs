//! Transparent background: pixels of the border's colour that are connected to
//! the border become transparent. Edge pixels that mix the background with
//! something else become half transparent and lose the background's colour.
//!
//! The connected area is found on a map of at most about a megapixel, so that
//! time and memory are bounded.

use super::border::{Background, Border};
use super::factor;
use super::window::Window;
use crate::notes::Remark;
use crate::pixels::{Pixels, rgb};

/// Radius around an edge pixel in which the mixed colour is searched.
const RADIUS: usize = 2;

/// An amount of 1 includes colours that hardly differ from the border's, such as JPEG
/// noise; larger amounts include more. Returns the reason if nothing was changed.
pub fn apply(pixels: &mut Pixels, amount: f32) -> Option<Remark> {
    const TOLERANCE: f32 = 26.0;
    const MAX_TOLERANCE: f32 = 96.0;
    let tolerance = (TOLERANCE * amount).clamp(0.0, MAX_TOLERANCE) as u8;
    if tolerance == 0 {
        return None;
    }
    let color = match Border::of(pixels) {
        Border::Colored(color) => color,
        Border::Transparent => return Some(Remark::BackgroundTransparent),
        Border::Mixed => return Some(Remark::BackgroundNotFound),
    };
    let background = Background { color, tolerance };
    let map = Map::new(pixels, &background);
    if !map.cells.contains(&Cell::Connected) {
        return Some(Remark::BackgroundNotFound);
    }
    pixels.add_alpha();
    clear(pixels, &map, &background);
    None
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Not the background's colour.
    Closed,
    /// Of the background's colour.
    Open,
    /// The background's colour, connected to the border.
    Connected,
    /// Not connected, but next to a connected cell.
    Edge,
}

/// Squares of pixels, row by row.
struct Map {
    width: usize,
    /// The side of a square, in pixels.
    factor: usize,
    cells: Vec<Cell>,
}

impl Map {
    fn new(pixels: &Pixels, background: &Background) -> Self {
        let factor = factor(pixels);
        let mut map = Self {
            width: (pixels.width() as usize).div_ceil(factor),
            factor,
            cells: open(pixels, factor, background),
        };
        map.flood_fill();
        for _ in 0..RADIUS.div_ceil(factor) {
            map.widen();
        }
        map
    }

    /// The cells of a row of pixels, one per pixel.
    fn row(&self, y: usize) -> impl Iterator<Item = Cell> {
        let start = y / self.factor * self.width;
        let row = self.cells.get(start..start + self.width);
        row.unwrap_or_default()
            .iter()
            .flat_map(|cell| std::iter::repeat_n(*cell, self.factor))
    }

    /// Flood fill from the border over open cells.
    fn flood_fill(&mut self) {
        let height = self.cells.len() / self.width.max(1);
        let sides = (0..height).flat_map(|y| [y * self.width, (y + 1) * self.width - 1]);
        let last = self.cells.len() - self.width;
        let mut next: Vec<u32> = (0..self.width)
            .chain(last..self.cells.len())
            .chain(sides)
            .map(|cell| cell as u32)
            .collect();
        next.retain(|cell| self.enter(*cell as usize));
        while let Some(cell) = next.pop() {
            for neighbor in self.neighbors(cell as usize) {
                if self.enter(neighbor) {
                    next.push(neighbor as u32);
                }
            }
        }
    }

    /// Marks an open cell as connected.
    fn enter(&mut self, cell: usize) -> bool {
        match self.cells.get_mut(cell) {
            Some(cell) if *cell == Cell::Open => {
                *cell = Cell::Connected;
                true
            }
            _ => false,
        }
    }

    /// Places next to connected or edge cells become edge.
    fn widen(&mut self) {
        let old = self.cells.clone();
        let is_near = |cell: &Cell| matches!(cell, Cell::Connected | Cell::Edge);
        for (index, _) in old.iter().enumerate().filter(|(_, cell)| is_near(cell)) {
            let row = [
                Some(index),
                index.checked_sub(self.width),
                Some(index + self.width),
            ];
            for index in row.into_iter().flatten() {
                for neighbor in [Some(index), self.left(index), self.right(index)] {
                    let neighbor = neighbor.and_then(|cell| self.cells.get_mut(cell));
                    if let Some(cell @ (Cell::Closed | Cell::Open)) = neighbor {
                        *cell = Cell::Edge;
                    }
                }
            }
        }
    }

    fn left(&self, cell: usize) -> Option<usize> {
        (!cell.is_multiple_of(self.width)).then(|| cell - 1)
    }

    fn right(&self, cell: usize) -> Option<usize> {
        (!(cell + 1).is_multiple_of(self.width)).then_some(cell + 1)
    }

    fn neighbors(&self, cell: usize) -> impl Iterator<Item = usize> + use<> {
        let below = cell + self.width;
        [
            self.left(cell),
            self.right(cell),
            cell.checked_sub(self.width),
            (below < self.cells.len()).then_some(below),
        ]
        .into_iter()
        .flatten()
    }
}

/// Which squares have the background's colour, except for a few stray pixels.
fn open(pixels: &Pixels, factor: usize, background: &Background) -> Vec<Cell> {
    let stray = (factor * factor / 16) as u32;
    let channels = pixels.channels();
    let mut others = vec![0_u32; (pixels.width() as usize).div_ceil(factor)];
    let mut cells = Vec::with_capacity(others.len() * (pixels.height() as usize).div_ceil(factor));
    for (y, row) in pixels.rows().enumerate() {
        for (others, square) in others.iter_mut().zip(row.chunks(factor * channels)) {
            let square = square.chunks_exact(channels);
            *others += square.filter(|pixel| !background.has(pixel)).count() as u32;
        }
        if (y + 1) % factor == 0 || y + 1 == pixels.height() as usize {
            cells.extend(others.iter().map(|others| {
                if *others <= stray {
                    Cell::Open
                } else {
                    Cell::Closed
                }
            }));
            others.fill(0);
        }
    }
    cells
}

fn clear(pixels: &mut Pixels, map: &Map, background: &Background) {
    let mut y = 0;
    let mut window = Window::new(pixels, RADIUS);
    while let Some((rows, out)) = window.next() {
        let rows: Vec<_> = rows.iter().map(|row| row.as_chunks::<4>().0).collect();
        let out = out.as_chunks_mut::<4>().0;
        for (x, (pixel, cell)) in out.iter_mut().zip(map.row(y)).enumerate() {
            match cell {
                Cell::Closed | Cell::Open => {}
                Cell::Connected | Cell::Edge if background.has(pixel) => *pixel = [0; 4],
                Cell::Connected | Cell::Edge => {
                    let left = x.saturating_sub(RADIUS);
                    let around = rows
                        .iter()
                        .filter_map(|row| row.get(left..row.len().min(x + RADIUS + 1)));
                    unmix(pixel, around.flatten(), background);
                }
            }
        }
        y += 1;
    }
}

/// Treats an edge pixel as a mixture of the background and the neighbouring
/// colour that differs most from it.
fn unmix<'a>(
    pixel: &mut [u8; 4],
    around: impl Iterator<Item = &'a [u8; 4]>,
    background: &Background,
) {
    let (mut is_edge, mut farthest) = (false, 0);
    for other in around {
        if background.has(other) {
            is_edge = true;
        } else {
            farthest = farthest.max(background.distance(rgb(other)));
        }
    }
    if !is_edge {
        return;
    }
    let own = background.distance(rgb(pixel));
    let part = (f32::from(own) / f32::from(farthest.max(own).max(1))).min(1.0);
    let [r, g, b, alpha] = pixel;
    *alpha = (f32::from(*alpha) * part).round() as u8;
    for (value, ground) in [r, g, b].into_iter().zip(background.color) {
        let ground = f32::from(ground);
        *value = (ground + (f32::from(*value) - ground) / part)
            .clamp(0.0, 255.0)
            .round() as u8;
    }
}

#[cfg(test)]
mod tests;

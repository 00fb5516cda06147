//! Transparent background: pixels of the border's colour that are connected to
//! the border become transparent. Edge pixels that mix the background with
//! something else become half transparent and lose the background's colour.
//!
//! The connected area is found on a map of at most about a megapixel, so that
//! time and memory are bounded.

use super::border::{Background, Border, apart};
use super::squares::{self, factor};
use super::window::by_rows;
use crate::color;
use crate::notes::Remark;
use crate::pixels::{Pixels, alpha, rgb};
use crate::plan::Ground;

/// The part of the border that what stands on the background may reach.
const PARTLY: f32 = 0.25;

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
    let map = Map::new(pixels, Background { color, tolerance });
    if !map.cells.contains(&Cell::Connected) {
        return Some(Remark::BackgroundNotFound);
    }
    pixels.add_alpha();
    clear(pixels, &map);
    if Border::opaque(pixels) > PARTLY {
        Some(Remark::BackgroundPartly)
    } else {
        map.encloses().then_some(Remark::BackgroundEnclosed)
    }
}

/// Gives the background one colour. Returns the reason if nothing was changed.
pub fn fill(pixels: &mut Pixels, ground: &Ground) -> Option<Remark> {
    let own = match Border::of(pixels) {
        Border::Colored(color) => Some(color),
        Border::Transparent => None,
        Border::Mixed => return Some(Remark::BackgroundNotFound),
    };
    let Some(color) = ground.color.map(color::channels).or(own) else {
        return Some(Remark::BackgroundTransparent);
    };
    let color = shaded(color, ground.shade);
    // "A darker background" asks for no single colour.
    let evens = ground.color.is_none() && own.is_some_and(|own| Border::is_uneven(pixels, own));
    let remark = own.and_then(|_| apply(pixels, 1.0));
    if remark != Some(Remark::BackgroundNotFound) {
        flatten(pixels, color);
    }
    // What is enclosed has the wanted colour already.
    let is_same = own == Some(color) && remark == Some(Remark::BackgroundEnclosed);
    let evened = evens.then_some(Remark::BackgroundEvened);
    remark.filter(|_| !is_same).or(evened)
}

/// A lighter (above 0) or darker shade of a colour.
pub fn shaded(color: [u8; 3], shade: f32) -> [u8; 3] {
    /// How much lighter or darker "a lighter background" is.
    const STEP: f32 = 0.18;
    if shade == 0.0 {
        return color;
    }
    let mut lab = color::from_srgb(color);
    lab.l += STEP * shade;
    color::to_srgb8(lab)
}

/// Puts the picture on a colour; nothing of it is transparent afterwards.
pub fn flatten(pixels: &mut Pixels, ground: [u8; 3]) {
    if !pixels.has_alpha() {
        return;
    }
    for pixel in pixels.iter_mut() {
        let cover = u32::from(alpha(pixel));
        if let [r, g, b, alpha] = pixel {
            for (value, ground) in [r, g, b].into_iter().zip(ground) {
                let mixed = u32::from(*value) * cover + u32::from(ground) * (255 - cover);
                *value = ((mixed + 127) / 255) as u8;
            }
            *alpha = u8::MAX;
        }
    }
    pixels.drop_alpha();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Not the background's colour.
    Closed,
    /// Of the background's colour.
    Open,
    /// The background's colour, connected to the border.
    Connected,
    /// Connected to it by a soft gradient.
    Soft,
    /// Not connected, but next to a connected cell.
    Edge,
}

/// Squares of pixels, row by row.
struct Map {
    width: usize,
    /// The side of a square, in pixels.
    factor: usize,
    cells: Vec<Cell>,
    /// The mean colours of the cells.
    means: Vec<[u8; 3]>,
    background: Background,
}

impl Map {
    fn new(pixels: &Pixels, background: Background) -> Self {
        let factor = factor(pixels);
        let mut map = Self {
            width: (pixels.width() as usize).div_ceil(factor),
            factor,
            cells: open(pixels, factor, &background),
            means: means(pixels, factor),
            background,
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
        next.retain(|cell| self.enter(*cell as usize, false));
        while let Some(cell) = next.pop() {
            for neighbor in squares::beside(cell as usize, self.width, self.cells.len()) {
                let is_soft = self.is_soft(cell as usize, neighbor);
                if self.enter(neighbor, is_soft) {
                    next.push(neighbor as u32);
                }
            }
        }
    }

    /// Marks an open cell as connected, and a closed one where the way to it is soft.
    fn enter(&mut self, cell: usize, is_soft: bool) -> bool {
        match self.cells.get_mut(cell) {
            Some(cell @ Cell::Open) => *cell = Cell::Connected,
            Some(cell @ Cell::Closed) if is_soft => *cell = Cell::Soft,
            _ => return false,
        }
        true
    }

    /// Whether the colour hardly changes from one cell to its neighbour. Edges of what
    /// stands on the background are steeper.
    fn is_soft(&self, cell: usize, neighbor: usize) -> bool {
        const STEP: u8 = 3;
        const FARTHEST: u8 = 90;
        let Some((own, next)) = self.means.get(cell).zip(self.means.get(neighbor)) else {
            return false;
        };
        apart(*own, *next) <= STEP && apart(self.background.color, *next) <= FARTHEST
    }

    /// Whether something encloses areas of exactly the background's colour, as a letter
    /// does.
    fn encloses(&self) -> bool {
        const SAME: u8 = 4;
        /// Of the picture; less is noise.
        const SEEN: usize = 5_000;
        let cells = self.cells.iter().zip(&self.means);
        let is_same = |(cell, mean): &(&Cell, &[u8; 3])| {
            **cell == Cell::Open && apart(self.background.color, **mean) <= SAME
        };
        cells.filter(is_same).count() * SEEN > self.cells.len()
    }

    /// The background around a place: of a gradient, its colour there.
    fn near(&self, x: usize, y: usize) -> Background {
        let (x, y) = (x / self.factor, y / self.factor);
        let around =
            (0..=2 * RADIUS).flat_map(|down| (0..=2 * RADIUS).map(move |right| (down, right)));
        let cells = around.filter_map(|(down, right)| {
            let y = (y + down).checked_sub(RADIUS)?;
            let x = (x + right)
                .checked_sub(RADIUS)
                .filter(|x| *x < self.width)?;
            let apart = down.abs_diff(RADIUS) + right.abs_diff(RADIUS);
            Some((apart, y * self.width + x))
        });
        let is_background = |(_, cell): &(usize, usize)| {
            matches!(self.cells.get(*cell), Some(Cell::Soft | Cell::Connected))
        };
        let nearest = cells.filter(is_background).min_by_key(|(apart, _)| *apart);
        let mean = nearest.and_then(|(_, cell)| self.means.get(cell).copied());
        Background {
            color: mean.unwrap_or(self.background.color),
            tolerance: self.background.tolerance,
        }
    }

    /// Places next to connected or edge cells, also diagonally, become edge.
    fn widen(&mut self) {
        let old = self.cells.clone();
        let is_near = |cell: &Cell| matches!(cell, Cell::Connected | Cell::Soft | Cell::Edge);
        for (index, _) in old.iter().enumerate().filter(|(_, cell)| is_near(cell)) {
            let column = index % self.width;
            let columns = column.saturating_sub(1)..(column + 2).min(self.width);
            let start = index - column;
            // The first row stands for the one above it, too: widening it twice is harmless.
            for row in [start.saturating_sub(self.width), start, start + self.width] {
                let cells = self.cells.get_mut(row + columns.start..row + columns.end);
                for cell in cells.into_iter().flatten() {
                    if let Cell::Closed | Cell::Open = cell {
                        *cell = Cell::Edge;
                    }
                }
            }
        }
    }
}

/// Which squares have the background's colour, except for a few stray pixels.
fn open(pixels: &Pixels, factor: usize, background: &Background) -> Vec<Cell> {
    let stray = (factor * factor / 16) as u64;
    let is_other = |pixel: &[u8]| [u64::from(!background.has(pixel))];
    squares::sums(pixels, factor, is_other, |[others]| match others <= stray {
        true => Cell::Open,
        false => Cell::Closed,
    })
}

/// The mean colours of the squares.
fn means(pixels: &Pixels, factor: usize) -> Vec<[u8; 3]> {
    let read = |pixel: &[u8]| {
        let [r, g, b] = rgb(pixel).map(u64::from);
        [r, g, b, 1]
    };
    squares::sums(pixels, factor, read, |[r, g, b, count]| {
        [r, g, b].map(|sum| (sum / count) as u8)
    })
}

fn clear(pixels: &mut Pixels, map: &Map) {
    by_rows(pixels, RADIUS, |rows, out| {
        let y = rows.y;
        let rows: Vec<_> = rows.iter().map(|row| row.as_chunks::<4>().0).collect();
        let out = out.as_chunks_mut::<4>().0;
        for (x, (pixel, cell)) in out.iter_mut().zip(map.row(y)).enumerate() {
            match cell {
                Cell::Closed | Cell::Open => {}
                Cell::Soft => *pixel = [0; 4],
                Cell::Connected if map.background.has(pixel) => *pixel = [0; 4],
                Cell::Connected | Cell::Edge => {
                    let background = map.near(x, y);
                    if background.has(pixel) {
                        *pixel = [0; 4];
                        continue;
                    }
                    let left = x.saturating_sub(RADIUS);
                    let around = rows
                        .iter()
                        .filter_map(|row| row.get(left..row.len().min(x + RADIUS + 1)));
                    unmix(pixel, around.flatten(), &background);
                }
            }
        }
    });
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
            farthest = farthest.max(apart(background.color, rgb(other)));
        }
    }
    if !is_edge {
        return;
    }
    let own = apart(background.color, rgb(pixel));
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

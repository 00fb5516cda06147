//! The map of labels, and its simplification.

use palette::Oklab;

use crate::color;
use crate::edit::clusters::nearest_of_many;
use crate::edit::squares;
use crate::pixels::{Pixels, alpha, rgb};

/// Label of places where nothing is visible.
pub const NOTHING: u8 = u8::MAX;
/// More colours than any palette has.
pub const COLORS: usize = 16;

pub struct Shapes {
    width: usize,
    /// One label a place, row by row: an index into the palette, or `NOTHING`.
    labels: Vec<u8>,
    /// The colours of the labels.
    centers: Vec<Oklab>,
}

impl Shapes {
    pub fn new(pixels: &Pixels, colors: &[[u8; 3]]) -> Self {
        let centers: Vec<_> = colors.iter().copied().map(color::from_srgb).collect();
        let mut nearest = nearest_of_many(centers.clone());
        let label = |pixel: &[u8]| match alpha(pixel) {
            0 => NOTHING,
            _ => nearest(rgb(pixel)) as u8,
        };
        let labels = pixels.iter().map(label).collect();
        Self {
            width: pixels.width() as usize,
            labels,
            centers,
        }
    }

    pub fn width(&self) -> usize {
        self.width
    }

    /// Beyond the first and last rows, these are repeated.
    pub fn row(&self, y: usize) -> &[u8] {
        let last = (self.labels.len() / self.width.max(1)).saturating_sub(1);
        let start = y.min(last) * self.width;
        self.labels
            .get(start..start + self.width)
            .unwrap_or_default()
    }

    /// Smooths the edges and removes small shapes. `radius`: how far to look around each
    /// place.
    pub fn simplify(&mut self, radius: usize, amount: f32) {
        /// Fraction of all places; a smaller shape is an island.
        const ISLAND: f32 = 0.0002;
        let passes = (2.0 * amount).clamp(1.0, 4.0).round() as usize;
        for _ in 0..passes {
            self.majority(radius);
        }
        self.drown(self.labels.len() as f32 * ISLAND * amount);
        self.majority(radius);
    }

    /// Majority filter over the neighbourhood.
    fn majority(&mut self, radius: usize) {
        let height = self.labels.len() / self.width.max(1);
        let last = self.width.saturating_sub(1);
        let mut simpler = Vec::with_capacity(self.labels.len());
        for y in 0..height {
            let rows: Vec<&[u8]> = (0..=2 * radius)
                .map(|step| self.row((y + step).saturating_sub(radius)))
                .collect();
            let mut counts = Counts::default();
            let column = |counts: &mut Counts, x: usize, add: bool| {
                for label in rows.iter().filter_map(|row| row.get(x)) {
                    counts.change(*label, add);
                }
            };
            // The end columns are repeated.
            for step in 0..=2 * radius {
                column(&mut counts, step.saturating_sub(radius).min(last), true);
            }
            for (x, label) in self.row(y).iter().enumerate() {
                simpler.push(counts.winner(*label));
                column(&mut counts, x.saturating_sub(radius), false);
                column(&mut counts, (x + radius + 1).min(last), true);
            }
        }
        self.labels = simpler;
    }

    /// Merges each connected shape with fewer than `least` places into the
    /// neighbour that it touches most. Shapes that hardly differ from it may be
    /// larger.
    fn drown(&mut self, least: f32) {
        let mut seen = vec![false; self.labels.len()];
        let mut shape = Vec::new();
        for start in 0..self.labels.len() {
            let label = self.labels.get(start).copied().unwrap_or(NOTHING);
            if label == NOTHING || !mark(&mut seen, start) {
                continue;
            }
            let mut shores = Counts::default();
            shape.clear();
            shape.push(start);
            let mut next = 0;
            while let Some(place) = shape.get(next).copied() {
                next += 1;
                for neighbor in squares::beside(place, self.width, self.labels.len()) {
                    let other = self.labels.get(neighbor).copied().unwrap_or(NOTHING);
                    if other != label {
                        shores.change(other, true);
                    } else if mark(&mut seen, neighbor) {
                        shape.push(neighbor);
                    }
                }
            }
            if let Some(shore) = shores.most()
                && (shape.len() as f32) < least * self.likeness(label, shore)
            {
                for place in &shape {
                    if let Some(label) = self.labels.get_mut(*place) {
                        *label = shore;
                    }
                }
            }
        }
    }

    /// The factor for `least`: 1 for labels that look different, larger for
    /// similar ones.
    fn likeness(&self, one: u8, other: u8) -> f32 {
        const DIFFERENT: f32 = 0.22;
        const MAX_FACTOR: f32 = 12.0;
        let center = |label: u8| self.centers.get(usize::from(label)).copied();
        let (Some(one), Some(other)) = (center(one), center(other)) else {
            return 1.0;
        };
        let ratio = DIFFERENT / color::distance(one, other).max(0.001);
        (ratio * ratio).clamp(1.0, MAX_FACTOR)
    }
}

/// False: it was marked before.
fn mark(seen: &mut [bool], place: usize) -> bool {
    let seen = seen.get_mut(place);
    seen.is_some_and(|seen| !std::mem::replace(seen, true))
}

/// How often each label occurs; `NOTHING` is not counted.
#[derive(Default)]
struct Counts([u32; COLORS]);

impl Counts {
    fn change(&mut self, label: u8, add: bool) {
        if let Some(count) = self.0.get_mut(usize::from(label)) {
            if add {
                *count += 1;
            } else {
                *count = count.saturating_sub(1);
            }
        }
    }

    fn winner(&self, own: u8) -> u8 {
        match self.0.get(usize::from(own)) {
            Some(mine) if self.0.iter().any(|count| count > mine) => self.most().unwrap_or(own),
            _ => own,
        }
    }

    fn most(&self) -> Option<u8> {
        let most = self.0.iter().copied().max().filter(|most| *most > 0)?;
        let label = self.0.iter().position(|count| *count == most)?;
        u8::try_from(label).ok()
    }
}

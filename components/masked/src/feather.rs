//! How much of the answer each pixel gets: more with its distance from what stays.

use crate::mask::{self, Mask};

/// The weight of a pixel that is the answer's alone.
pub const FULL: u32 = 1 << 16;

const MAX_FEATHER: u32 = 64;

/// Goes through the rows of a mask from the top. A pixel that is to change has the Euclidean
/// distance to the centre of the nearest one that stays; the border of the mask is no edge.
///
/// The distance is exact, and needs no more memory than some rows: of each column the
/// vertical distance to what stays is kept up to date, and each row has the lower envelope
/// of the parabolas over those distances (Meijster, Roerdink and Hesselink, 2000).
pub struct Feather {
    /// As far as distances count, in pixels: from there on the weight is full.
    reach: u32,
    /// By the square of the distance.
    weights: Vec<u32>,
    y: u32,
    above: Vec<u32>,
    below: Vec<u32>,
    sites: Vec<Site>,
}

/// A column whose parabola is lowest from `start` on.
struct Site {
    x: u32,
    start: u32,
    vertical: u32,
}

impl Feather {
    pub fn new(width: u32, feather: u32) -> Self {
        let reach = feather.min(MAX_FEATHER) + 1;
        let weight = |square: u32| {
            let part = f64::from(square).sqrt() / f64::from(reach);
            (part * f64::from(FULL)).round() as u32
        };
        Self {
            reach,
            weights: (0..reach * reach).map(weight).collect(),
            y: 0,
            above: vec![reach; width as usize],
            below: vec![0; width as usize],
            sites: Vec::new(),
        }
    }

    /// Puts the weights of the mask's next row into `row`.
    pub fn next_row(&mut self, mask: &Mask, row: &mut Vec<u32>) {
        let bits = mask.row(self.y);
        self.advance(mask, bits);
        row.clear();
        if bits.iter().all(|byte| *byte == 0) {
            row.resize(self.above.len(), 0);
            return;
        }
        self.find_sites();
        let mut sites = self.sites.iter().rev().peekable();
        let width = self.above.len() as u32;
        let weight = |x: u32| {
            while sites.next_if(|site| site.start > x).is_some() {}
            let nearest = sites.peek();
            match nearest.map(|site| square(x.abs_diff(site.x)) + square(site.vertical)) {
                _ if !mask::is_set(bits, x) => 0,
                Some(square) => weight_of(&self.weights, square),
                None => FULL,
            }
        };
        row.extend((0..width).rev().map(weight));
        row.reverse();
    }

    /// Finds the vertical distances of the next row.
    fn advance(&mut self, mask: &Mask, bits: &[u8]) {
        let (width, height) = mask.size();
        let stays = |y: u32, x: u32| y < height && !mask::is_set(mask.row(y), x);
        let (y, reach) = (self.y, self.reach);
        for (x, (above, below)) in (0..width).zip(self.above.iter_mut().zip(&mut self.below)) {
            if !mask::is_set(bits, x) {
                (*above, *below) = (0, 0);
                continue;
            }
            *above = reach.min(*above + 1);
            // Each run of pixels is looked through once, and then only one more pixel at a
            // time.
            *below = if *below == 0 {
                (1..reach).find(|far| stays(y + far, x)).unwrap_or(reach)
            } else if *below < reach {
                *below - 1
            } else if stays(y + reach - 1, x) {
                reach - 1
            } else {
                reach
            };
        }
        self.y += 1;
    }

    fn find_sites(&mut self) {
        self.sites.clear();
        let verticals = self.above.iter().zip(&self.below);
        for (x, vertical) in (0..).zip(verticals.map(|(above, below)| *above.min(below))) {
            if vertical == self.reach {
                continue;
            }
            let mut start = 0;
            while let Some(last) = self.sites.last() {
                start = crossing(last, x, vertical);
                if start > last.start {
                    break;
                }
                self.sites.pop();
                start = 0;
            }
            self.sites.push(Site { x, start, vertical });
        }
    }
}

/// From where on the parabola of a column is lower than that of one to its left, or 0.
fn crossing(left: &Site, x: u32, vertical: u32) -> u32 {
    let height = |x: u32, vertical: u32| i64::from(x).pow(2) + i64::from(vertical).pow(2);
    let difference = height(x, vertical) - height(left.x, left.vertical);
    let crossing = difference.div_euclid(2 * i64::from(x - left.x)) + 1;
    u32::try_from(crossing).unwrap_or(0)
}

fn square(side: u32) -> u64 {
    u64::from(side).pow(2)
}

fn weight_of(weights: &[u32], square: u64) -> u32 {
    let place = usize::try_from(square).unwrap_or(usize::MAX);
    weights.get(place).copied().unwrap_or(FULL)
}

#[cfg(test)]
mod tests;

//! Changes the size of a picture by a Lanczos filter: its weights reach over three pixels
//! of the smaller picture, so that shrinking takes the mean of what vanishes.
//!
//! In memory are some rows in their new width, whatever the sizes: the old rows that a new
//! one needs where it grows, and the new rows that an old one is part of where it shrinks.
//! The sums are the same.

use std::collections::VecDeque;
use std::f64::consts::PI;

/// Goes through the new rows from the top.
pub struct Resampling<const N: usize> {
    across: Vec<Tap>,
    down: VecDeque<Tap>,
    shrinks: bool,
    /// Old rows in their new width up to `next`, or new rows as far as they are summed up.
    rows: VecDeque<Vec<[f32; N]>>,
    /// The old row to read next.
    next: usize,
    old: Vec<[f32; N]>,
    new: Vec<[f32; N]>,
}

impl<const N: usize> Resampling<N> {
    /// From one width and height to another.
    pub fn new(from: (u32, u32), to: (u32, u32)) -> Self {
        Self {
            across: taps(from.0, to.0),
            down: taps(from.1, to.1).into(),
            shrinks: to.1 < from.1,
            rows: VecDeque::new(),
            next: 0,
            old: Vec::new(),
            new: Vec::new(),
        }
    }

    /// The next new row; None behind the last one. Calls `read` for old rows, one after the
    /// other, to add their pixels.
    pub fn next_row(
        &mut self,
        mut read: impl FnMut(usize, &mut Vec<[f32; N]>),
    ) -> Option<&[[f32; N]]> {
        let tap = self.down.pop_front()?;
        if self.shrinks {
            self.spread(&tap, &mut read);
        } else {
            self.gather(&tap, &mut read);
        }
        Some(&self.new)
    }

    fn gather(&mut self, tap: &Tap, read: &mut impl FnMut(usize, &mut Vec<[f32; N]>)) {
        while self.next < tap.end() {
            let row = self.read(read);
            self.rows.push_back(row);
        }
        while self.next - self.rows.len() < tap.start {
            self.rows.pop_front();
        }
        self.new.clear();
        self.new.resize(self.across.len(), [0.0; N]);
        for (row, weight) in self.rows.iter().zip(&tap.weights) {
            add_row(&mut self.new, row, *weight);
        }
    }

    fn spread(&mut self, tap: &Tap, read: &mut impl FnMut(usize, &mut Vec<[f32; N]>)) {
        while self.next < tap.end() {
            let place = self.next;
            let row = self.read(read);
            for (index, tap) in std::iter::once(tap).chain(&self.down).enumerate() {
                if tap.start > place {
                    break;
                }
                if index == self.rows.len() {
                    self.rows.push_back(vec![[0.0; N]; row.len()]);
                }
                let weight = tap.weights.get(place - tap.start);
                if let Some((sum, weight)) = self.rows.get_mut(index).zip(weight) {
                    add_row(sum, &row, *weight);
                }
            }
        }
        self.new = self.rows.pop_front().unwrap_or_default();
    }

    /// The next old row in its new width.
    fn read(&mut self, read: &mut impl FnMut(usize, &mut Vec<[f32; N]>)) -> Vec<[f32; N]> {
        self.old.clear();
        read(self.next, &mut self.old);
        self.next += 1;
        self.across.iter().map(|tap| tap.sum(&self.old)).collect()
    }
}

fn add_row<const N: usize>(sums: &mut [[f32; N]], row: &[[f32; N]], weight: f32) {
    for (sum, pixel) in sums.iter_mut().zip(row) {
        add(sum, pixel, weight);
    }
}

fn add<const N: usize>(sum: &mut [f32; N], pixel: &[f32; N], weight: f32) {
    for (sum, value) in sum.iter_mut().zip(pixel) {
        *sum += value * weight;
    }
}

/// What a new pixel is made of along one side: weights for the old ones from `start` on.
struct Tap {
    start: usize,
    weights: Vec<f32>,
}

impl Tap {
    fn end(&self) -> usize {
        self.start + self.weights.len()
    }

    fn sum<const N: usize>(&self, row: &[[f32; N]]) -> [f32; N] {
        let mut sum = [0.0; N];
        for (pixel, weight) in row.iter().skip(self.start).zip(&self.weights) {
            add(&mut sum, pixel, *weight);
        }
        sum
    }
}

fn taps(from: u32, to: u32) -> Vec<Tap> {
    let scale = f64::from(from) / f64::from(to);
    let stretch = scale.max(1.0);
    let tap = |place| {
        let center = (f64::from(place) + 0.5) * scale - 0.5;
        let start = (center - LOBES * stretch).ceil().max(0.0);
        let end = (center + LOBES * stretch).floor().min(f64::from(from - 1));
        let (start, end) = (start as usize, end as usize);
        let weights = (start..=end).map(|old| lanczos((old as f64 - center) / stretch));
        let weights: Vec<_> = weights.collect();
        let sum: f64 = weights.iter().sum();
        let weights = weights.iter().map(|weight| rounded(weight / sum)).collect();
        Tap { start, weights }
    };
    (0..to).map(tap).collect()
}

const LOBES: f64 = 3.0;

fn lanczos(x: f64) -> f64 {
    let sinc = |x: f64| match PI * x {
        0.0 => 1.0,
        x => x.sin() / x,
    };
    sinc(x) * sinc(x / LOBES)
}

/// Sines differ between platforms in their last bits, which must not reach a result.
fn rounded(weight: f64) -> f32 {
    const STEPS: f64 = 65_536.0;
    ((weight * STEPS).round() / STEPS) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn resampled(from: (u32, u32), to: (u32, u32), shrinks: bool) -> Vec<f32> {
        let mut resampling = Resampling::<1>::new(from, to);
        resampling.shrinks = shrinks;
        let mut all = Vec::new();
        let mut read = |y: usize, row: &mut Vec<[f32; 1]>| {
            row.extend((0..from.0 as usize).map(|x| [(x * 37 + y * 101) as f32 % 256.0]));
        };
        while let Some(row) = resampling.next_row(&mut read) {
            all.extend(row.iter().flatten());
        }
        all
    }

    proptest! {
        #[test]
        fn both_ways_have_the_same_sums(from in (1..40_u32, 1..40_u32), to in (1..40_u32, 1..40_u32)) {
            prop_assert_eq!(resampled(from, to, true), resampled(from, to, false));
        }
    }

    /// Whole pictures of such rows would not fit into memory.
    #[test]
    fn extreme_shapes_take_some_rows() {
        let long = 65_535;
        for (from, to) in [((20, long), (2_000, 1)), ((2_000, 1), (20, long))] {
            let mut resampling = Resampling::<1>::new(from, to);
            let mut most = 0;
            let mut read = |_: usize, row: &mut Vec<[f32; 1]>| row.resize(from.0 as usize, [7.0]);
            while let Some(row) = resampling.next_row(&mut read) {
                assert_eq!(row.len(), to.0 as usize);
                assert!(row.iter().all(|[value]| (value - 7.0).abs() < 0.01));
                most = most.max(resampling.rows.len());
            }
            assert!(most <= 8, "{most}");
        }
    }
}

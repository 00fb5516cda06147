//! Outline: dark lines where colours meet, on white. A line is drawn where any channel
//! changes much over a short distance, so that red next to a green of the same lightness
//! gets a line too. The line is on the darker side of an edge, so that thin shapes stay
//! thin. Alpha is unchanged; transparent parts count as white.

use super::window::{by_rows, padded};
use crate::color::smoothstep;
use crate::pixels::Pixels;

/// An amount of 1 leaves only lines; smaller amounts keep a part of the picture, larger
/// ones draw thicker lines.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    let radius = radius(pixels, amount);
    let presence = amount.min(1.0);
    if pixels.has_alpha() {
        draw::<4>(pixels, radius, presence);
    } else {
        draw::<3>(pixels, radius, presence);
    }
}

/// A line's width.
fn radius(pixels: &Pixels, amount: f32) -> usize {
    const SIDE: f32 = 330.0;
    const MAX_RADIUS: f32 = 12.0;
    let side = pixels.width().min(pixels.height()) as f32;
    (side / SIDE * amount.max(1.0))
        .round()
        .clamp(1.0, MAX_RADIUS) as usize
}

type Sums = [i32; 3];

fn draw<const N: usize>(pixels: &mut Pixels, radius: usize, presence: f32) {
    let width = pixels.width() as usize;
    let mut slopes = Slopes::new(width, radius);
    by_rows(pixels, radius, |rows, out| {
        slopes.read::<N>(rows.iter());
        for (pixel, (slope, around)) in out.as_chunks_mut::<N>().0.iter_mut().zip(slopes.iter()) {
            let own = on_paper(pixel).iter().sum::<i32>() as f32 / 3.0;
            let paper = 255.0 * (1.0 - ink(slope, around - own));
            for value in pixel.iter_mut().take(3) {
                let old = f32::from(*value);
                *value = (old + (paper - old) * presence + 0.5) as u8;
            }
        }
    });
}

/// Darkness of the line, by the slope and by how much darker this side is than
/// its surroundings, both in levels.
fn ink(slope: f32, darker: f32) -> f32 {
    const LEAST: f32 = 12.0;
    const FULL: f32 = 40.0;
    /// If two colours have the same lightness, both sides are drawn in part.
    const LEVEL: f32 = 0.6;
    const SIDED: f32 = 20.0;
    let side = (LEVEL + darker / SIDED).clamp(0.0, 1.0);
    0.9 * side * smoothstep(LEAST, FULL, slope)
}

/// A pixel's colour on white paper.
fn on_paper<const N: usize>(pixel: &[u8; N]) -> Sums {
    match *pixel.as_slice() {
        [r, g, b, 255] | [r, g, b] => [r, g, b].map(i32::from),
        [r, g, b, alpha] => {
            [r, g, b].map(|value| 255 - (255 - i32::from(value)) * i32::from(alpha) / 255)
        }
        _ => [255; 3],
    }
}

/// What a column around the current row adds up to: all of it, and what is below the row
/// less what is above.
type Column = [Sums; 2];

struct Slopes {
    radius: usize,
    columns: Vec<Column>,
    /// The columns from the left up to each place. Beyond the ends the end columns are
    /// repeated.
    sums: Vec<Column>,
}

impl Slopes {
    fn new(width: usize, radius: usize) -> Self {
        Self {
            radius,
            columns: vec![Column::default(); width],
            sums: vec![Column::default(); width + 2 * radius + 1],
        }
    }

    /// Reads the rows around the current one.
    fn read<'a, const N: usize>(&mut self, rows: impl Iterator<Item = &'a [u8]>) {
        self.columns.fill(Column::default());
        for (place, row) in rows.enumerate() {
            let side = place.cmp(&self.radius) as i32;
            for ([all, down], pixel) in self.columns.iter_mut().zip(row.as_chunks::<N>().0) {
                for ((all, down), value) in all.iter_mut().zip(down).zip(on_paper(pixel)) {
                    *all += value;
                    *down += side * value;
                }
            }
        }
        let mut sum = Column::default();
        let columns = padded(&self.columns, self.radius);
        for (sums, column) in self.sums.iter_mut().skip(1).zip(columns) {
            let values = column.as_flattened().iter();
            let sum_so_far = sum.as_flattened_mut().iter_mut();
            sum_so_far
                .zip(values)
                .for_each(|(sum, value)| *sum += value);
            *sums = sum;
        }
    }

    /// The slope at each pixel, that of the steepest channel, and the lightness of its
    /// surroundings, both in levels.
    fn iter(&self) -> impl Iterator<Item = (f32, f32)> {
        let radius = self.radius;
        let (half, whole) = (radius * (2 * radius + 1), (2 * radius + 1).pow(2));
        let (half, whole) = (1.0 / half as f32, 1.0 / (3 * whole) as f32);
        self.sums.windows(2 * radius + 2).map(move |window| {
            let at = |place: usize| window.get(place).copied().unwrap_or_default();
            let [first, left, right, last] = [0, radius, radius + 1, 2 * radius + 1].map(at);
            let mut steepest = 0.0_f32;
            let mut around = 0;
            for channel in 0..3 {
                let part = |from: Column, to: Column, of: usize| {
                    let value = |sums: Column| sums.as_flattened().get(3 * of + channel).copied();
                    value(to).unwrap_or_default() - value(from).unwrap_or_default()
                };
                let x = (part(right, last, 0) - part(first, left, 0)) as f32;
                let y = part(first, last, 1) as f32;
                steepest = steepest.max(x * x + y * y);
                around += part(first, last, 0);
            }
            (steepest.sqrt() * half, around as f32 * whole)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halves(width: u32, height: u32, left: [u8; 3], right: [u8; 3]) -> Pixels {
        let pixel = |place: u32| {
            if place % width < width / 2 {
                left
            } else {
                right
            }
        };
        let data = (0..width * height).flat_map(pixel).collect();
        Pixels::new(width, height, false, data).unwrap()
    }

    #[test]
    fn a_line_is_where_colors_meet_and_nowhere_else() {
        let cases = [
            ([20, 20, 20], [240, 240, 240], 39..40),
            ([240, 240, 240], [20, 20, 20], 40..41),
            ([180, 60, 60], [60, 120, 60], 40..41),
            ([180, 60, 60], [60, 180, 60], 39..41),
            ([100, 100, 100], [104, 104, 104], 0..0),
        ];
        for (left, right, line) in cases {
            let mut pixels = halves(80, 60, left, right);
            apply(&mut pixels, 1.0);
            for row in pixels.rows() {
                for (x, pixel) in row.chunks_exact(3).enumerate() {
                    let is_line = pixel[0] < 180;
                    assert_eq!(is_line, line.contains(&x), "{x}: {pixel:?}");
                }
            }
        }
    }

    #[test]
    fn running_sums_are_those_of_the_rows() {
        let data = (0..40 * 30 * 3).map(|place| (place * place % 251) as u8);
        let mut pixels = Pixels::new(40, 30, false, data.collect()).unwrap();
        let original = pixels.clone();
        let radius = 3;
        let mut slopes = Slopes::new(40, radius);
        let mut count = 0;
        by_rows(&mut pixels, radius, |rows, _| {
            let y = rows.y as i32;
            slopes.read::<3>(rows.iter());
            let (found, _) = slopes.iter().nth(20).unwrap();
            let at = |dx: i32, dy: i32, channel: usize| {
                let row = original.row((y + dy).max(0) as usize);
                i32::from(row[(20 + dx) as usize * 3 + channel])
            };
            let sum = |of: &dyn Fn(i32, i32) -> i32| -> i32 {
                (-3..=3)
                    .flat_map(|dy| (-3..=3).map(move |dx| (dx, dy)))
                    .map(|(dx, dy)| of(dx, dy))
                    .sum()
            };
            let steepest = (0..3).map(|channel| {
                let x = sum(&|dx, dy| dx.signum() * at(dx, dy, channel)) as f32;
                let y = sum(&|dx, dy| dy.signum() * at(dx, dy, channel)) as f32;
                x.hypot(y) / 21.0
            });
            let expected = steepest.fold(0.0, f32::max);
            assert!(
                (found - expected).abs() < 0.01,
                "row {y}: {found}, {expected}"
            );
            count += 1;
        });
        assert_eq!(count, 30);
    }
}

//! Outline: dark lines where colours meet, on white. A line is drawn where any channel
//! changes much over a short distance, so that red next to a green of the same lightness
//! gets a line too. The line is on the darker side of an edge, so that thin shapes stay
//! thin. Alpha is unchanged; transparent parts count as white.

use super::window::{Window, padded};
use crate::color::smoothstep;
use crate::pixels::Pixels;

/// An amount of 1 leaves only lines; smaller amounts keep a part of the picture, larger
/// ones draw thicker lines.
pub fn apply(pixels: &mut Pixels, amount: f32) {
    if amount <= 0.0 {
        return;
    }
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
    let mut window = Window::new(pixels, radius);
    while let Some((rows, out)) = window.next() {
        slopes.start::<N>(rows.iter());
        slopes.integrate();
        for (pixel, (slope, around)) in out.as_chunks_mut::<N>().0.iter_mut().zip(slopes.iter()) {
            let own = on_paper(pixel).iter().sum::<i32>() as f32 / 3.0;
            let paper = 255.0 * (1.0 - ink(slope, around - own));
            for value in pixel.iter_mut().take(3) {
                let old = f32::from(*value);
                *value = (old + (paper - old) * presence + 0.5) as u8;
            }
        }
        slopes.finish::<N>(rows.leaving(), rows.get(radius + 1));
    }
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

/// Sums of the columns above and below the current row, kept up to date as it
/// moves down, and from them the slope at each pixel.
struct Slopes {
    radius: usize,
    above: Vec<Sums>,
    middle: Vec<Sums>,
    below: Vec<Sums>,
    /// Sums from the left up to each place: of whole columns, and of what is
    /// below less what is above. Beyond the ends the end columns are repeated.
    across: Vec<Sums>,
    down: Vec<Sums>,
    started: bool,
}

impl Slopes {
    fn new(width: usize, radius: usize) -> Self {
        let padded = width + 2 * radius + 1;
        Self {
            radius,
            above: vec![[0; 3]; width],
            middle: vec![[0; 3]; width],
            below: vec![[0; 3]; width],
            across: vec![[0; 3]; padded],
            down: vec![[0; 3]; padded],
            started: false,
        }
    }

    /// Adds the rows around the current one: at first all, then only the new
    /// ones.
    fn start<'a, const N: usize>(&mut self, rows: impl Iterator<Item = &'a [u8]>) {
        let radius = self.radius;
        for (place, row) in rows.enumerate() {
            let comes_in = place + 1 == radius || place == 2 * radius;
            let sums = if place == radius {
                self.middle.fill([0; 3]);
                &mut self.middle
            } else if self.started && !comes_in {
                continue;
            } else if place < radius {
                &mut self.above
            } else {
                &mut self.below
            };
            add::<N>(sums, row, 1);
        }
        self.started = true;
    }

    /// Removes the rows that leave the window when the next row becomes the current one.
    fn finish<const N: usize>(&mut self, top: &[u8], next: &[u8]) {
        add::<N>(&mut self.above, top, -1);
        add::<N>(&mut self.below, next, -1);
    }

    fn integrate(&mut self) {
        let padded = |columns| padded(columns, self.radius);
        let columns = padded(&self.above)
            .zip(padded(&self.middle))
            .zip(padded(&self.below));
        let places = self.across.iter_mut().zip(&mut self.down).skip(1);
        let (mut across, mut down) = ([0; 3], [0; 3]);
        for ((to_across, to_down), ((above, middle), below)) in places.zip(columns) {
            for channel in across
                .iter_mut()
                .zip(&mut down)
                .zip(above)
                .zip(middle)
                .zip(below)
            {
                let ((((across, down), above), middle), below) = channel;
                *across += above + middle + below;
                *down += below - above;
            }
            (*to_across, *to_down) = (across, down);
        }
    }

    /// The slope at each pixel, that of the steepest channel, and the lightness of its
    /// surroundings, both in levels.
    fn iter(&self) -> impl Iterator<Item = (f32, f32)> {
        let radius = self.radius;
        let (half, whole) = (radius * (2 * radius + 1), (2 * radius + 1).pow(2));
        let (half, whole) = (1.0 / half as f32, 1.0 / (3 * whole) as f32);
        let from = |start: usize| self.across.iter().skip(start);
        let left = self.across.iter().zip(from(radius));
        let right = from(radius + 1).zip(from(2 * radius + 1));
        let down = self.down.iter().zip(self.down.iter().skip(2 * radius + 1));
        left.zip(right).zip(down).map(move |((left, right), down)| {
            let mut steepest = 0.0_f32;
            let mut around = 0;
            for channel in 0..3 {
                let at = |sums: &Sums| sums.get(channel).copied().unwrap_or_default();
                let part = |(from, to): (&Sums, &Sums)| at(to) - at(from);
                let x = (part(right) - part(left)) as f32;
                let y = part(down) as f32;
                steepest = steepest.max(x * x + y * y);
                around += part((left.0, right.1));
            }
            (steepest.sqrt() * half, around as f32 * whole)
        })
    }
}

fn add<const N: usize>(sums: &mut [Sums], row: &[u8], sign: i32) {
    for (sums, pixel) in sums.iter_mut().zip(row.as_chunks::<N>().0) {
        for (sum, value) in sums.iter_mut().zip(on_paper(pixel)) {
            *sum += sign * value;
        }
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
        let mut window = Window::new(&mut pixels, radius);
        let mut y = 0;
        while let Some((rows, _)) = window.next() {
            slopes.start::<3>(rows.iter());
            slopes.integrate();
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
            slopes.finish::<3>(rows.leaving(), rows.get(radius + 1));
            y += 1;
        }
        assert_eq!(y, 30);
    }
}

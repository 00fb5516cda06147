//! A colour lookup table: an edit is computed for a grid of colours and
//! interpolated between, so that the costly perceptual mathematics is never
//! done per pixel.

use palette::Oklab;

use crate::color;
use crate::pixels::Pixels;

/// Points along each axis.
const SIDE: usize = 33;
/// The largest value of a channel: the fraction within a cell is an integer in this unit.
const UNIT: u32 = 255;
/// Fractions of a level that the points keep.
const FINE: f32 = 16.0;

pub struct Lut {
    points: Vec<[u16; 3]>,
    /// Colours that become others exactly.
    pins: Vec<([u8; 3], [u8; 3])>,
}

impl Lut {
    pub fn new(tone: impl Fn(Oklab) -> Oklab) -> Self {
        let level = |index: usize| index as f32 / (SIDE - 1) as f32;
        let mut points = Vec::with_capacity(SIDE * SIDE * SIDE);
        for r in 0..SIDE {
            for g in 0..SIDE {
                for b in 0..SIDE {
                    let color = color::from_unit([level(r), level(g), level(b)]);
                    let changed = color::to_srgb(tone(color));
                    points.push(changed.map(|value| (value * 255.0 * FINE).round() as u16));
                }
            }
        }
        let pins = Vec::new();
        Self { points, pins }
    }

    /// Lets a colour become exactly another one, rather than one interpolated.
    pub fn pin(&mut self, from: Oklab, to: Oklab) {
        self.pins.push((color::to_srgb8(from), color::to_srgb8(to)));
    }

    pub fn apply(&self, pixels: &mut Pixels) {
        // Neighbouring pixels are often equal, so the last result is reused.
        let mut last = ([0; 3], self.of([0; 3]));
        for pixel in pixels.iter_mut() {
            if let [r, g, b, ..] = pixel {
                let color = [*r, *g, *b];
                if color != last.0 {
                    last = (color, self.of(color));
                }
                [*r, *g, *b] = last.1;
            }
        }
    }

    fn of(&self, color: [u8; 3]) -> [u8; 3] {
        let pinned = self.pins.iter().find(|(from, _)| *from == color);
        pinned.map_or_else(|| self.look_up(color), |(_, to)| *to)
    }

    /// Interpolates between the four corners of the tetrahedron that the
    /// colour lies in, which keeps greys exactly between greys.
    fn look_up(&self, color: [u8; 3]) -> [u8; 3] {
        const STRIDES: [usize; 3] = [SIDE * SIDE, SIDE, 1];
        // The cell along each axis, and where in it (in `UNIT`s).
        let [r, g, b] = color.map(|value| {
            let scaled = u32::from(value) * (SIDE - 1) as u32;
            ((scaled / UNIT) as usize, scaled % UNIT)
        });
        let corner = r.0 * STRIDES[0] + g.0 * STRIDES[1] + b.0 * STRIDES[2];
        let (r, g, b) = ((r.1, STRIDES[0]), (g.1, STRIDES[1]), (b.1, STRIDES[2]));
        let (first, second, third) = match (r.0 >= g.0, g.0 >= b.0, r.0 >= b.0) {
            (true, true, _) => (r, g, b),
            (true, false, true) => (r, b, g),
            (true, false, false) => (b, r, g),
            (false, true, true) => (g, r, b),
            (false, true, false) => (g, b, r),
            (false, false, _) => (b, g, r),
        };
        let point = |index: usize| {
            let point = self.points.get(index).copied().unwrap_or_default();
            point.map(u32::from)
        };
        let (one, two, three) = (
            corner + first.1,
            corner + first.1 + second.1,
            corner + first.1 + second.1 + third.1,
        );
        let weighted = [
            (point(corner), UNIT - first.0),
            (point(one), first.0 - second.0),
            (point(two), second.0 - third.0),
            (point(three), third.0),
        ];
        let mut sums = [0; 3];
        for (point, weight) in weighted {
            for (sum, value) in sums.iter_mut().zip(point) {
                *sum += value * weight;
            }
        }
        const WHOLE: u32 = UNIT * FINE as u32;
        sums.map(|sum| ((sum + WHOLE / 2) / WHOLE) as u8)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_pinned_becomes_exactly_that() {
        let (from, to) = ([210, 30, 40], [15, 118, 110]);
        let mut lut = Lut::new(|lab| lab);
        lut.pin(color::from_srgb(from), color::from_srgb(to));
        let data = [from, [211, 30, 40], from].concat();
        let mut pixels = Pixels::new(3, 1, false, data).unwrap();
        lut.apply(&mut pixels);
        assert_eq!(*pixels.data(), *[to, [211, 30, 40], to].concat());
    }

    proptest! {
        #[test]
        fn what_changes_nothing_changes_nothing(color: [u8; 3]) {
            static LUT: std::sync::LazyLock<Lut> = std::sync::LazyLock::new(|| Lut::new(|lab| lab));
            prop_assert_eq!(LUT.look_up(color), color);
        }

        #[test]
        fn what_lies_between_is_near_what_was_asked_for(color: [u8; 3]) {
            let darker = |lab: Oklab| Oklab::new(lab.l * 0.8, lab.a * 0.8, lab.b * 0.8);
            static LUT: std::sync::LazyLock<Lut> = std::sync::LazyLock::new(|| {
                Lut::new(|lab| Oklab::new(lab.l * 0.8, lab.a * 0.8, lab.b * 0.8))
            });
            let exact = color::to_srgb8(darker(color::from_srgb(color)));
            for (found, exact) in LUT.look_up(color).into_iter().zip(exact) {
                prop_assert!(found.abs_diff(exact) <= 3, "{found} for {exact}");
            }
        }
    }
}

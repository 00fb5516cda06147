//! A soft shadow behind what stands on the background, to the lower right.

use super::background;
use super::border::Border;
use super::squares::factor;
use crate::notes::Remark;
use crate::pixels::{Pixels, alpha};

/// Of the shorter side.
const OFFSET: f32 = 0.015;
const BLUR: f32 = 0.012;
const DARKNESS: f32 = 0.45;

/// An amount of 1 is as dark as the plain word asks for. Returns the reason if there is
/// no background that the shadow could fall on.
pub fn apply(pixels: &mut Pixels, amount: f32) -> Option<Remark> {
    let ground = match Border::of(pixels) {
        Border::Colored(color) => Some(color),
        Border::Transparent => None,
        Border::Mixed => return Some(Remark::BackgroundNotFound),
    };
    let evens = ground.is_some_and(|ground| Border::is_uneven(pixels, ground));
    if ground.is_some()
        && let Some(remark @ Remark::BackgroundNotFound) = background::apply(pixels, 1.0)
    {
        return Some(remark);
    }
    pixels.add_alpha();
    let shadow = Shadow::of(pixels);
    let darkness = (DARKNESS * amount).clamp(0.0, 1.0);
    for (y, row) in (0..).zip(pixels.rows_mut()) {
        for (x, pixel) in (0..).zip(row.as_chunks_mut::<4>().0) {
            let own = f32::from(pixel[3]) / 255.0;
            let behind = (1.0 - own) * shadow.at(x, y) * darkness;
            let cover = own + behind;
            if behind > 0.0 {
                let [r, g, b, alpha] = pixel;
                for value in [r, g, b] {
                    *value = (f32::from(*value) * own / cover).round() as u8;
                }
                *alpha = (cover * 255.0).round() as u8;
            }
        }
    }
    if let Some(ground) = ground {
        background::flatten(pixels, ground);
    }
    evens.then_some(Remark::BackgroundEvened)
}

/// The blurred shape, on a map of about a megapixel.
struct Shadow {
    factor: usize,
    width: usize,
    offset: usize,
    cover: Vec<f32>,
}

impl Shadow {
    fn of(pixels: &Pixels) -> Self {
        let factor = factor(pixels);
        let width = (pixels.width() as usize).div_ceil(factor);
        let rows = pixels.rows().step_by(factor);
        let cover = rows.flat_map(|row| {
            let pixels = row.chunks_exact(pixels.channels()).step_by(factor);
            pixels.map(|pixel| f32::from(alpha(pixel)) / 255.0)
        });
        let side = pixels.width().min(pixels.height()) as f32;
        let mut shadow = Self {
            factor,
            width,
            offset: (side * OFFSET).round() as usize,
            cover: cover.collect(),
        };
        let radius = (side * BLUR / factor as f32).round() as usize;
        for _ in 0..2 {
            shadow.blur(radius);
        }
        shadow
    }

    /// A box blur in both directions.
    fn blur(&mut self, radius: usize) {
        let height = self.cover.len() / self.width.max(1);
        let line = |start: usize, step: usize, count: usize, cover: &mut [f32]| {
            let old: Vec<_> = cover
                .iter()
                .skip(start)
                .step_by(step)
                .take(count)
                .copied()
                .collect();
            let at = |place: usize| old.get(place).copied().unwrap_or_default();
            let mut sum: f32 = old.iter().take(radius).sum();
            let size = (2 * radius + 1) as f32;
            for (place, value) in cover
                .iter_mut()
                .skip(start)
                .step_by(step)
                .take(count)
                .enumerate()
            {
                sum += at(place + radius);
                *value = (sum / size).max(0.0);
                if let Some(first) = place.checked_sub(radius) {
                    sum -= at(first);
                }
            }
        };
        for y in 0..height {
            line(y * self.width, 1, self.width, &mut self.cover);
        }
        for x in 0..self.width {
            line(x, self.width, height, &mut self.cover);
        }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        let place = |value: usize| Some(value.checked_sub(self.offset)? / self.factor);
        let found = place(x).zip(place(y));
        let found = found.and_then(|(x, y)| self.cover.get(y * self.width + x));
        found.copied().unwrap_or_default()
    }
}

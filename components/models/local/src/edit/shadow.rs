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
    let shadow = shadow(pixels);
    let darkness = (DARKNESS * amount).clamp(0.0, 1.0);
    for (y, row) in (0..).zip(pixels.rows_mut()) {
        for (x, pixel) in (0..).zip(row.as_chunks_mut::<4>().0) {
            let own = f32::from(pixel[3]) / 255.0;
            let behind = (1.0 - own) * shadow(x, y) * darkness;
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

/// How much of the shadow is at a place: the blurred shape, on a map of about a megapixel.
fn shadow(pixels: &Pixels) -> impl Fn(usize, usize) -> f32 + use<> {
    let factor = factor(pixels);
    let width = (pixels.width() as usize).div_ceil(factor);
    let rows = pixels.rows().step_by(factor);
    let cover = rows.flat_map(|row| {
        let pixels = row.chunks_exact(pixels.channels()).step_by(factor);
        pixels.map(|pixel| f32::from(alpha(pixel)) / 255.0)
    });
    let mut cover: Vec<_> = cover.collect();
    let side = pixels.width().min(pixels.height()) as f32;
    let offset = (side * OFFSET).round() as usize;
    let radius = (side * BLUR / factor as f32).round() as usize;
    for _ in 0..2 {
        blur(&mut cover, width, radius);
    }
    move |x: usize, y: usize| {
        let place = |value: usize| Some(value.checked_sub(offset)? / factor);
        let found = place(x).zip(place(y));
        let found = found.and_then(|(x, y)| cover.get(y * width + x));
        found.copied().unwrap_or_default()
    }
}

/// A box blur in both directions.
fn blur(cover: &mut [f32], width: usize, radius: usize) {
    let height = cover.len() / width.max(1);
    let mut line = |start: usize, step: usize, count: usize| {
        let old = cover.iter().skip(start).step_by(step).take(count);
        let old: Vec<_> = old.copied().collect();
        let at = |place: usize| old.get(place).copied().unwrap_or_default();
        let mut sum: f32 = old.iter().take(radius).sum();
        let size = (2 * radius + 1) as f32;
        let line = cover.iter_mut().skip(start).step_by(step).take(count);
        for (place, value) in line.enumerate() {
            sum += at(place + radius);
            *value = (sum / size).max(0.0);
            if let Some(first) = place.checked_sub(radius) {
                sum -= at(first);
            }
        }
    };
    for y in 0..height {
        line(y * width, 1, width);
    }
    for x in 0..width {
        line(x, width, height);
    }
}

//! Rotates by any angle. The picture grows, so that nothing of it is cut off; the new
//! corners have the background's colour, or are transparent where it has none.

use super::border::surrounding;
use crate::pixels::{Pixels, alpha, rgb};

/// By so many degrees clockwise.
pub fn apply(pixels: &mut Pixels, degrees: f32) {
    let fill = surrounding(pixels, [0; 4]);
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (wide, high) = (pixels.width() as f32, pixels.height() as f32);
    let (across, down) = size(pixels.width(), pixels.height(), degrees);
    let (width, height) = (across as f32, down as f32);
    let channels = pixels.channels();
    let mut data = Vec::with_capacity(across as usize * down as usize * channels);
    for y in 0..down {
        let under = y as f32 + 0.5 - height / 2.0;
        for x in 0..across {
            let beside = x as f32 + 0.5 - width / 2.0;
            let left = beside * cos + under * sin + wide / 2.0 - 0.5;
            let top = under * cos - beside * sin + high / 2.0 - 0.5;
            data.extend(between(pixels, left, top, fill).into_iter().take(channels));
        }
    }
    if let Some(turned) = Pixels::new(across, down, pixels.has_alpha(), data) {
        *pixels = turned;
    }
}

/// Width and height of a picture that is rotated.
pub fn size(width: u32, height: u32, degrees: f32) -> (u32, u32) {
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (wide, high) = (width as f32, height as f32);
    let across = wide * cos.abs() + high * sin.abs();
    let down = wide * sin.abs() + high * cos.abs();
    (across.ceil().max(1.0) as u32, down.ceil().max(1.0) as u32)
}

/// The colour at a place between pixels, mixed of the four around it.
fn between(pixels: &Pixels, left: f32, top: f32, fill: [u8; 4]) -> [u8; 4] {
    let (x, y) = (left.floor(), top.floor());
    let (right, below) = (left - x, top - y);
    let corners = [
        (x, y, (1.0 - right) * (1.0 - below)),
        (x + 1.0, y, right * (1.0 - below)),
        (x, y + 1.0, (1.0 - right) * below),
        (x + 1.0, y + 1.0, right * below),
    ];
    let (mut color, mut cover) = ([0.0; 3], 0.0);
    for (x, y, weight) in corners {
        let [r, g, b, alpha] = at(pixels, x, y).unwrap_or(fill);
        let weight = weight * f32::from(alpha);
        cover += weight;
        for (sum, value) in color.iter_mut().zip([r, g, b]) {
            *sum += f32::from(value) * weight;
        }
    }
    if cover <= 0.0 {
        return [0; 4];
    }
    let [r, g, b] = color.map(|sum| (sum / cover).round() as u8);
    [r, g, b, cover.round() as u8]
}

fn at(pixels: &Pixels, x: f32, y: f32) -> Option<[u8; 4]> {
    if x < 0.0 || y < 0.0 || x >= pixels.width() as f32 || y >= pixels.height() as f32 {
        return None;
    }
    let start = x as usize * pixels.channels();
    let row = pixels.row(y as usize);
    let pixel = row.get(start..start + pixels.channels())?;
    let [r, g, b] = rgb(pixel);
    Some([r, g, b, alpha(pixel)])
}

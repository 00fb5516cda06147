//! Draws the shapes at full size. Labels around a pixel are weighted by
//! distance (a Gaussian), which turns the stairs of the small copy into smooth
//! curves; edges are antialiased over one pixel.

use super::shapes::{COLORS, Shapes};
use crate::color::smoothstep;
use crate::pixels::{Pixels, rgb};

/// Size of the kernel, in places along an axis.
const KERNEL: usize = 5;
/// Weights along an axis are in this many parts.
const WHOLE: f32 = 256.0;

pub fn draw(
    pixels: &mut Pixels,
    shapes: &Shapes,
    colors: &[[u8; 3]],
    factor: usize,
    presence: f32,
) {
    /// Of an edge between places of one pixel each.
    const SHARPNESS: f32 = 1.7;
    let channels = pixels.channels();
    let weights: Vec<_> = (0..factor).map(|step| weights(step, factor)).collect();
    let painter = Painter {
        colors,
        sharpness: SHARPNESS * factor as f32,
        presence: (presence * 256.0) as u32,
    };
    let mut places = Vec::with_capacity(shapes.width());
    for (y, row) in pixels.rows_mut().enumerate() {
        let middle = y / factor;
        if y % factor == 0 {
            neighborhoods(shapes, middle, &mut places);
        }
        let Some(vertical) = weights.get(y % factor) else {
            continue;
        };
        for (place, square) in places.iter().zip(row.chunks_mut(factor * channels)) {
            match place {
                Neighborhood::Inside(label) => {
                    for pixel in square.chunks_exact_mut(channels) {
                        painter.paint(pixel, painter.color(*label));
                    }
                }
                Neighborhood::Edge(labels) => {
                    for (pixel, horizontal) in square.chunks_exact_mut(channels).zip(&weights) {
                        if let Some(color) = painter.blend(pixel, labels, horizontal, vertical) {
                            painter.paint(pixel, Some(color));
                        }
                    }
                }
            }
        }
    }
}

enum Neighborhood {
    /// All surrounding places have this label.
    Inside(u8),
    /// The surrounding labels, row by row.
    Edge([[u8; KERNEL]; KERNEL]),
}

fn neighborhoods(shapes: &Shapes, y: usize, places: &mut Vec<Neighborhood>) {
    const SIDE: usize = KERNEL / 2;
    let rows: [_; KERNEL] = std::array::from_fn(|step| shapes.row((y + step).saturating_sub(SIDE)));
    places.clear();
    places.extend((0..shapes.width()).map(|x| {
        let labels = rows.map(|row| {
            std::array::from_fn(|step| {
                let label = row.get((x + step).saturating_sub(SIDE)).or(row.last());
                label.copied().unwrap_or_default()
            })
        });
        let own = shapes.row(y).get(x).copied().unwrap_or_default();
        if labels.as_flattened().iter().all(|label| *label == own) {
            Neighborhood::Inside(own)
        } else {
            Neighborhood::Edge(labels)
        }
    }));
}

/// Weights of the surrounding places for the `step`-th of the `steps` pixels in
/// the middle place.
fn weights(step: usize, steps: usize) -> [u32; KERNEL] {
    const SPREAD: f32 = 0.85;
    let offset = (step as f32 + 0.5) / steps as f32 - 0.5;
    let raw: [f32; KERNEL] = std::array::from_fn(|place| {
        let distance = place as f32 - (KERNEL / 2) as f32 - offset;
        (-distance * distance / (2.0 * SPREAD * SPREAD)).exp()
    });
    let sum: f32 = raw.iter().sum();
    raw.map(|weight| (weight / sum * WHOLE).round() as u32)
}

struct Painter<'a> {
    colors: &'a [[u8; 3]],
    /// How steep an edge is.
    sharpness: f32,
    /// In 256ths.
    presence: u32,
}

impl Painter<'_> {
    fn color(&self, label: u8) -> Option<[u8; 3]> {
        self.colors.get(usize::from(label)).copied()
    }

    /// The two labels with the greatest weights share the pixel: in the ratio
    /// in which the picture's colour lies between theirs, if it does, else by
    /// their weights.
    fn blend(
        &self,
        pixel: &[u8],
        labels: &[[u8; KERNEL]; KERNEL],
        horizontal: &[u32; KERNEL],
        vertical: &[u32; KERNEL],
    ) -> Option<[u8; 3]> {
        let mut says = [0_u32; COLORS];
        for (row, vertical) in labels.iter().zip(vertical) {
            for (label, horizontal) in row.iter().zip(horizontal) {
                if let Some(say) = says.get_mut(usize::from(*label)) {
                    *say += horizontal * vertical;
                }
            }
        }
        let ((mut first, mut most), (mut second, mut next)) = ((0, 0), (0, 0));
        for (label, say) in (0..).zip(says) {
            if say > most {
                (second, next) = (first, most);
                (first, most) = (label, say);
            } else if say > next {
                (second, next) = (label, say);
            }
        }
        let color = self.color(first).filter(|_| most > 0)?;
        let Some(other) = self.color(second).filter(|_| next > 0) else {
            return Some(color);
        };
        let say = next as f32 / (most + next) as f32;
        let by_place = 0.5 - ((0.5 - say) * self.sharpness).min(0.5);
        let share = match between(rgb(pixel), color, other) {
            Some((share, trust)) => by_place + (share - by_place) * trust,
            None => by_place,
        };
        Some(mix(color, other, (share * 256.0) as u32))
    }

    fn paint(&self, pixel: &mut [u8], color: Option<[u8; 3]>) {
        if let ([r, g, b, ..], Some(color)) = (pixel, color) {
            [*r, *g, *b] = mix([*r, *g, *b], color, self.presence);
        }
    }
}

/// Where a colour lies between two others (0 to 1), and how reliable that is: not at all
/// if it is off the line between them, or if they are so similar that it may be texture.
/// None: they are equal.
fn between(color: [u8; 3], one: [u8; 3], other: [u8; 3]) -> Option<(f32, f32)> {
    /// Steepens the result, since a seam is a softened step, while texture on
    /// both sides should be ignored.
    const STEEPNESS: f32 = 1.5;
    let difference = |from: [u8; 3], to: [u8; 3]| -> [f32; 3] {
        std::array::from_fn(|channel| {
            let value = |color: [u8; 3]| color.get(channel).copied().map_or(0.0, f32::from);
            value(to) - value(from)
        })
    };
    let dot = |a: [f32; 3], b: [f32; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let way = difference(one, other);
    let offset = difference(one, color);
    let length = dot(way, way);
    if length < 1.0 {
        return None;
    }
    let part = dot(offset, way) / length;
    let aside = (dot(offset, offset) - part * part * length).max(0.0).sqrt();
    let share = ((part - 0.5) * STEEPNESS + 0.5).clamp(0.0, 1.0);
    let straight = 1.0 - smoothstep(0.1, 0.35, aside / length.sqrt());
    let distinct = smoothstep(60.0, 120.0, length.sqrt());
    Some((share, straight * distinct))
}

/// `share` of the second colour is in 256ths.
fn mix(one: [u8; 3], other: [u8; 3], share: u32) -> [u8; 3] {
    let mut mixed = one;
    for (value, other) in mixed.iter_mut().zip(other) {
        let sum = u32::from(*value) * (256 - share) + u32::from(other) * share;
        *value = ((sum + 128) >> 8) as u8;
    }
    mixed
}

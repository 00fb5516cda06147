//! A canvas for shapes that are given by their distance function: how far a
//! point is from the shape's edge, negative inside. Edges come out soft by
//! just a pixel, whatever the size.

use std::f32::consts::TAU;

/// 0 to 1 each.
pub type Color = [f32; 3];

pub struct Canvas {
    pub width: usize,
    pub height: usize,
    pixels: Vec<[f32; 4]>,
}

/// A point in units of the canvas' height, the origin in its middle, y down.
#[derive(Clone, Copy)]
pub struct Point {
    pub x: f32,
    pub y: f32,
}

pub fn at(x: f32, y: f32) -> Point {
    Point { x, y }
}

/// `0xRRGGBB`
pub fn hex(color: u32) -> Color {
    let [_, r, g, b] = color.to_be_bytes();
    [r, g, b].map(|value| f32::from(value) / 255.0)
}

pub fn mix(one: Color, other: Color, part: f32) -> Color {
    let part = part.clamp(0.0, 1.0);
    let [r, g, b] = one;
    let [s, h, c] = other;
    [r + (s - r) * part, g + (h - g) * part, b + (c - b) * part]
}

impl Canvas {
    /// Transparent all over.
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0.0; 4]; width * height],
        }
    }

    /// Fills the shape with a colour that may change from point to point.
    pub fn fill(&mut self, shape: impl Fn(Point) -> f32, color: impl Fn(Point) -> Color) {
        self.veil(shape, color, 1.0);
    }

    /// As `fill`, but lets through what is below: 0 (all) to 1 (nothing).
    pub fn veil(
        &mut self,
        shape: impl Fn(Point) -> f32,
        color: impl Fn(Point) -> Color,
        opacity: f32,
    ) {
        let (width, height) = (self.width as f32, self.height as f32);
        for (y, row) in self.pixels.chunks_exact_mut(self.width).enumerate() {
            for (x, pixel) in row.iter_mut().enumerate() {
                let point = at(
                    (x as f32 + 0.5 - width / 2.0) / height,
                    (y as f32 + 0.5 - height / 2.0) / height,
                );
                let cover = (0.5 - shape(point) * height).clamp(0.0, 1.0) * opacity;
                if cover > 0.0 {
                    let [r, g, b, a] = *pixel;
                    let after = cover + a * (1.0 - cover);
                    let [r, g, b] = mix([r, g, b], color(point), cover / after);
                    *pixel = [r, g, b, after];
                }
            }
        }
    }

    pub fn rgb(&self) -> Vec<u8> {
        let byte = |value: &f32| (value * 255.0).round() as u8;
        let color = |pixel: &[f32; 4]| {
            pixel
                .first_chunk::<3>()
                .map(|color| color.each_ref().map(byte))
        };
        self.pixels.iter().filter_map(color).flatten().collect()
    }

    pub fn rgba(&self) -> Vec<u8> {
        let byte = |value: &f32| (value * 255.0).round() as u8;
        self.pixels.iter().flatten().map(byte).collect()
    }
}

pub fn plain(color: u32) -> impl Fn(Point) -> Color {
    let color = hex(color);
    move |_| color
}

pub fn everywhere(_: Point) -> f32 {
    -1.0
}

pub fn circle(center: Point, radius: f32) -> impl Fn(Point) -> f32 {
    move |p| (p.x - center.x).hypot(p.y - center.y) - radius
}

pub fn ring(center: Point, radius: f32, thickness: f32) -> impl Fn(Point) -> f32 {
    move |p| ((p.x - center.x).hypot(p.y - center.y) - radius).abs() - thickness / 2.0
}

/// About right near its edge, which is where it counts.
pub fn ellipse(center: Point, radii: Point, turned: f32) -> impl Fn(Point) -> f32 {
    let (sin, cos) = turned.sin_cos();
    move |p| {
        let (x, y) = (p.x - center.x, p.y - center.y);
        let (x, y) = ((x * cos + y * sin) / radii.x, (y * cos - x * sin) / radii.y);
        let slope = (x / radii.x).hypot(y / radii.y).max(1e-6);
        let size = x.hypot(y);
        size * (size - 1.0) / slope
    }
}

pub fn line(from: Point, to: Point, thickness: f32) -> impl Fn(Point) -> f32 {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = (dx * dx + dy * dy).max(1e-9);
    move |p| {
        let part = (((p.x - from.x) * dx + (p.y - from.y) * dy) / length).clamp(0.0, 1.0);
        (p.x - from.x - part * dx).hypot(p.y - from.y - part * dy) - thickness / 2.0
    }
}

/// A part of a ring around `middle` (an angle, 0 to the right, clockwise),
/// with round ends; `angle` is the angle to either side.
pub fn arc(
    center: Point,
    radius: f32,
    thickness: f32,
    middle: f32,
    angle: f32,
) -> impl Fn(Point) -> f32 {
    move |p| {
        let (x, y) = (p.x - center.x, p.y - center.y);
        let away = (y.atan2(x) - middle + TAU * 1.5).rem_euclid(TAU) - TAU / 2.0;
        let nearest = middle + away.clamp(-angle, angle);
        (x - radius * nearest.cos()).hypot(y - radius * nearest.sin()) - thickness / 2.0
    }
}

pub fn rounded(center: Point, half: Point, corner: f32) -> impl Fn(Point) -> f32 {
    move |p| {
        let x = (p.x - center.x).abs() - half.x + corner;
        let y = (p.y - center.y).abs() - half.y + corner;
        x.max(0.0).hypot(y.max(0.0)) + x.max(y).min(0.0) - corner
    }
}

pub fn both(one: impl Fn(Point) -> f32, other: impl Fn(Point) -> f32) -> impl Fn(Point) -> f32 {
    move |p| one(p).max(other(p))
}

pub fn without(one: impl Fn(Point) -> f32, hole: impl Fn(Point) -> f32) -> impl Fn(Point) -> f32 {
    move |p| one(p).max(-hole(p))
}

/// Smooth noise from 0 to 1 that changes over a distance of about 1.
pub fn noise(x: f32, y: f32, seed: u32) -> f32 {
    let (column, row) = (x.floor(), y.floor());
    let ease = |part: f32| part * part * (3.0 - 2.0 * part);
    let (u, v) = (ease(x - column), ease(y - row));
    let corner = |dx: i32, dy: i32| chance(column as i32 + dx, row as i32 + dy, seed);
    let top = corner(0, 0) + (corner(1, 0) - corner(0, 0)) * u;
    let bottom = corner(0, 1) + (corner(1, 1) - corner(0, 1)) * u;
    top + (bottom - top) * v
}

/// Noise with details down to `octaves` halvings.
pub fn fractal(x: f32, y: f32, octaves: u32, seed: u32) -> f32 {
    let mut sum = 0.0;
    let mut weight = 0.5;
    let mut scale = 1.0;
    for octave in 0..octaves {
        sum += weight * noise(x * scale, y * scale, seed.wrapping_add(octave));
        weight /= 2.0;
        scale *= 2.0;
    }
    sum / (1.0 - weight * 2.0)
}

/// The same number from 0 to 1 for the same place.
fn chance(x: i32, y: i32, seed: u32) -> f32 {
    let mut state = (x as u32).wrapping_mul(0x9E37_79B1)
        ^ (y as u32).wrapping_mul(0x85EB_CA77)
        ^ seed.wrapping_mul(0xC2B2_AE3D);
    for _ in 0..2 {
        state ^= state >> 15;
        state = state.wrapping_mul(0x2C1B_3C6D);
        state ^= state >> 13;
    }
    (state >> 8) as f32 / (1 << 24) as f32
}

//! A landscape with the unevenness of a photograph: a sky at dusk, mountains
//! in the haze, a lake and firs.

use crate::canvas::{Canvas, Color, Point, at, circle, everywhere, fractal, hex, mix, noise};

/// Where the lake begins.
const SHORE: f32 = 0.2;

pub fn draw(width: usize, height: usize) -> Canvas {
    let mut canvas = Canvas::new(width, height);
    canvas.fill(everywhere, sky);
    canvas.fill(circle(at(0.22, -0.06), 0.055), |_| hex(0xFFF3D6));
    for range in [
        Range {
            level: 0.0,
            rough: 0.16,
            scale: 2.2,
            color: 0x8F93B4,
            snow: true,
            seed: 3,
        },
        Range {
            level: 0.08,
            rough: 0.12,
            scale: 3.1,
            color: 0x5D6A93,
            snow: false,
            seed: 5,
        },
        Range {
            level: 0.155,
            rough: 0.08,
            scale: 4.5,
            color: 0x37506A,
            snow: false,
            seed: 9,
        },
    ] {
        canvas.fill(|p| range.distance(p), |p| range.color(p));
    }
    canvas.fill(|p| SHORE - p.y, lake);
    canvas.fill(firs, |p| {
        mix(
            hex(0x10231C),
            hex(0x2E4A33),
            fractal(p.x * 60.0, p.y * 90.0, 4, 21),
        )
    });
    canvas.fill(meadow, |p| {
        let blades = fractal(p.x * 90.0, p.y * 40.0, 5, 31);
        let flowers = noise(p.x * 190.0, p.y * 260.0, 33) > 0.9;
        let green = mix(hex(0x24401F), hex(0x7C8B3A), blades);
        if flowers {
            mix(green, hex(0xE8A33D), 0.7)
        } else {
            green
        }
    });
    canvas
}

fn sky(p: Point) -> Color {
    let height = (p.y + 0.5) / 0.7;
    let blue = mix(hex(0x2F5D9B), hex(0x86AFD6), height * 1.8);
    let glow = mix(blue, hex(0xF3B98A), (height - 0.35) * 1.9);
    let glow = mix(
        glow,
        hex(0xFFEBC2),
        (-14.0 * ((p.x - 0.22).powi(2) + (p.y + 0.06).powi(2))).exp() * 0.75,
    );
    let clouds = fractal(p.x * 2.6 + 4.0, p.y * 8.0, 6, 2);
    let cover = ((clouds - 0.52) * 4.0).clamp(0.0, 0.85);
    mix(glow, mix(hex(0xFFF4E6), hex(0xE79A86), height), cover)
}

struct Range {
    level: f32,
    rough: f32,
    scale: f32,
    color: u32,
    snow: bool,
    seed: u32,
}

impl Range {
    fn crest(&self, x: f32) -> f32 {
        self.level - self.rough * (fractal(x * self.scale + 7.0, 0.0, 7, self.seed) - 0.35) * 1.8
    }

    fn distance(&self, p: Point) -> f32 {
        // A crest is steep at most as it is wide; half of it keeps edges soft.
        (self.crest(p.x) - p.y) * 0.7
    }

    fn color(&self, p: Point) -> Color {
        let depth = p.y - self.crest(p.x);
        let rock = fractal(p.x * 26.0 + depth * 12.0, p.y * 26.0, 6, self.seed + 40);
        let color = mix(hex(self.color), hex(0x1B2740), (rock - 0.35) * 0.9);
        let snow = if self.snow {
            ((0.06 - depth) * 22.0 + (rock - 0.5) * 3.0).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let haze = (depth * 3.0).clamp(0.0, 0.5);
        mix(mix(color, hex(0xF4F1EE), snow * 0.85), hex(0xD9B7A6), haze)
    }
}

/// The sky upside down, in waves.
fn lake(p: Point) -> Color {
    let depth = (p.y - SHORE) / (0.5 - SHORE);
    let wave = (fractal(p.x * 14.0, p.y * (160.0 - 90.0 * depth), 4, 17) - 0.5) * 0.12;
    let mirrored = at(p.x + wave * 0.2, SHORE - (p.y - SHORE) * 1.6 + wave);
    let water = mix(sky(mirrored), hex(0x1E3F5C), 0.35 + 0.35 * depth);
    let glitter =
        ((0.05 - (p.x - 0.22).abs()) * 20.0).clamp(0.0, 1.0) * noise(p.x * 60.0, p.y * 260.0, 19);
    mix(water, hex(0xFFE9B8), glitter * 0.7)
}

/// A row of firs along the shore, higher towards the sides.
fn firs(p: Point) -> f32 {
    const EACH: f32 = 0.034;
    let tree = (p.x / EACH).floor();
    let middle = (tree + 0.5) * EACH;
    let tall = 0.03 + 0.055 * noise(tree * 1.7, 0.0, 23) + 0.12 * (p.x.abs() - 0.25).max(0.0);
    let foot = SHORE + 0.012 + 0.01 * noise(p.x * 9.0, 0.0, 25);
    let up = ((foot - p.y) / tall).clamp(0.0, 1.0);
    let teeth = 0.75 + 0.25 * (1.0 - (up * 6.0).fract());
    let half = 0.017 * (1.0 - up) * teeth;
    let crown = (p.x - middle).abs() - half;
    crown.max(foot - tall - p.y).max(p.y - foot) * 0.8
}

fn meadow(p: Point) -> f32 {
    let edge = 0.4 + 0.05 * (fractal(p.x * 2.0, 0.0, 5, 27) - 0.5) + 0.1 * (p.x + 0.2).abs() * -0.6;
    edge - p.y + 0.004 * noise(p.x * 240.0, 0.0, 29)
}

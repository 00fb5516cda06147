//! A badge with a transparent ground: a sailing boat on waves.

use crate::canvas::{Canvas, Point, at, both, circle, hex, line, mix, plain, ring, without};

pub fn draw(side: usize) -> Canvas {
    let mut canvas = Canvas::new(side, side);
    let middle = at(0.0, 0.0);
    canvas.fill(circle(middle, 0.47), plain(0x143D66));
    canvas.fill(ring(middle, 0.44, 0.012), plain(0xF2C14E));
    let sky = |p: Point| mix(hex(0xFBE3B0), hex(0x5FB3D9), 0.5 - p.y * 1.3);
    canvas.fill(circle(middle, 0.405), sky);
    canvas.fill(circle(at(-0.17, -0.16), 0.075), plain(0xF9F1DC));
    canvas.fill(
        triangle(at(0.02, -0.31), at(0.02, 0.09), at(0.24, 0.09)),
        plain(0xFDFBF5),
    );
    canvas.fill(
        triangle(at(-0.01, -0.24), at(-0.01, 0.09), at(-0.16, 0.09)),
        plain(0xD9483B),
    );
    canvas.fill(
        line(at(0.005, -0.33), at(0.005, 0.14), 0.014),
        plain(0x5B3A21),
    );
    let hull = both(circle(at(0.02, -0.08), 0.27), move |p: Point| 0.115 - p.y);
    canvas.fill(hull, plain(0x7A4A2B));
    for (level, color) in [(0.16, 0x2A86B8), (0.225, 0x1E6A9C), (0.3, 0x175480)] {
        let wave = move |p: Point| {
            let crest = level + 0.018 * ((p.x + level * 3.0) * 26.0).sin();
            (crest - p.y) * 0.9
        };
        canvas.fill(both(wave, circle(middle, 0.405)), plain(color));
    }
    canvas.fill(
        without(circle(middle, 0.41), circle(middle, 0.4)),
        plain(0x0E2C4B),
    );
    canvas
}

/// Its corners in any order.
fn triangle(a: Point, b: Point, c: Point) -> impl Fn(Point) -> f32 {
    let turn = ((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x)).signum();
    let edge = move |from: Point, to: Point, p: Point| {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        -turn * (dx * (p.y - from.y) - dy * (p.x - from.x)) / dx.hypot(dy)
    };
    move |p| edge(a, b, p).max(edge(b, c, p)).max(edge(c, a, p))
}

//! The logo of a coffee shop: a cup on a saucer in a ring of wood, beans and
//! leaves, and its name below.

use crate::canvas::{
    Canvas, Point, arc, at, both, circle, ellipse, everywhere, fractal, hex, line, mix, noise,
    plain, ring, rounded,
};

const ESPRESSO: u32 = 0x2A1710;
const ROAST: u32 = 0x4A2B1A;
const WOOD: u32 = 0x6B4028;
const CREMA: u32 = 0x9C6A3C;
const CREAM: u32 = 0xFBF6EC;
const LEAF: u32 = 0x55682F;

pub fn draw(side: usize) -> Canvas {
    let mut canvas = Canvas::new(side, side);
    canvas.fill(everywhere, plain(CREAM));
    medallion(&mut canvas);
    leaves(&mut canvas);
    saucer(&mut canvas);
    cup(&mut canvas);
    steam(&mut canvas);
    beans(&mut canvas);
    name(&mut canvas);
    canvas
}

/// Rings of wood around a cream ground with a fine weave.
fn medallion(canvas: &mut Canvas) {
    let middle = at(0.0, -0.07);
    let wood = |p: Point| {
        let angle = (p.y + 0.07).atan2(p.x);
        let distance = p.x.hypot(p.y + 0.07);
        let grain = fractal(distance * 120.0 + angle.sin() * 3.0, angle * 4.0, 4, 7);
        mix(hex(ESPRESSO), hex(CREMA), 0.2 + 0.55 * grain)
    };
    canvas.fill(circle(middle, 0.385), wood);
    canvas.fill(ring(middle, 0.372, 0.006), plain(0xC79A63));
    canvas.fill(circle(middle, 0.335), plain(ESPRESSO));
    let weave = |p: Point| {
        let thread = 0.5 + 0.25 * ((p.x * 260.0).sin() + (p.y * 260.0).sin());
        mix(hex(0xEBD9BC), hex(0xF6EAD6), thread)
    };
    canvas.fill(circle(middle, 0.325), weave);
    for step in 0..48 {
        let angle = step as f32 * std::f32::consts::TAU / 48.0;
        let (sin, cos) = angle.sin_cos();
        canvas.fill(
            circle(at(0.305 * cos, -0.07 + 0.305 * sin), 0.004),
            plain(CREMA),
        );
    }
}

fn leaves(canvas: &mut Canvas) {
    for side in [-1.0_f32, 1.0] {
        for (step, tilt) in [(0.0, 0.5_f32), (1.0, 0.95), (2.0, 1.4)] {
            let center = at(side * (0.19 + 0.018 * step), 0.06 - 0.075 * step);
            let turned = if side > 0.0 { -tilt } else { tilt };
            let leaf = ellipse(center, at(0.055, 0.022), turned);
            let green = move |p: Point| {
                mix(
                    hex(LEAF),
                    hex(0x8C9A4E),
                    ((p.y - center.y) * 14.0 + 0.5).clamp(0.0, 1.0),
                )
            };
            canvas.fill(leaf, green);
            let (sin, cos) = turned.sin_cos();
            let vein = line(
                at(center.x - 0.045 * cos, center.y - 0.045 * sin),
                at(center.x + 0.045 * cos, center.y + 0.045 * sin),
                0.003,
            );
            canvas.fill(vein, plain(0x38471F));
        }
    }
}

fn saucer(canvas: &mut Canvas) {
    let shade = |p: Point| mix(hex(WOOD), hex(ESPRESSO), (p.y - 0.08) * 14.0);
    canvas.fill(ellipse(at(0.0, 0.105), at(0.2, 0.035), 0.0), shade);
    canvas.fill(ellipse(at(0.0, 0.098), at(0.175, 0.024), 0.0), plain(CREMA));
    canvas.fill(ellipse(at(0.0, 0.098), at(0.105, 0.015), 0.0), plain(ROAST));
}

fn cup(canvas: &mut Canvas) {
    canvas.fill(ring(at(0.142, -0.035), 0.048, 0.026), plain(ROAST));
    let bowl = both(
        ellipse(at(0.0, -0.085), at(0.145, 0.185), 0.0),
        rounded(at(0.0, 0.01), at(0.2, 0.095), 0.0),
    );
    let glaze = |p: Point| {
        let light = ((p.x + 0.145) / 0.29).clamp(0.0, 1.0);
        let speckle = 0.06 * noise(p.x * 300.0, p.y * 300.0, 3);
        mix(hex(0x8A5633), hex(ROAST), 0.15 + 1.1 * light + speckle)
    };
    canvas.fill(bowl, glaze);
    canvas.veil(
        ellipse(at(-0.085, -0.01), at(0.012, 0.055), 0.12),
        plain(0xE8CBA2),
        0.55,
    );
    canvas.fill(ellipse(at(0.0, -0.085), at(0.145, 0.042), 0.0), plain(WOOD));
    canvas.fill(
        ellipse(at(0.0, -0.085), at(0.13, 0.034), 0.0),
        plain(ESPRESSO),
    );
    let coffee = |p: Point| {
        let swirl = ((p.x * 40.0).hypot((p.y + 0.08) * 130.0) + p.x * 30.0).sin();
        mix(hex(ROAST), hex(CREMA), 0.4 + 0.4 * swirl)
    };
    canvas.fill(ellipse(at(0.0, -0.08), at(0.12, 0.028), 0.0), coffee);
}

fn steam(canvas: &mut Canvas) {
    for (x, height, turn) in [(-0.055, 0.0, 1.0), (0.0, -0.03, -1.0), (0.055, 0.0, 1.0)] {
        let wisp = move |p: Point| {
            let along = (p.y - height + 0.3) / 0.15;
            let center = x + turn * 0.014 * (along * 6.0).sin();
            let width = 0.011 * (1.0 - (2.0 * along - 1.0).powi(2)).max(0.0).sqrt();
            if (0.0..=1.0).contains(&along) {
                (p.x - center).abs() - width
            } else {
                1.0
            }
        };
        canvas.veil(wisp, plain(CREMA), 0.85);
    }
}

fn beans(canvas: &mut Canvas) {
    for (x, y, turned) in [
        (-0.235, 0.125, 0.6),
        (-0.175, 0.165, -0.4),
        (0.235, 0.125, -0.6),
        (0.175, 0.165, 0.4),
    ] {
        let center = at(x, y);
        let bean = ellipse(center, at(0.042, 0.029), turned);
        let roast = move |p: Point| {
            let light = ((p.x - x) * 9.0 + (p.y - y) * 14.0 + 0.5).clamp(0.0, 1.0);
            let spots = 0.2 * fractal(p.x * 150.0, p.y * 150.0, 3, 11);
            mix(hex(CREMA), hex(ESPRESSO), 0.25 + 0.7 * light - spots)
        };
        canvas.fill(bean, roast);
        let (sin, cos) = f32::sin_cos(turned);
        let seam = arc(
            at(center.x - 0.05 * sin, center.y + 0.05 * cos),
            0.05,
            0.006,
            turned - std::f32::consts::FRAC_PI_2,
            0.7,
        );
        canvas.fill(seam, plain(ESPRESSO));
    }
}

/// "COFFEE" between two lines.
fn name(canvas: &mut Canvas) {
    const STROKE: f32 = 0.018;
    let base = at(-0.26, 0.415);
    let (height, width, step) = (0.072, 0.056, 0.1035);
    let (top, middle, bottom) = (base.y - height / 2.0, base.y, base.y + height / 2.0);
    for (index, letter) in "COFFEE".chars().enumerate() {
        let x = base.x + index as f32 * step;
        let mut stroke =
            |from: Point, to: Point| canvas.fill(line(from, to, STROKE), plain(ESPRESSO));
        match letter {
            'C' => {
                let bow = arc(
                    at(x, middle),
                    height / 2.0,
                    STROKE,
                    std::f32::consts::PI,
                    2.25,
                );
                canvas.fill(bow, plain(ESPRESSO));
            }
            'O' => canvas.fill(ring(at(x, middle), height / 2.0, STROKE), plain(ESPRESSO)),
            _ => {
                let left = x - width / 2.0;
                stroke(at(left, top), at(left, bottom));
                stroke(at(left, top), at(left + width, top));
                stroke(at(left, middle), at(left + width * 0.8, middle));
                if letter == 'E' {
                    stroke(at(left, bottom), at(left + width, bottom));
                }
            }
        }
    }
    for side in [-1.0, 1.0] {
        let rule = line(at(side * 0.34, 0.415), at(side * 0.42, 0.415), 0.006);
        canvas.fill(rule, plain(CREMA));
    }
}

//! Statistics of an image from a sample of its pixels, for edits that depend on
//! the whole image (contrast around the mean, recolouring of the existing
//! colours).

use std::f32::consts::TAU;

use crate::color;
use crate::pixels::{Pixels, alpha, rgb};

/// Colours with less chroma count as grey.
pub const NEUTRAL: f32 = 0.03;

#[derive(Clone, Copy, Debug)]
pub struct Survey {
    /// Mean lightness of the visible pixels.
    pub lightness: f32,
    /// Mean lightness of the ink: pixels that have colour, or are darker than paper.
    pub ink_lightness: f32,
    /// Mean chroma of pixels that have colour; 0 if there are none.
    pub chroma: f32,
    /// Mean hue of pixels that have colour, in radians.
    pub hue: f32,
    /// Fraction of the image that has colour, 0 to 1.
    pub colorful: f32,
}

impl Survey {
    /// Samples about ten thousand pixels, evenly distributed.
    pub fn of(pixels: &Pixels) -> Self {
        const SAMPLES: usize = 10_000;
        const PAPER: f32 = 0.9;
        let count = pixels.width() as usize * pixels.height() as usize;
        // An odd step that does not divide common widths reaches all columns.
        let step = (count / SAMPLES).max(1) | 1;

        let (mut seen, mut lightness) = (0.0, 0.0);
        let (mut ink, mut ink_lightness) = (0.0, 0.0);
        let (mut colored, mut chroma, mut a, mut b) = (0.0, 0.0, 0.0, 0.0);
        for pixel in pixels
            .iter()
            .step_by(step)
            .filter(|pixel| alpha(pixel) > 127)
        {
            let lab = color::from_srgb(rgb(pixel));
            let vividness = lab.a.hypot(lab.b);
            seen += 1.0_f32;
            lightness += lab.l;
            if vividness > NEUTRAL {
                colored += 1.0;
                chroma += vividness;
                a += lab.a;
                b += lab.b;
            }
            if lab.l < PAPER {
                ink += 1.0;
                ink_lightness += lab.l;
            }
        }
        let mean = |sum: f32, count: f32, or: f32| if count > 0.0 { sum / count } else { or };
        let lightness = mean(lightness, seen, 0.5);
        Self {
            lightness,
            ink_lightness: mean(ink_lightness, ink, lightness),
            chroma: mean(chroma, colored, 0.0),
            hue: b.atan2(a).rem_euclid(TAU),
            colorful: mean(colored, seen, 0.0),
        }
    }
}

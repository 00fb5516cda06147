//! Statistics of an image from a sample of its pixels, for edits that depend on
//! the whole image (contrast around the mean, recolouring of the existing
//! colours).

use std::f32::consts::TAU;

use palette::Oklab;

use crate::color;
use crate::majority::majority;
use crate::pixels::{Pixels, alpha, rgb};

/// Colours with less chroma count as grey.
pub const NEUTRAL: f32 = 0.03;

/// Ink is darker than paper, or has colour.
const PAPER: f32 = 0.9;

/// Colours of visible pixels, evenly distributed over the image.
pub struct Sample(Vec<Oklab>);

/// Colours that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its mean; of a flat one the colour that most of it has, if there is one.
    pub color: Oklab,
    /// Fraction of the visible image, 0 to 1.
    pub share: f32,
    /// Whether nearly all of it is one colour.
    pub is_flat: bool,
}

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

impl Sample {
    pub fn of(pixels: &Pixels) -> Self {
        const SIZE: usize = 15_000;
        let count = pixels.width() as usize * pixels.height() as usize;
        // An odd step that does not divide common widths reaches all columns.
        let step = (count / SIZE).max(1) | 1;
        let sampled = pixels.iter().step_by(step);
        let visible = sampled.filter(|pixel| alpha(pixel) > 127);
        Self(visible.map(|pixel| color::from_srgb(rgb(pixel))).collect())
    }

    pub fn survey(&self) -> Survey {
        let (mut lightness, mut ink, mut ink_lightness) = (0.0, 0.0, 0.0);
        let (mut colored, mut chroma, mut a, mut b) = (0.0, 0.0, 0.0, 0.0);
        for lab in &self.0 {
            let vividness = lab.a.hypot(lab.b);
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
        let seen = self.0.len() as f32;
        let mean = |sum: f32, count: f32, or: f32| if count > 0.0 { sum / count } else { or };
        let lightness = mean(lightness, seen, 0.5);
        Survey {
            lightness,
            ink_lightness: mean(ink_lightness, ink, lightness),
            chroma: mean(chroma, colored, 0.0),
            hue: b.atan2(a).rem_euclid(TAU),
            colorful: mean(colored, seen, 0.0),
        }
    }

    /// The colours that something is true of. None: there are none.
    pub fn group(&self, has: impl Fn(Oklab) -> bool) -> Option<Group> {
        /// Edges between areas are mixtures.
        const MOST: f32 = 0.7;
        const NEAR: f32 = 0.05;
        let mut members: Vec<_> = self.0.iter().copied().filter(|lab| has(*lab)).collect();
        let count = members.len() as f32;
        let all = mean(&members);
        // Of a flat group the mean lies beside the colour, since edges count too.
        let apart = |lab: &Oklab| color::distance(*lab, all);
        let center = majority(&members).or_else(|| {
            let nearest = |one: &Oklab, other: &Oklab| apart(one).total_cmp(&apart(other));
            members.iter().copied().min_by(nearest)
        })?;
        members.retain(|lab| color::distance(*lab, center) < NEAR);
        let is_flat = members.len() as f32 > MOST * count;
        let flat = majority(&members).unwrap_or_else(|| mean(&members));
        Some(Group {
            color: if is_flat { flat } else { all },
            share: count / self.0.len() as f32,
            is_flat,
        })
    }

    /// The pixels that have colour, or in a grey image those that are darker than paper.
    pub fn ink(&self) -> Option<Group> {
        let colored = self.group(|lab| lab.a.hypot(lab.b) > NEUTRAL);
        colored
            .filter(|group| group.share > 0.02)
            .or_else(|| self.group(|lab| lab.l < PAPER))
    }

    /// Whether another sample of the same places looks the same on average.
    pub fn is_like(&self, other: &Self) -> bool {
        /// A tenth of what is seen side by side.
        const LEAST: f32 = 0.002;
        let pairs = self.0.iter().zip(&other.0);
        let apart: f32 = pairs
            .map(|(one, other)| color::distance(*one, *other))
            .sum();
        self.0.len() == other.0.len() && apart <= LEAST * self.0.len() as f32
    }

    /// The fraction of the places that look different.
    pub fn differs(&self, other: &Self) -> f32 {
        const SEEN: f32 = 0.02;
        if self.0.len() != other.0.len() {
            return 1.0;
        }
        let pairs = self.0.iter().zip(&other.0);
        let apart = pairs.filter(|(one, other)| color::distance(**one, **other) > SEEN);
        apart.count() as f32 / self.0.len().max(1) as f32
    }

    /// The fraction that something is true of.
    pub fn share(&self, has: impl Fn(Oklab) -> bool) -> f32 {
        let count = self.0.iter().filter(|lab| has(**lab)).count();
        count as f32 / self.0.len().max(1) as f32
    }
}

fn mean(colors: &[Oklab]) -> Oklab {
    let zero = Oklab::new(0.0, 0.0, 0.0);
    let sum = colors.iter().fold(zero, |sum, lab| sum + *lab);
    sum / (colors.len() as f32).max(1.0)
}

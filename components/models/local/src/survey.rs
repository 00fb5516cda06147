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
pub const PAPER: f32 = 0.9;

/// The lightness below which a colour is black.
pub const BLACK: f32 = 0.25;

/// Below it a picture is clearly dark.
const DARK: f32 = 0.4;

/// Above it a picture is clearly light.
const LIGHT: f32 = 0.75;

/// Pixels that are evenly distributed over the image.
pub struct Sample {
    /// The colours of those that are visible.
    colors: Vec<Oklab>,
    /// All of them: colours, and channels with alpha. What is transparent has no colour.
    pixels: Vec<(Oklab, [u8; 4])>,
}

/// Colours that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Its mean; of a flat one the colour that most of it has, if there is one.
    pub color: Oklab,
    /// Fraction of the visible image, 0 to 1.
    pub share: f32,
    /// Whether nearly all of it is one colour.
    pub is_flat: bool,
    /// Whether there are only edges besides, and no second colour.
    pub is_single: bool,
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
    /// Whether it is dark, or light and made for a dark ground: it stands on nothing. None:
    /// neither dark nor light.
    pub is_dark: Option<bool>,
}

impl Sample {
    pub fn of(pixels: &Pixels) -> Self {
        const SIZE: usize = 15_000;
        let count = pixels.width() as usize * pixels.height() as usize;
        // An odd step that does not divide common widths reaches all columns.
        let step = (count / SIZE).max(1) | 1;
        let of = |pixel: &[u8]| {
            let channels = match (alpha(pixel), rgb(pixel)) {
                (0, _) => [0; 4],
                (alpha, [r, g, b]) => [r, g, b, alpha],
            };
            (color::from_srgb(rgb(&channels)), channels)
        };
        let pixels: Vec<_> = pixels.iter().step_by(step).map(of).collect();
        let visible = pixels.iter().filter(|(_, pixel)| alpha(pixel) > 127);
        let colors = visible.map(|(lab, _)| *lab).collect();
        Self { colors, pixels }
    }

    pub fn survey(&self) -> Survey {
        let (mut lightness, mut ink, mut ink_lightness) = (0.0, 0.0, 0.0);
        let (mut colored, mut chroma, mut a, mut b) = (0.0, 0.0, 0.0, 0.0);
        for lab in &self.colors {
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
        let seen = self.colors.len() as f32;
        let mean = |sum: f32, count: f32, or: f32| if count > 0.0 { sum / count } else { or };
        let lightness = mean(lightness, seen, 0.5);
        // What is light and stands on nothing is made for a dark ground.
        let of_mode = match self.opaque() > 0.5 {
            true => lightness,
            false => 1.0 - lightness,
        };
        Survey {
            lightness,
            ink_lightness: mean(ink_lightness, ink, lightness),
            chroma: mean(chroma, colored, 0.0),
            hue: b.atan2(a).rem_euclid(TAU),
            colorful: mean(colored, seen, 0.0),
            is_dark: match of_mode {
                ..DARK => Some(true),
                LIGHT.. => Some(false),
                _ => None,
            },
        }
    }

    /// The colours that something is true of. None: there are none.
    pub fn group(&self, has: impl Fn(Oklab) -> bool) -> Option<Group> {
        /// Edges between areas are mixtures.
        const MOST: f32 = 0.7;
        const NEAR: f32 = 0.05;
        /// So many of these mixtures may look alike.
        const EDGES: f32 = 0.04;
        let members: Vec<_> = self
            .colors
            .iter()
            .copied()
            .filter(|lab| has(*lab))
            .collect();
        let count = members.len() as f32;
        let all = mean(&members);
        // Of a flat group the mean lies beside the colour, since edges count too.
        let apart = |lab: &Oklab| color::distance(*lab, all);
        let center = majority(&members).or_else(|| {
            let nearest = |one: &Oklab, other: &Oklab| apart(one).total_cmp(&apart(other));
            members.iter().copied().min_by(nearest)
        })?;
        let (members, others): (Vec<_>, Vec<_>) = members
            .into_iter()
            .partition(|lab| color::distance(*lab, center) < NEAR);
        let is_flat = members.len() as f32 > MOST * count;
        let flat = majority(&members).unwrap_or_else(|| mean(&members));
        Some(Group {
            color: if is_flat { flat } else { all },
            share: count / self.colors.len() as f32,
            is_flat,
            is_single: is_flat && most_alike(&others) as f32 <= EDGES * count,
        })
    }

    /// The pixels that have colour, or in a grey image those that are darker than paper;
    /// white alone, on nothing, is ink, too.
    pub fn ink(&self) -> Option<Group> {
        let colored = self.group(|lab| lab.a.hypot(lab.b) > NEUTRAL);
        let has_paper = self.opaque() == 1.0;
        colored
            .filter(|group| group.share > 0.02)
            .or_else(|| self.group(|lab| lab.l < PAPER))
            .or_else(|| self.group(|_| !has_paper))
    }

    /// The visible fraction of the image.
    pub fn opaque(&self) -> f32 {
        self.colors.len() as f32 / self.pixels.len().max(1) as f32
    }

    /// Whether another sample of the same places looks the same on average, or everywhere.
    pub fn is_like(&self, other: &Self) -> bool {
        /// A tenth of what is seen side by side.
        const LEAST: f32 = 0.002;
        const UNSEEN: u8 = 3;
        let pairs = || self.pixels.iter().zip(&other.pixels);
        let is_unseen = |(one, other): (&u8, &u8)| one.abs_diff(*other) <= UNSEEN;
        let is_same = pairs().all(|(one, other)| one.1.iter().zip(&other.1).all(is_unseen));
        let apart: f32 = pairs().map(|(one, other)| apart(one, other)).sum();
        let seen = self.colors.len().max(other.colors.len());
        self.pixels.len() == other.pixels.len() && (is_same || apart <= LEAST * seen as f32)
    }

    /// The fraction of the places that look different.
    pub fn differs(&self, other: &Self) -> f32 {
        const SEEN: f32 = 0.02;
        if self.colors.len() != other.colors.len() {
            return 1.0;
        }
        let pairs = self.colors.iter().zip(&other.colors);
        let apart = pairs.filter(|(one, other)| color::distance(**one, **other) > SEEN);
        apart.count() as f32 / self.colors.len().max(1) as f32
    }

    /// The fraction that something is true of.
    pub fn share(&self, has: impl Fn(Oklab) -> bool) -> f32 {
        let count = self.colors.iter().filter(|lab| has(**lab)).count();
        count as f32 / self.colors.len().max(1) as f32
    }
}

/// How different two pixels look, from 0 on; what hardly covers its ground has hardly a colour.
fn apart((one, first): &(Oklab, [u8; 4]), (other, second): &(Oklab, [u8; 4])) -> f32 {
    let part = |level: u8| f32::from(level) / f32::from(u8::MAX);
    let [first, second] = [first, second].map(|pixel| alpha(pixel));
    color::distance(*one, *other) * part(first.min(second)) + part(first.abs_diff(second))
}

/// The largest number of colours that look alike, as far as some of them tell.
fn most_alike(colors: &[Oklab]) -> usize {
    const NEAR: f32 = 0.02;
    const ASKED: usize = 100;
    let is_alike = |one: &Oklab, other: &Oklab| color::distance(*one, *other) < NEAR;
    let alike = |one| colors.iter().filter(|other| is_alike(one, other)).count();
    let some = colors.iter().step_by(colors.len() / ASKED + 1);
    some.map(alike).max().unwrap_or_default()
}

fn mean(colors: &[Oklab]) -> Oklab {
    let zero = Oklab::new(0.0, 0.0, 0.0);
    let sum = colors.iter().fold(zero, |sum, lab| sum + *lab);
    sum / (colors.len() as f32).max(1.0)
}

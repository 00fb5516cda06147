//! Perceptual colours: Oklab (lightness and two axes of colour) and its polar
//! form Oklch (lightness, chroma, hue). All colour edits use them; sRGB is only
//! for files.

use palette::{FromColor, LinSrgb, Oklab, OklabHue, Oklch, Srgb};

/// An sRGB colour as `0xRRGGBB`.
pub fn from_hex(hex: u32) -> Oklch {
    Oklch::from_color(from_hex_lab(hex))
}

/// The same as rectangular coordinates.
pub fn from_hex_lab(hex: u32) -> Oklab {
    from_srgb(channels(hex))
}

/// Red, green and blue of `0xRRGGBB`.
pub fn channels(hex: u32) -> [u8; 3] {
    let [_, r, g, b] = hex.to_be_bytes();
    [r, g, b]
}

pub fn from_srgb([r, g, b]: [u8; 3]) -> Oklab {
    let linear: LinSrgb<f32> = Srgb::new(r, g, b).into_linear();
    Oklab::from_color(linear)
}

/// Each channel 0 to 1.
pub fn from_unit([r, g, b]: [f32; 3]) -> Oklab {
    Oklab::from_color(Srgb::new(r, g, b).into_linear::<f32>())
}

/// Converts to sRGB, each channel 0 to 1. A colour outside of sRGB keeps
/// lightness and hue and loses chroma.
pub fn to_srgb(lab: Oklab) -> [f32; 3] {
    const STEPS: usize = 8;
    let lab = Oklab::new(lab.l.clamp(0.0, 1.0), lab.a, lab.b);
    let mut linear = LinSrgb::from_color(lab);
    if !in_gamut(linear) {
        let (mut inside, mut outside) = (0.0, 1.0);
        for _ in 0..STEPS {
            let middle = (inside + outside) / 2.0;
            if in_gamut(with_chroma(lab, middle)) {
                inside = middle;
            } else {
                outside = middle;
            }
        }
        linear = with_chroma(lab, inside);
    }
    let srgb: Srgb<f32> = Srgb::from_linear(linear);
    [srgb.red, srgb.green, srgb.blue].map(|channel| channel.clamp(0.0, 1.0))
}

pub fn to_srgb8(lab: Oklab) -> [u8; 3] {
    to_srgb(lab).map(|channel| (channel * 255.0).round() as u8)
}

/// The upper bits of each channel, as one number.
pub fn bin(color: [u8; 3], bits: u32) -> usize {
    let upper = color.map(|value| usize::from(value >> (8 - bits)));
    upper.into_iter().fold(0, |bin, value| bin << bits | value)
}

/// What `find` says of a colour, found once for colours that differ only in their last bits.
pub fn once<T: Copy>(find: impl Fn([u8; 3]) -> T) -> impl FnMut([u8; 3]) -> T {
    const BITS: u32 = 6;
    let mut cache = vec![None; 1 << (3 * BITS)].into_boxed_slice();
    move |color: [u8; 3]| match cache.get_mut(bin(color, BITS)) {
        Some(found) => *found.get_or_insert_with(|| find(color)),
        None => find(color),
    }
}

pub fn polar(lab: Oklab) -> Oklch {
    Oklch::from_color(lab)
}

/// The colour of this lightness, chroma and hue.
pub fn at(l: f32, chroma: f32, hue: OklabHue) -> Oklab {
    Oklab::from_color(Oklch::new(l, chroma.max(0.0), hue))
}

/// From one colour to another, as `part` goes from 0 to 1.
pub fn mix(from: Oklab, to: Oklab, part: f32) -> Oklab {
    from + (to - from) * part
}

/// Perceived distance of two colours; about 0.02 is just noticeable.
pub fn distance(one: Oklab, other: Oklab) -> f32 {
    let (l, a, b) = (one.l - other.l, one.a - other.a, one.b - other.b);
    (l * l + a * a + b * b).sqrt()
}

/// A smooth step: 0 below `from`, 1 above `to`.
pub fn smoothstep(from: f32, to: f32, value: f32) -> f32 {
    let part = ((value - from) / (to - from)).clamp(0.0, 1.0);
    part * part * (3.0 - 2.0 * part)
}

fn with_chroma(lab: Oklab, part: f32) -> LinSrgb<f32> {
    LinSrgb::from_color(Oklab::new(lab.l, lab.a * part, lab.b * part))
}

fn in_gamut(linear: LinSrgb<f32>) -> bool {
    const TOLERANCE: f32 = 0.001;
    [linear.red, linear.green, linear.blue]
        .into_iter()
        .all(|channel| (-TOLERANCE..=1.0 + TOLERANCE).contains(&channel))
}

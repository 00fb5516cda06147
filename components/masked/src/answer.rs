//! What the model has painted, as the original has its pixels: of that size, in those
//! colours, and of that depth.

use concept_refinement_raster::{Conversion, Raw, Resampling, Unused};

use crate::encode::Pixel;
use crate::original::{Original, has_transparency, max_of};

const NOT_CONVERTED: &str = "The colours of the answer could not be converted to the original's \
    profile, and were taken as they are.";

/// Two values of sixteen bits for one of eight.
const WIDER: u16 = 257;

/// Goes through its rows from the top.
pub struct Painted {
    raw: Raw,
    /// Whether something is not opaque.
    pub alpha: bool,
    /// Of the pixels that are read and scaled, and of those that come out.
    is_wide: bool,
    wants_wide: bool,
    size: (u32, u32),
    resampling: Option<Resampling<4>>,
    conversion: Option<Conversion>,
    y: u32,
}

impl Painted {
    /// For an area of this size of the original. With what a user may want to know, in
    /// sentences.
    pub fn new(raw: Raw, original: &Original, size: (u32, u32)) -> (Self, Vec<String>) {
        let found = raw.upright_size();
        let mut notes = Vec::new();
        let resampling = (found != size).then(|| {
            notes.push(format!(
                "The model's answer of {} × {} was scaled to {} × {}.",
                found.0, found.1, size.0, size.1
            ));
            Resampling::new(found, size)
        });
        let colors = (&original.raw.colors, original.raw.samples);
        let conversion = Conversion::between((&raw.colors, raw.samples), colors);
        // What was ink is sRGB by now.
        let is_unused = |raw: &Raw| raw.colors.unused.is_some_and(|it| it != Unused::InkProfile);
        if conversion.is_err() || is_unused(&original.raw) || is_unused(&raw) {
            notes.push(NOT_CONVERTED.to_owned());
        }
        let conversion = conversion.ok().flatten();
        let wants_wide = original.raw.is_wide();
        let painted = Self {
            alpha: has_transparency(&raw),
            is_wide: wants_wide || raw.is_wide() || conversion.is_some(),
            wants_wide,
            size,
            resampling,
            conversion,
            raw,
            y: 0,
        };
        (painted, notes)
    }

    /// Goes back to its first row.
    pub fn rewind(&mut self) {
        self.y = 0;
        if let Some(resampling) = &mut self.resampling {
            *resampling = Resampling::new(self.raw.upright_size(), self.size);
        }
    }

    /// Puts the next row into `row`. What nobody looks at (the second value) is not
    /// converted.
    pub fn next_row(&mut self, row: &mut Vec<Pixel>, is_seen: bool) {
        row.clear();
        let (raw, is_wide) = (&self.raw, self.is_wide);
        match &mut self.resampling {
            None => read(raw, self.y, is_wide, row),
            Some(resampling) => {
                let mut pixels = Vec::new();
                let new = resampling.next_row(|y, old| {
                    pixels.clear();
                    read(raw, y as u32, is_wide, &mut pixels);
                    old.extend(pixels.iter().map(|pixel| weighted(*pixel, max_of(is_wide))));
                });
                let alpha = self.alpha;
                let new = new.unwrap_or_default().iter();
                row.extend(new.map(|pixel| rounded(*pixel, max_of(is_wide), alpha)));
            }
        }
        self.y += 1;
        row.resize(self.size.0 as usize, [0; 4]);
        if !is_seen {
            return;
        }
        if let Some(conversion) = &mut self.conversion {
            conversion.apply(row);
        }
        if self.is_wide && !self.wants_wide {
            let narrow = |value| ((u32::from(value) + 128) / u32::from(WIDER)) as u16;
            row.iter_mut().for_each(|pixel| *pixel = pixel.map(narrow));
        }
    }
}

/// A row as it is, or with sixteen bits per channel.
fn read(raw: &Raw, y: u32, is_wide: bool, row: &mut Vec<Pixel>) {
    raw.read_row(0, y, raw.upright_size().0, row);
    if is_wide && !raw.is_wide() {
        let wider = |value: u16| value.saturating_mul(WIDER);
        row.iter_mut().for_each(|pixel| *pixel = pixel.map(wider));
    }
}

/// A colour times its alpha, and its alpha up to 1.
fn weighted(pixel: Pixel, max: u16) -> [f32; 4] {
    let [r, g, b, alpha] = pixel.map(f32::from);
    let alpha = alpha / f32::from(max);
    [r * alpha, g * alpha, b * alpha, alpha]
}

/// An opaque picture stays opaque, whatever the weights add up to.
fn rounded(pixel: [f32; 4], max: u16, has_alpha: bool) -> Pixel {
    let [r, g, b, alpha] = pixel;
    let level = |value: f32| (value + 0.5).clamp(0.0, f32::from(max)) as u16;
    let color = |sum: f32| level(if alpha > 0.0 { sum / alpha } else { 0.0 });
    let opacity = if has_alpha {
        level(alpha * f32::from(max))
    } else {
        max
    };
    [color(r), color(g), color(b), opacity]
}

//! Sizes: crops to a ratio, adds space around, scales.

use super::background::shaded;
use super::border::surrounding;
use super::{enlarge, resize, rotate};
use crate::color;
use crate::pixels::Pixels;
use crate::plan::{Edit, Ground, Pad, Resize};
use concept_refinement_vocabulary::Turn;

/// Most pixels of a result, as of an original.
const MAX_PIXELS: u64 = 50_000_000;

/// The longest side of a result, which a file of any format can have.
const MAX_SIDE: u32 = 16_384;

/// Whether a picture of this size can be changed so, by one edit after the other.
pub fn fits(width: u32, height: u32, edits: &[Edit]) -> bool {
    let mut edits = edits.iter();
    let last = edits.try_fold((width, height), |(width, height), edit| {
        changed(width, height, edit)
    });
    last.is_some()
}

/// The size after an edit. None: it is too large.
fn changed(width: u32, height: u32, edit: &Edit) -> Option<(u32, u32)> {
    let (wide, high) = match edit {
        Edit::Resize(Resize::Enlarge { twice }) => {
            let factor = if *twice { 4 } else { 2 };
            if !enlarge::fits(width, height, factor) {
                return None;
            }
            scaled(width, height, factor as f32)
        }
        Edit::Resize(Resize::Scale(factor)) => scaled(width, height, *factor),
        Edit::Resize(Resize::To(width, height, _)) => (*width, *height),
        Edit::Pad(pad, _) => padded(width, height, *pad),
        Edit::Rotate(degrees) => rotate::size(width, height, *degrees),
        Edit::Crop(wide, high) => return Some(cropped(width, height, *wide, *high)),
        Edit::Turn(Turn::Square) | Edit::Circle => return Some(cropped(width, height, 1, 1)),
        Edit::Turn(Turn::Left | Turn::Right) => return Some((height, width)),
        _ => return Some((width, height)),
    };
    let is_smaller = wide <= width && high <= height;
    let fits = u64::from(wide) * u64::from(high) <= MAX_PIXELS && wide.max(high) <= MAX_SIDE;
    (fits || is_smaller).then_some((wide, high))
}

/// Keeps the middle, in this ratio of width to height.
pub fn crop(pixels: &mut Pixels, width: u32, height: u32) {
    let (wide, high) = (pixels.width(), pixels.height());
    let (across, down) = cropped(wide, high, width, height);
    pixels.crop((wide - across) / 2, (high - down) / 2, across, down);
}

fn cropped(width: u32, height: u32, wide: u32, high: u32) -> (u32, u32) {
    let fitting = |side: u32, own: u32, other: u32| {
        let side = u64::from(side) * u64::from(own) / u64::from(other.max(1));
        u32::try_from(side).unwrap_or(u32::MAX).max(1)
    };
    (
        width.min(fitting(height, wide, high)),
        height.min(fitting(width, high, wide)),
    )
}

pub fn pad(pixels: &mut Pixels, pad: Pad, ground: &Ground) {
    let (width, height) = padded(pixels.width(), pixels.height(), pad);
    place(pixels, width, height, ground);
}

pub fn resize(pixels: &mut Pixels, to: Resize) {
    let (wide, high) = (pixels.width(), pixels.height());
    match to {
        Resize::Enlarge { twice } => enlarge::apply(pixels, twice),
        Resize::Scale(factor) => {
            let (width, height) = scaled(wide, high, factor);
            scale(pixels, width, height);
        }
        Resize::To(width, height, ground) => {
            let factor = (width as f32 / wide as f32).min(height as f32 / high as f32);
            let (across, down) = scaled(wide, high, factor);
            scale(pixels, across.min(width), down.min(height));
            place(pixels, width, height, &ground);
        }
    }
}

/// Larger by the network where it can, which keeps edges sharp.
fn scale(pixels: &mut Pixels, width: u32, height: u32) {
    let is_larger = width > pixels.width() && height > pixels.height();
    if is_larger && enlarge::fits(pixels.width(), pixels.height(), 2) {
        enlarge::apply(pixels, false);
    }
    if (pixels.width(), pixels.height()) != (width, height) {
        resize::to(pixels, width, height);
    }
}

fn scaled(width: u32, height: u32, factor: f32) -> (u32, u32) {
    let of = |side: u32| (side as f32 * factor).round().max(1.0) as u32;
    (of(width), of(height))
}

fn padded(width: u32, height: u32, pad: Pad) -> (u32, u32) {
    /// Of the longer side, on each side.
    const MARGIN: f32 = 0.12;
    let filling = |side: u32, own: u32, other: u32| {
        let side = (u64::from(side) * u64::from(own)).div_ceil(u64::from(other.max(1)));
        u32::try_from(side).unwrap_or(u32::MAX)
    };
    match pad {
        Pad::Margin(amount) => {
            let margin = (width.max(height) as f32 * MARGIN * amount).round() as u32;
            let padded = |side: u32| side.saturating_add(margin.saturating_mul(2));
            (padded(width), padded(height))
        }
        Pad::Ratio(wide, high) => (
            width.max(filling(height, wide, high)),
            height.max(filling(width, high, wide)),
        ),
    }
}

/// Puts the picture in the middle of a larger one of this colour, or else of the background's:
/// transparent where that is, and white where it has none.
fn place(pixels: &mut Pixels, width: u32, height: u32, ground: &Ground) {
    let named = ground.color.map(color::channels);
    let fill = match named.map(|named| shaded(named, ground.shade)) {
        Some([r, g, b]) => [r, g, b, u8::MAX],
        None => surrounding(pixels, [u8::MAX; 4]),
    };
    let channels = pixels.channels();
    let left = width.saturating_sub(pixels.width()) as usize / 2;
    let top = height.saturating_sub(pixels.height()) as usize / 2;
    let length = pixels.width() as usize * channels;
    let pixel = fill.into_iter().take(channels);
    let mut data: Vec<u8> = pixel
        .cycle()
        .take(width as usize * height as usize * channels)
        .collect();
    let below = data.chunks_exact_mut(width as usize * channels).skip(top);
    for (row, own) in below.zip(pixels.rows()) {
        let start = left * channels;
        if let Some(within) = row.get_mut(start..start + length) {
            within.copy_from_slice(own);
        }
    }
    if let Some(placed) = Pixels::new(width, height, pixels.has_alpha(), data) {
        *pixels = placed;
    }
}

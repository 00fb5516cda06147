//! Converts to sRGB with eight bits per channel. Colours beyond sRGB become the nearest ones
//! in it.

use image::ColorType;
use moxcms::{ColorProfile, DataColorSpace, Layout};

use crate::Raw;
use crate::profile::{changes, of_rgb, options};

impl Raw {
    /// RGB in sRGB with eight bits per channel, or RGBA (the second value) where something
    /// is not opaque; not yet upright. None: the samples are of another kind.
    pub fn into_srgb(self) -> Option<(Vec<u8>, bool)> {
        let is_grey = !self.samples.has_color();
        let (mut data, color) = in_rgb(self.data, self.samples)?;
        let profile = self.colors.profile;
        let profile = profile.and_then(|profile| of_rgb(&profile, is_grey));
        let srgb = ColorProfile::new_srgb();
        let profile = profile.filter(|profile| changes(profile, &srgb));
        let layout = if color.has_alpha() {
            Layout::Rgba
        } else {
            Layout::Rgb
        };
        let channels = layout.channels();
        let options = options(profile.as_ref());
        let is_wide = matches!(color, ColorType::Rgb16 | ColorType::Rgba16);
        if is_wide {
            let transform = profile.and_then(|profile| {
                profile
                    .create_transform_16bit(layout, &srgb, layout, options)
                    .ok()
            });
            let (mut wide, mut converted) = (Vec::new(), Vec::new());
            rewrite(&mut data, 2 * channels, channels, |from, to| {
                let (pairs, _) = from.as_chunks::<2>();
                wide.clear();
                wide.extend(pairs.iter().map(|pair| u16::from_ne_bytes(*pair)));
                converted.clone_from(&wide);
                if let Some(transform) = &transform
                    && transform.transform(&wide, &mut converted).is_err()
                {
                    converted.clone_from(&wide);
                }
                to.iter_mut()
                    .zip(&converted)
                    .for_each(|(to, value)| *to = eight_bits(*value));
            });
        } else if let Some(profile) = profile
            && let Ok(transform) = profile.create_transform_8bit(layout, &srgb, layout, options)
        {
            rewrite(&mut data, channels, channels, |from, to| {
                if transform.transform(from, to).is_err() {
                    to.copy_from_slice(from);
                }
            });
        }
        if !color.has_alpha() {
            return Some((data, false));
        }
        let (pixels, _) = data.as_chunks::<4>();
        let is_opaque = pixels.iter().all(|[_, _, _, alpha]| *alpha == u8::MAX);
        if is_opaque {
            rewrite(&mut data, 4, 3, |from, to| {
                let (pixels, _) = from.as_chunks::<4>();
                let (places, _) = to.as_chunks_mut::<3>();
                for (place, [r, g, b, _]) in places.iter_mut().zip(pixels) {
                    *place = [*r, *g, *b];
                }
            });
        }
        Some((data, !is_opaque))
    }
}

/// By the profile, or else by the plain formula that browsers use.
pub fn from_ink(mut data: Vec<u8>, profile: Option<&ColorProfile>) -> Vec<u8> {
    let srgb = ColorProfile::new_srgb();
    let of_ink = |profile: &&ColorProfile| profile.color_space == DataColorSpace::Cmyk;
    let options = options(profile);
    let transform = profile.filter(of_ink).and_then(|profile| {
        profile
            .create_transform_8bit(Layout::Rgba, &srgb, Layout::Rgb, options)
            .ok()
    });
    rewrite(&mut data, 4, 3, |from, to| {
        if let Some(transform) = &transform
            && transform.transform(from, to).is_ok()
        {
            return;
        }
        let (inks, _) = from.as_chunks::<4>();
        let (places, _) = to.as_chunks_mut::<3>();
        for (place, [c, m, y, k]) in places.iter_mut().zip(inks) {
            let light = |ink: &u8| u32::from(u8::MAX - ink);
            *place = [c, m, y].map(|ink| ((light(ink) * light(k) + 127) / 255) as u8);
        }
    });
    data
}

/// Grey as RGB.
fn in_rgb(data: Vec<u8>, color: ColorType) -> Option<(Vec<u8>, ColorType)> {
    use ColorType::{L8, L16, La8, La16, Rgb8, Rgb16, Rgba8, Rgba16};
    Some(match color {
        Rgb8 | Rgba8 | Rgb16 | Rgba16 => (data, color),
        L8 => (spread(&data, |[l]| [l; 3]), Rgb8),
        La8 => (spread(&data, |[l, a]| [l, l, l, a]), Rgba8),
        L16 => (spread(&data, |[l, m]| [l, m, l, m, l, m]), Rgb16),
        La16 => {
            let pixel = |[l, m, a, b]: [u8; 4]| [l, m, l, m, l, m, a, b];
            (spread(&data, pixel), Rgba16)
        }
        _ => return None,
    })
}

/// Each pixel in more bytes.
fn spread<const N: usize, const M: usize>(
    data: &[u8],
    pixel: impl Fn([u8; N]) -> [u8; M],
) -> Vec<u8> {
    let (pixels, _) = data.as_chunks();
    pixels.iter().flat_map(|it| pixel(*it)).collect()
}

fn eight_bits(value: u16) -> u8 {
    const LEVEL: u32 = 257;
    ((u32::from(value) + LEVEL / 2) / LEVEL) as u8
}

/// Replaces each pixel of some bytes by one of no more, in place and in pieces, so that
/// there is never a second copy of the picture.
fn rewrite(data: &mut Vec<u8>, from: usize, to: usize, mut write: impl FnMut(&[u8], &mut [u8])) {
    const PIECE: usize = 4096;
    let mut written = vec![0; PIECE * to];
    let (mut read, mut place) = (0, 0);
    while read < data.len() {
        let piece = data
            .get(read..data.len().min(read + PIECE * from))
            .unwrap_or_default();
        let count = piece.len() / from;
        let Some(written) = written.get_mut(..count * to) else {
            break;
        };
        write(piece, written);
        read += PIECE * from;
        if let Some(room) = data.get_mut(place..place + written.len()) {
            room.copy_from_slice(written);
        }
        place += written.len();
    }
    data.truncate(place);
    data.shrink_to_fit();
}

//! Converts to sRGB with eight bits per channel.
//!
//! All edits compute in sRGB, and files are written in it, so that named colours are those.
//! Colours beyond sRGB become the nearest ones in it.

use image::ColorType;
use moxcms::{
    Chromaticity, CicpProfile, ColorPrimaries, ColorProfile, DataColorSpace, Layout,
    RenderingIntent, ToneReprCurve, TransferCharacteristics, TransformOptions, XyY,
};

use super::{Problem, Samples};
use crate::notes::Remark;

/// Profiles for print have tables of some megabytes.
const MAX_PROFILE: usize = 4 << 20;

/// The profile in a file (ICC). One that cannot be used is told, and taken for sRGB.
pub fn of_file(profile: Option<Vec<u8>>) -> (Option<ColorProfile>, Vec<Remark>) {
    let Some(bytes) = profile else {
        return (None, Vec::new());
    };
    let profile = Some(bytes).filter(|bytes| bytes.len() <= MAX_PROFILE);
    match profile.and_then(|bytes| ColorProfile::new_from_slice(&bytes).ok()) {
        Some(profile) => (Some(profile), Vec::new()),
        None => (None, vec![Remark::ProfileUnused]),
    }
}

/// What the chunks of a PNG say: `cICP`, `iCCP`, `sRGB`, or `gAMA` and `cHRM`, in this
/// order.
pub fn of_png(info: &png::Info) -> (Option<ColorProfile>, Vec<Remark>) {
    if let Some(points) = info.coding_independent_code_points
        && let Some(profile) = of_points(points)
    {
        return (Some(profile), Vec::new());
    }
    if let Some(profile) = &info.icc_profile {
        return of_file(Some(profile.to_vec()));
    }
    if info.srgb.is_some() {
        return (None, Vec::new());
    }
    (of_gamma(info), Vec::new())
}

/// None: unknown, or a range that no screen has (HDR).
fn of_points(points: png::CodingIndependentCodePoints) -> Option<ColorProfile> {
    use TransferCharacteristics::{Hlg, Smpte2084};
    let transfer = TransferCharacteristics::try_from(points.transfer_function).ok()?;
    let cicp = CicpProfile {
        color_primaries: points.color_primaries.try_into().ok()?,
        transfer_characteristics: transfer,
        matrix_coefficients: points.matrix_coefficients.try_into().ok()?,
        full_range: points.is_video_full_range_image,
    };
    let is_known = ColorPrimaries::try_from(cicp.color_primaries).is_ok()
        && ToneReprCurve::try_from(transfer).is_ok()
        && !matches!(transfer, Hlg | Smpte2084)
        && points.matrix_coefficients == 0
        && cicp.full_range;
    is_known.then(|| ColorProfile::new_from_cicp(cicp))
}

/// A gamma of 1/2.2 without other colours is how encoders write sRGB.
fn of_gamma(info: &png::Info) -> Option<ColorProfile> {
    const SRGB: f32 = 1.0 / 2.2;
    let gamma = info.gama_chunk.map(png::ScaledFloat::into_value);
    let gamma = gamma.filter(|gamma| (0.01..=10.0).contains(gamma));
    let mut profile = ColorProfile::new_srgb();
    profile.cicp = None;
    if let Some(gamma) = gamma.filter(|gamma| (gamma - SRGB).abs() > 0.01 * SRGB) {
        let curve = ToneReprCurve::Parametric(vec![1.0 / gamma]);
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
    } else if info.chrm_chunk.is_none() {
        return None;
    }
    if let Some(points) = info.chrm_chunk {
        let at = |(x, y): (png::ScaledFloat, png::ScaledFloat)| (x.into_value(), y.into_value());
        let point = |pair| {
            let (x, y) = at(pair);
            Chromaticity::new(x, y)
        };
        let (x, y) = at(points.white);
        let primaries = ColorPrimaries {
            red: point(points.red),
            green: point(points.green),
            blue: point(points.blue),
        };
        let all = [points.white, points.red, points.green, points.blue];
        if all.map(at).iter().any(|(_, y)| *y <= 0.0) {
            return None;
        }
        profile.update_rgb_colorimetry(XyY::new(x.into(), y.into(), 1.0), primaries);
    }
    Some(profile)
}

/// RGB or RGBA (the second value), as the samples have alpha that is not opaque.
pub fn to_srgb(
    data: Vec<u8>,
    samples: Samples,
    profile: Option<&ColorProfile>,
) -> Result<(Vec<u8>, bool), Problem> {
    let color = match samples {
        Samples::Cmyk => return Ok((from_ink(data, profile), false)),
        Samples::Color(color) => color,
    };
    let is_grey = !color.has_color();
    let (mut data, color) = in_rgb(data, color)?;
    let profile = profile.and_then(|profile| of_rgb(profile, is_grey));
    let profile = profile.filter(changes);
    let layout = if color.has_alpha() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let channels = layout.channels();
    let options = options(profile.as_ref());
    let srgb = ColorProfile::new_srgb();
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
        return Ok((data, false));
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
    Ok((data, !is_opaque))
}

/// By the profile, or else by the plain formula that browsers use.
fn from_ink(mut data: Vec<u8>, profile: Option<&ColorProfile>) -> Vec<u8> {
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

/// The same profile for grey samples as RGB. None: it is for other samples.
fn of_rgb(profile: &ColorProfile, is_grey: bool) -> Option<ColorProfile> {
    match profile.color_space {
        DataColorSpace::Rgb => Some(profile.clone()),
        DataColorSpace::Gray if is_grey => {
            let mut rgb = ColorProfile::new_srgb();
            rgb.cicp = None;
            rgb.red_trc = Some(profile.gray_trc.clone()?);
            rgb.green_trc = rgb.red_trc.clone();
            rgb.blue_trc = rgb.red_trc.clone();
            Some(rgb)
        }
        _ => None,
    }
}

/// Whether a profile differs from sRGB by more than rounding, as most in files do not.
fn changes(profile: &ColorProfile) -> bool {
    const STEPS: [u8; 6] = [0, 51, 102, 153, 204, 255];
    let colors: Vec<u8> = STEPS
        .iter()
        .flat_map(|r| {
            STEPS
                .iter()
                .flat_map(move |g| STEPS.iter().map(move |b| [*r, *g, *b]))
        })
        .flatten()
        .collect();
    let mut converted = vec![0; colors.len()];
    let srgb = ColorProfile::new_srgb();
    let options = options(Some(profile));
    let transform = profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, options);
    let is_converted =
        transform.is_ok_and(|transform| transform.transform(&colors, &mut converted).is_ok());
    let mut pairs = colors.iter().zip(&converted);
    is_converted && pairs.any(|(from, to)| from.abs_diff(*to) > 1)
}

/// As the profile intends.
fn options(profile: Option<&ColorProfile>) -> TransformOptions {
    TransformOptions {
        rendering_intent: profile.map_or(RenderingIntent::Perceptual, |it| it.rendering_intent),
        ..TransformOptions::default()
    }
}

/// Grey as RGB.
fn in_rgb(data: Vec<u8>, color: ColorType) -> Result<(Vec<u8>, ColorType), Problem> {
    let data = match color {
        ColorType::L8 => data.iter().flat_map(|level| [*level; 3]).collect(),
        ColorType::La8 => {
            let (pixels, _) = data.as_chunks();
            pixels.iter().flat_map(|[l, a]| [*l, *l, *l, *a]).collect()
        }
        ColorType::L16 => {
            let (pixels, _) = data.as_chunks::<2>();
            pixels
                .iter()
                .flat_map(|level| [*level; 3])
                .flatten()
                .collect()
        }
        ColorType::La16 => {
            let (pixels, _) = data.as_chunks();
            pixels
                .iter()
                .flat_map(|[l, m, a, b]| [*l, *m, *l, *m, *l, *m, *a, *b])
                .collect()
        }
        _ => data,
    };
    let color = match color {
        ColorType::L8 | ColorType::Rgb8 => ColorType::Rgb8,
        ColorType::La8 | ColorType::Rgba8 => ColorType::Rgba8,
        ColorType::L16 | ColorType::Rgb16 => ColorType::Rgb16,
        ColorType::La16 | ColorType::Rgba16 => ColorType::Rgba16,
        _ => return Err(Problem::Unsupported),
    };
    Ok((data, color))
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

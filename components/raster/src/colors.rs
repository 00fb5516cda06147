//! What a file says of its colours.

use image::ColorType;
use moxcms::{
    Chromaticity, CicpProfile, ColorPrimaries, ColorProfile, ToneReprCurve,
    TransferCharacteristics, XyY,
};

use crate::profile;

/// Profiles for print have tables of some megabytes.
const MAX_PROFILE: usize = 4 << 20;

/// What the samples mean, and how the file says it.
#[derive(Clone, Default)]
pub struct Colors {
    /// None: sRGB.
    pub profile: Option<ColorProfile>,
    /// What the file says and cannot be used.
    pub unused: Option<Unused>,
    /// The ICC profile of the file, to the byte, whether it can be used or not.
    pub icc: Option<Vec<u8>>,
    /// What else a PNG says: `cICP`, `mDCV`, `cLLI`, `sRGB`, `gAMA` and `cHRM`.
    pub chunks: Vec<Chunk>,
}

/// A chunk of a PNG: its name and its contents.
pub type Chunk = ([u8; 4], Vec<u8>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unused {
    /// A profile (ICC) that is too large, or none.
    Profile,
    /// The same of ink, which was converted without it.
    InkProfile,
    /// Code points (`cICP`) that are unknown, or of a range that no screen has (HDR).
    CodePoints,
}

impl Colors {
    /// By the profile in a file (ICC). One that cannot be used is taken for sRGB.
    pub fn of_file(icc: Option<Vec<u8>>) -> Self {
        let usable = icc.as_ref().filter(|bytes| bytes.len() <= MAX_PROFILE);
        let profile = usable.and_then(|bytes| ColorProfile::new_from_slice(bytes).ok());
        Self {
            unused: (icc.is_some() && profile.is_none()).then_some(Unused::Profile),
            profile,
            icc,
            chunks: Vec::new(),
        }
    }

    /// By the chunks of a PNG: `cICP`, `iCCP`, `sRGB`, or `gAMA` and `cHRM`, in this order.
    pub fn of_png(info: &png::Info) -> Self {
        let mut colors = Self::of_file(info.icc_profile.as_deref().map(<[u8]>::to_vec));
        match info.coding_independent_code_points.map(of_points) {
            Some(Some(profile)) => (colors.profile, colors.unused) = (Some(profile), None),
            Some(None) if colors.icc.is_none() => colors.unused = Some(Unused::CodePoints),
            _ => {}
        }
        if colors.icc.is_none() && colors.profile.is_none() && info.srgb.is_none() {
            colors.profile = of_gamma(info);
        }
        colors.chunks = chunks(info);
        colors
    }

    /// Those of ink that was converted to sRGB.
    pub fn of_ink(self) -> Self {
        Self {
            unused: self.unused.map(|_| Unused::InkProfile),
            ..Self::default()
        }
    }

    /// What says the same of these samples as RGB: a profile for grey becomes one for colours
    /// with the same curve. All others stay as they are, to the byte.
    pub fn of_rgb(self, samples: ColorType) -> Self {
        const SPACE: std::ops::Range<usize> = 16..20;
        let is_grey = !samples.has_color();
        let is_for_grey = |icc: &Vec<u8>| is_grey && icc.get(SPACE) == Some(b"GRAY");
        let icc = match self.icc {
            Some(icc) if is_for_grey(&icc) => ColorProfile::new_from_slice(&icc)
                .ok()
                .and_then(|profile| profile::of_rgb(&profile, true)?.encode().ok()),
            icc => icc,
        };
        let profile = self.profile.and_then(|it| profile::of_rgb(&it, is_grey));
        Self {
            icc,
            profile,
            ..self
        }
    }
}

fn chunks(info: &png::Info) -> Vec<Chunk> {
    let points = info.coding_independent_code_points.map(|points| {
        let is_full = u8::from(points.is_video_full_range_image);
        let bytes = [
            points.color_primaries,
            points.transfer_function,
            points.matrix_coefficients,
            is_full,
        ];
        (*b"cICP", bytes.to_vec())
    });
    let srgb = info.srgb.map(|intent| (*b"sRGB", vec![intent as u8]));
    let gamma = info
        .gama_chunk
        .map(|gamma| (*b"gAMA", gamma.into_scaled().to_be_bytes().to_vec()));
    let primaries = info
        .chrm_chunk
        .map(|points| (*b"cHRM", points.to_be_bytes().to_vec()));
    let volume = info.mastering_display_color_volume;
    let volume = volume.map(|volume| (*b"mDCV", color_volume(volume)));
    let light = info.content_light_level.map(|light| {
        let levels = [
            light.max_content_light_level,
            light.max_frame_average_light_level,
        ];
        (*b"cLLI", levels.map(u32::to_be_bytes).concat())
    });
    [points, volume, light, srgb, gamma, primaries]
        .into_iter()
        .flatten()
        .collect()
}

/// As in the chunk, where a coordinate is a multiple of 0.00002 (PNG, third edition, 11.3.2.7).
fn color_volume(volume: png::MasteringDisplayColorVolume) -> Vec<u8> {
    let png::SourceChromaticities {
        white,
        red,
        green,
        blue,
    } = volume.chromaticities;
    let points = [red, green, blue, white].map(|(x, y)| [x, y]);
    let coordinates = points.as_flattened().iter().flat_map(|coordinate| {
        let units = u16::try_from(coordinate.into_scaled() / 2);
        units.unwrap_or(u16::MAX).to_be_bytes()
    });
    let luminances = [volume.max_luminance, volume.min_luminance].map(u32::to_be_bytes);
    coordinates.chain(luminances.concat()).collect()
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
        let points = [points.white, points.red, points.green, points.blue];
        let points = points.map(|(x, y)| Chromaticity::new(x.into_value(), y.into_value()));
        if points.iter().any(|point| point.y <= 0.0) {
            return None;
        }
        let [white, red, green, blue] = points;
        let white = XyY::new(white.x.into(), white.y.into(), 1.0);
        profile.update_rgb_colorimetry(white, ColorPrimaries { red, green, blue });
    }
    Some(profile)
}

//! Profiles, and when they matter.

use moxcms::{ColorProfile, DataColorSpace, Layout, RenderingIntent, TransformOptions};

/// The same profile for grey samples as RGB. None: it is for other samples.
pub fn of_rgb(profile: &ColorProfile, is_grey: bool) -> Option<ColorProfile> {
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

/// Whether colours of one profile differ from those of the other by more than rounding. Most
/// profiles in files do not differ from sRGB so.
pub fn changes(from: &ColorProfile, to: &ColorProfile) -> bool {
    // Six levels of each channel, from 0 to 255.
    let colors: Vec<u8> = (0..6 * 6 * 6)
        .flat_map(|color: u8| [color / 36, color / 6 % 6, color % 6])
        .map(|level| 51 * level)
        .collect();
    let mut converted = vec![0; colors.len()];
    let options = options(Some(from));
    let transform = from.create_transform_8bit(Layout::Rgb, to, Layout::Rgb, options);
    let is_converted =
        transform.is_ok_and(|transform| transform.transform(&colors, &mut converted).is_ok());
    let mut pairs = colors.iter().zip(&converted);
    is_converted && pairs.any(|(from, to)| from.abs_diff(*to) > 1)
}

/// As the profile intends.
pub fn options(profile: Option<&ColorProfile>) -> TransformOptions {
    TransformOptions {
        rendering_intent: profile.map_or(RenderingIntent::Perceptual, |it| it.rendering_intent),
        ..TransformOptions::default()
    }
}

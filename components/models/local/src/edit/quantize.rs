//! Reduces the picture to a number of colours: its own, found by clustering, or the named
//! ones.

use std::collections::BTreeSet;

use palette::Oklab;

use super::clusters::{nearest, nearest_of_many, of};
use crate::color;
use crate::majority::Tally;
use crate::pixels::{Pixels, alpha, rgb};
use crate::plan::Quantize;

/// `presence` goes from 0 (unchanged) to 1 (only these colours).
pub fn apply(pixels: &mut Pixels, quantize: &Quantize, presence: f32) {
    let presence = (presence * 256.0).round() as i32;
    let own = of(pixels, usize::from(quantize.count));
    if own.is_empty() || presence <= 0 {
        return;
    }
    let centers: Vec<_> = own.iter().copied().map(color::from_srgb).collect();
    let mut nearest = nearest_of_many(centers.clone());
    let new = match quantize.to.as_slice() {
        [] => typical(pixels, own, &mut nearest),
        named => assigned(&centers, named),
    };
    for pixel in pixels.iter_mut().filter(|pixel| alpha(pixel) > 0) {
        let old = rgb(pixel);
        let aim = new.get(nearest(old)).copied().unwrap_or(old);
        for (value, aim) in pixel.iter_mut().zip(aim) {
            let way = i32::from(aim) - i32::from(*value);
            *value = (i32::from(*value) + way * presence / 256) as u8;
        }
    }
}

/// The colours, each as most of its pixels have it: white is not nearly white because edges
/// lie next to it.
fn typical(
    pixels: &Pixels,
    own: Vec<[u8; 3]>,
    mut nearest: impl FnMut([u8; 3]) -> usize,
) -> Vec<[u8; 3]> {
    let mut tallies = vec![Tally::default(); own.len()];
    let seen = || pixels.iter().filter(|pixel| alpha(pixel) > 0).map(rgb);
    for color in seen() {
        if let Some(tally) = tallies.get_mut(nearest(color)) {
            tally.vote(color);
        }
    }
    for color in seen() {
        if let Some(tally) = tallies.get_mut(nearest(color)) {
            tally.count(color);
        }
    }
    let typical = tallies.iter().map(Tally::winner);
    let both = own.into_iter().zip(typical);
    both.map(|(own, typical)| typical.unwrap_or(own)).collect()
}

/// Assigns a named colour to each colour of the picture: the darkest to the darkest, and
/// so on.
fn assigned(own: &[Oklab], named: &[u32]) -> Vec<[u8; 3]> {
    let by_lightness = |colors: &[Oklab]| {
        let mut order: Vec<_> = colors.iter().copied().enumerate().collect();
        order.sort_by(|(_, one), (_, other)| one.l.total_cmp(&other.l));
        order
    };
    let named: Vec<_> = named.iter().copied().map(color::channels).collect();
    let colors: Vec<_> = named.iter().copied().map(color::from_srgb).collect();
    // Where the picture has fewer colours, each becomes the nearest one, if those differ.
    let near: Vec<_> = own
        .iter()
        .map(|own| nearest(colors.iter().copied(), *own))
        .collect();
    let is_each = near.iter().collect::<BTreeSet<_>>().len() == near.len();
    if own.len() < named.len() && is_each {
        return near
            .iter()
            .filter_map(|place| named.get(*place).copied())
            .collect();
    }
    let order = by_lightness(&colors);
    let gaps = own.len().saturating_sub(1);
    let mut assigned = vec![[0; 3]; own.len()];
    for (rank, (index, color)) in by_lightness(own).into_iter().enumerate() {
        let place = match gaps {
            0 => nearest(colors.iter().copied(), color),
            // If the picture has fewer colours, the outer ones are used first.
            gaps => {
                let rank = (rank * order.len().saturating_sub(1) + gaps / 2) / gaps;
                order.get(rank).map_or(0, |(place, _)| *place)
            }
        };
        if let (Some(assigned), Some(color)) = (assigned.get_mut(index), named.get(place)) {
            *assigned = *color;
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn quantized(pixels: &Pixels, count: u8, to: &[u32]) -> Pixels {
        let mut pixels = pixels.clone();
        let to = to.to_vec();
        apply(&mut pixels, &Quantize { count, to }, 1.0);
        pixels
    }

    fn colors(pixels: &Pixels) -> BTreeSet<[u8; 3]> {
        let visible = pixels.iter().filter(|pixel| alpha(pixel) > 0);
        visible.map(rgb).collect()
    }

    /// Stripes of these colours, ten pixels wide.
    fn stripes(of: &[[u8; 3]]) -> Pixels {
        let width = of.len() as u32 * 10;
        let data = (0..width * 20).flat_map(|place| of[(place % width / 10) as usize]);
        Pixels::new(width, 20, false, data.collect()).unwrap()
    }

    const BROWN: [u8; 3] = [80, 45, 20];
    const WHITE: [u8; 3] = [255, 255, 255];
    const CREAM: [u8; 3] = [250, 245, 235];
    const RED: [u8; 3] = [200, 30, 30];

    #[test]
    fn the_colors_are_the_pictures_own_or_the_named_ones() {
        let logo = stripes(&[WHITE, BROWN, WHITE, CREAM]);
        let own = colors(&quantized(&logo, 2, &[]));
        assert_eq!(own.len(), 2);
        assert!(own.contains(&BROWN), "{own:?}");
        // Unchanged if there are no more colours than that.
        let few = stripes(&[RED, WHITE, BROWN]);
        assert_eq!(quantized(&few, 3, &[]), few);
        let cases: &[(&[u32], [u8; 3], [u8; 3])] = &[
            (&[0x000000, 0xFFFFFF], [0; 3], [255; 3]),
            (
                &[0xCDA02E, 0x1D2F5F],
                [0x1D, 0x2F, 0x5F],
                [0xCD, 0xA0, 0x2E],
            ),
        ];
        let more: &[u32] = &[0xD62828, 0xFFFFFF, 0x161616];
        let red = quantized(&stripes(&[WHITE, RED]), 3, more);
        assert_eq!(colors(&red), BTreeSet::from([WHITE, [0xD6, 0x28, 0x28]]));
        for (named, dark, light) in cases {
            let after = quantized(&stripes(&[WHITE, BROWN]), 2, named);
            assert_eq!(rgb(&after.data()[..3]), *light, "{named:x?}");
            assert_eq!(rgb(&after.data()[30..33]), *dark, "{named:x?}");
        }
    }

    #[test]
    fn a_color_is_as_most_of_its_pixels_have_it() {
        // Nearly white beside white, as edges are.
        let nearly = [250, 250, 250];
        let logo = stripes(&[WHITE, WHITE, WHITE, nearly, BROWN]);
        let own = colors(&quantized(&logo, 2, &[]));
        assert_eq!(own, BTreeSet::from([WHITE, BROWN]));
    }

    #[test]
    fn what_cannot_be_seen_has_no_part_in_it() {
        let mut pixels = stripes(&[WHITE, BROWN]);
        pixels.add_alpha();
        for pixel in pixels.iter_mut().filter(|pixel| pixel[0] == 255) {
            pixel[3] = 0;
        }
        let after = quantized(&pixels, 2, &[]);
        assert_eq!(after, pixels);
        pixels.iter_mut().for_each(|pixel| pixel[3] = 0);
        assert_eq!(quantized(&pixels, 2, &[0, 0xFFFFFF]), pixels);
    }

    proptest! {
        #[test]
        fn there_are_no_more_than_were_asked_for(
            (width, height, has_alpha) in (1_u32..40, 1_u32..40, any::<bool>()),
            bytes in proptest::collection::vec(any::<u8>(), 40 * 40 * 4),
            count in 2_u8..=16,
            named: bool,
        ) {
            let length = (width * height) as usize * if has_alpha { 4 } else { 3 };
            let pixels = Pixels::new(width, height, has_alpha, bytes[..length].to_vec()).unwrap();
            let to: Vec<u32> = match named {
                true => (0..u32::from(count)).map(|place| place * 0x0F_0A05).collect(),
                false => Vec::new(),
            };
            let after = quantized(&pixels, count, &to);
            prop_assert!(colors(&after).len() <= usize::from(count));
            prop_assert!(pixels.iter().map(alpha).eq(after.iter().map(alpha)));
            for [r, g, b] in colors(&after).into_iter().filter(|_| named) {
                prop_assert!(to.contains(&u32::from_be_bytes([0, r, g, b])));
            }
        }
    }
}

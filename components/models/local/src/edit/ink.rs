//! Two colours alone: one for what stands on the background and one for the background
//! itself ("white on black"). Edges stay smooth.

use palette::Oklab;

use super::border::Border;
use super::lut::Lut;
use super::{background, clusters};
use crate::color::{self, smoothstep};
use crate::pixels::Pixels;

/// Both colours are sRGB `0xRRGGBB`.
pub fn apply(pixels: &mut Pixels, ink: u32, paper: u32) {
    let ground = color::channels(paper);
    let [ink, paper] = [ink, paper].map(color::from_hex_lab);
    let lut = match pair(pixels, ink.l < paper.l) {
        Some((old_paper, old_ink)) => {
            let way = old_ink - old_paper;
            let length = way.l * way.l + way.a * way.a + way.b * way.b;
            Lut::new(|lab| {
                let from = lab - old_paper;
                let part = (from.l * way.l + from.a * way.a + from.b * way.b) / length.max(1e-6);
                color::mix(paper, ink, smoothstep(0.15, 0.85, part))
            })
        }
        // One colour on nothing.
        None => Lut::new(|_| ink),
    };
    lut.apply(pixels);
    if Border::of(pixels) == Border::Transparent {
        background::flatten(pixels, ground);
    }
}

/// The picture's two main colours: that of the background, and the other. None: there is
/// only one.
fn pair(pixels: &Pixels, is_dark_on_light: bool) -> Option<(Oklab, Oklab)> {
    let main: Vec<_> = clusters::of(pixels, 2)
        .into_iter()
        .map(color::from_srgb)
        .collect();
    let [one, other] = main.as_slice() else {
        return None;
    };
    let is_other = match Border::of(pixels) {
        Border::Colored(border) => {
            let border = color::from_srgb(border);
            color::distance(border, *other) < color::distance(border, *one)
        }
        Border::Transparent | Border::Mixed => (other.l > one.l) == is_dark_on_light,
    };
    Some(if is_other {
        (*other, *one)
    } else {
        (*one, *other)
    })
}

//! Original and answer in one image.

use crate::Region;
use crate::answer::Painted;
use crate::encode::Pixel;
use crate::feather::{FULL, Feather};
use crate::mask::Mask;
use crate::original::Original;

/// Adds the rows of the original, one after the other from the top, with the answer in an
/// area of it where the mask says so.
pub fn rows(
    original: Original,
    mut painted: Painted,
    area: Region,
    mask: Mask,
    feather: u32,
) -> impl FnMut(&mut Vec<Pixel>) {
    let (width, _) = original.raw.upright_size();
    let mut feather = Feather::new(area.width, feather);
    let (mut weights, mut answer) = (Vec::new(), Vec::new());
    let mut y: u32 = 0;
    move |row: &mut Vec<Pixel>| {
        original.raw.read_row(0, y, width, row);
        let inside = y.checked_sub(area.y).filter(|y| *y < area.height);
        y += 1;
        if inside.is_none() {
            return;
        }
        feather.next_row(&mask, &mut weights);
        let is_seen = weights.iter().any(|weight| *weight > 0);
        painted.next_row(&mut answer, is_seen);
        let row = row.iter_mut().skip(area.x as usize);
        for ((pixel, answer), weight) in row.zip(&answer).zip(&weights) {
            *pixel = blended(*pixel, *answer, *weight);
        }
    }
}

/// Colours count by their alpha, so that what is transparent leaves no fringe.
fn blended(original: Pixel, answer: Pixel, weight: u32) -> Pixel {
    match weight {
        0 => return original,
        FULL => return answer,
        _ => {}
    }
    let [answer_part, original_part] = [weight, FULL - weight].map(u64::from);
    let ([.., old], [.., new]) = (original.map(u64::from), answer.map(u64::from));
    let (old, new) = (old * original_part, new * answer_part);
    let alpha = old + new;
    if alpha == 0 {
        return answer;
    }
    let mut pixel = original;
    for (value, other) in pixel.iter_mut().zip(answer) {
        let sum = u64::from(*value) * old + u64::from(other) * new;
        *value = ((sum + alpha / 2) / alpha) as u16;
    }
    if let Some(last) = pixel.last_mut() {
        let full = u64::from(FULL);
        *last = ((alpha + full / 2) / full) as u16;
    }
    pixel
}

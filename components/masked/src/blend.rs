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
    let mut put = area_rows(area.width, feather);
    let mut y: u32 = 0;
    move |row: &mut Vec<Pixel>| {
        original.raw.read_row(0, y, width, row);
        let inside = y.checked_sub(area.y).filter(|y| *y < area.height);
        y += 1;
        if inside.is_some() {
            let row = row.get_mut(area.x as usize..).unwrap_or_default();
            put(&mut painted, &mask, row);
        }
    }
}

/// Whether the answer makes another pixel of any of the original's. Looks no further than the
/// first row with one.
pub fn changes(
    original: &Original,
    painted: &mut Painted,
    area: Region,
    mask: &Mask,
    feather: u32,
) -> bool {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut put = area_rows(area.width, feather);
    let is_changed = (area.y..area.y + area.height).any(|y| {
        before.clear();
        original.raw.read_row(area.x, y, area.width, &mut before);
        after.clone_from(&before);
        put(painted, mask, &mut after);
        before != after
    });
    painted.rewind();
    is_changed
}

/// Puts the answer into the rows of its area, one after the other from the top.
fn area_rows(width: u32, feather: u32) -> impl FnMut(&mut Painted, &Mask, &mut [Pixel]) {
    let mut feather = Feather::new(width, feather);
    let (mut weights, mut answer) = (Vec::new(), Vec::new());
    move |painted: &mut Painted, mask: &Mask, row: &mut [Pixel]| {
        feather.next_row(mask, &mut weights);
        let is_seen = weights.iter().any(|weight| *weight > 0);
        painted.next_row(&mut answer, is_seen);
        for ((pixel, answer), weight) in row.iter_mut().zip(&answer).zip(&weights) {
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

//! Original and answer in one image.

use crate::Region;
use crate::answer::Painted;
use crate::encode::{Pixel, Rows};
use crate::feather::{FULL, Feather};
use crate::mask::Mask;
use crate::original::Original;

/// The original, and in an area of it the answer where the mask says so.
pub struct Blend {
    original: Original,
    painted: Painted,
    area: Region,
    mask: Mask,
    feather: Feather,
    y: u32,
    weights: Vec<u32>,
    answer: Vec<Pixel>,
}

impl Blend {
    pub fn new(
        original: Original,
        painted: Painted,
        area: Region,
        mask: Mask,
        feather: u32,
    ) -> Self {
        Self {
            feather: Feather::new(area.width, feather),
            original,
            painted,
            area,
            mask,
            y: 0,
            weights: Vec::new(),
            answer: Vec::new(),
        }
    }
}

impl Rows for Blend {
    fn next_row(&mut self, row: &mut Vec<Pixel>) {
        let (width, _) = self.original.raw.upright_size();
        self.original.raw.read_row(0, self.y, width, row);
        let y = self.y;
        self.y += 1;
        if y < self.area.y || y - self.area.y >= self.area.height {
            return;
        }
        self.feather.next_row(&self.mask, &mut self.weights);
        let is_seen = self.weights.iter().any(|weight| *weight > 0);
        self.painted.next_row(&mut self.answer, is_seen);
        let row = row.iter_mut().skip(self.area.x as usize);
        for ((pixel, answer), weight) in row.zip(&self.answer).zip(&self.weights) {
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

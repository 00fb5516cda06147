//! Turns what was read into a plan.

use super::state::{Adjustment, Replacing};
use super::{Edit, Ground, LEAST_CONTRAST, Plan, Quality, Quantize, Reader, Recolor, Unused};
use crate::color::channels;
use concept_refinement_vocabulary as vocabulary;

impl Reader<'_> {
    pub fn finish(mut self) -> Plan {
        self.stop();
        self.end_replacing();
        let quantize = self.quantize();
        // "change blue to red except the dark blue": shades are not told apart.
        let is_replaced = |color| self.replacements.iter().any(|pair| pair.from == color);
        let kept = std::mem::take(&mut self.kept).into_iter();
        let (lost, kept): (Vec<_>, _) = kept.partition(|(_, color)| is_replaced(*color));
        let lost = lost.into_iter().map(|(text, _)| format!("keep {text}"));
        self.unused.extend(lost.map(Unused::Unknown));
        let mut palette = self.altered;
        if !self.replacements.is_empty() {
            palette.insert(0, Edit::Replace(self.replacements));
        }
        let mut ground = self.ground;
        match (self.colors.as_slice(), ground) {
            ([], _) => {}
            // Shades of white or black could not be told from the background.
            (
                [ink],
                Some(Ground {
                    color: Some(paper),
                    shade: 0.0,
                }),
            ) if self.shade.is_none() && is_grey(*ink) => {
                palette.push(Edit::Ink { ink: *ink, paper });
                ground = None;
            }
            _ => {
                let is_monochrome = take_monochrome(&mut self.adjustments, &self.colors);
                palette.push(Edit::Recolor(Recolor {
                    to: self.colors,
                    shade: self.shade.unwrap_or(0.0),
                    amount: self.tinge.unwrap_or(1.0),
                    with_greys: self.exact || is_monochrome || quantize.is_some(),
                }));
            }
        }
        let circle = self.turning.is_round.then_some(Edit::Circle);
        let (crops, last) = self.sizing.finish();
        let turns = self.turning.edits.into_iter().chain(crops);
        let mut unused = self.unused;
        let adjustments = combined(self.adjustments, &mut unused);
        let mut plan = Plan {
            edits: turns.chain(adjustments).collect(),
            unused,
            widened: self.widened,
            kept,
            excluded: self.excluded,
            names_color: self.names_color,
        };
        plan.insert(palette);
        let ground = ground.map(Edit::Ground).into_iter().collect();
        plan.insert_before(Quality::Shadow, ground);
        // After everything that may add colours, so that the number of colours is right.
        plan.edits.extend(quantize.map(Edit::Quantize));
        plan.edits.extend(last);
        plan.edits.extend(circle);
        plan
    }

    /// There was no pair of colours.
    fn end_replacing(&mut self) {
        match std::mem::take(&mut self.replacing) {
            // "turn the logo light brown"
            Replacing::From(colors, shade) => {
                let colors = colors.into_iter();
                let new: Vec<_> = colors.filter(|new| !self.colors.contains(new)).collect();
                self.colors.extend(new);
                if shade != 0.0 {
                    self.shade = Some(shade);
                }
            }
            Replacing::Instead(color) if !self.colors.contains(&color) => self.colors.push(color),
            // "replace the red with leaves"
            Replacing::By(colors) => {
                let names: Vec<_> = colors.into_iter().map(vocabulary::name).collect();
                self.undone("replace", &names.join(" and "));
            }
            Replacing::Swap | Replacing::SwapWith(_) => {
                self.unused.push(Unused::Undone("swap".to_owned()));
            }
            _ => {}
        }
    }

    /// The number of colours, along with the named colours if their number matches.
    fn quantize(&mut self) -> Option<Quantize> {
        const BLACK_AND_WHITE: [u32; 2] = [0x000000, 0xFFFFFF];
        if self.exact && self.count.is_none() && self.colors.len() > 1 {
            self.count = u8::try_from(self.colors.len()).ok();
        }
        let is_grey = |adjustment: &Adjustment| adjustment.quality == Quality::Monochrome;
        let is_grey = self.adjustments.iter().any(is_grey);
        let count = self.count?;
        if usize::from(count) == self.colors.len() && count > 1 {
            let to = std::mem::take(&mut self.colors);
            return Some(Quantize { count, to });
        }
        let to = match count {
            // Shades of a single colour are still many colours.
            0 | 1 => {
                if self.colors.is_empty() {
                    let grey = Adjustment::whole(Quality::Monochrome, String::new());
                    self.adjustments.push(grey);
                }
                return None;
            }
            2 if is_grey && self.colors.is_empty() => BLACK_AND_WHITE.to_vec(),
            _ => Vec::new(),
        };
        Some(Quantize { count, to })
    }
}

/// "monochrome blue": shades of the colour, not of grey.
fn take_monochrome(adjustments: &mut Vec<Adjustment>, colors: &[u32]) -> bool {
    let before = adjustments.len();
    if colors.len() == 1 {
        adjustments.retain(|adjustment| adjustment.quality != Quality::Monochrome);
    }
    adjustments.len() < before
}

/// Whether a colour, an sRGB `0xRRGGBB`, is about as red as it is green and blue.
fn is_grey(color: u32) -> bool {
    const NEAR: u8 = 24;
    let [r, g, b] = channels(color);
    r.max(g).max(b) - r.min(g).min(b) <= NEAR
}

/// Combines the adjustments of each quality, in the order of the qualities. Of two words
/// that contradict each other the last one counts.
fn combined(adjustments: Vec<Adjustment>, unused: &mut Vec<Unused>) -> Vec<Edit> {
    let mut combined: Vec<Adjustment> = Vec::new();
    for mut next in adjustments {
        // Words leave some contrast; only a percentage takes all of it.
        if next.quality == Quality::Contrast && next.percent.is_none() {
            next.amount = next.amount.max(LEAST_CONTRAST);
        }
        let earlier = combined
            .iter_mut()
            .find(|earlier| earlier.quality == next.quality);
        match earlier {
            // Repeating a word does not double its effect.
            Some(earlier) if earlier.amount.signum() == next.amount.signum() => {
                earlier.amount = (earlier.amount.abs())
                    .max(next.amount.abs())
                    .copysign(next.amount);
            }
            Some(earlier) => {
                let earlier = std::mem::replace(earlier, next);
                unused.push(Unused::Undone(earlier.text));
            }
            None => combined.push(next),
        }
    }
    combined.sort_by_key(|adjustment| adjustment.quality);
    let edit = |adjustment: Adjustment| Edit::Adjust(adjustment.quality, adjustment.amount);
    combined.into_iter().map(edit).collect()
}

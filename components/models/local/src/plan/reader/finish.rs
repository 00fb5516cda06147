//! Turns what was read into a plan.

use super::state::Replacing;
use super::{Edit, Plan, Quality, Quantize, Reader, Recolor};

impl Reader {
    pub fn finish(mut self) -> Plan {
        self.stop();
        // "turn it brown", "change blue, make it lighter": there was no pair of colours.
        if let Replacing::From(color) | Replacing::By(color) = self.replacing
            && !self.colors.contains(&color)
        {
            self.colors.push(color);
        }
        let quantize = self.quantize();
        let mut recolors = self.replacements;
        if !self.colors.is_empty() {
            recolors.push(Recolor {
                from: None,
                to: self.colors,
                shade: self.shade.unwrap_or(0.0),
                amount: self.tinge.unwrap_or(1.0),
            });
        }
        let circle = self.turning.is_round().then_some(Edit::Circle);
        let turns = self.turning.finish().into_iter().map(Edit::Turn);
        let adjustments = combined(self.adjustments).into_iter();
        let adjustments = adjustments.map(|(quality, amount)| Edit::Adjust(quality, amount));
        let mut plan = Plan {
            edits: turns.chain(adjustments).collect(),
            unused: self.unused,
            widened: self.widened,
            names_color: self.names_color,
        };
        plan.insert(recolors.into_iter().map(Edit::Recolor).collect());
        // After everything that may add colours, so that the number of colours is right.
        plan.edits.extend(quantize.map(Edit::Quantize));
        plan.edits.extend(circle);
        plan
    }

    /// The number of colours, along with the named colours if their number matches.
    fn quantize(&mut self) -> Option<Quantize> {
        const BLACK_AND_WHITE: [u32; 2] = [0x000000, 0xFFFFFF];
        let is_grey = |(quality, _): &(Quality, f32)| *quality == Quality::Monochrome;
        let is_grey = self.adjustments.iter().any(is_grey);
        let count = self.count?;
        if usize::from(count) == self.colors.len() && count > 1 {
            let to = std::mem::take(&mut self.colors);
            return Some(Quantize { count, to });
        }
        match count {
            // Shades of a single colour are still many colours.
            0 | 1 => {
                if self.colors.is_empty() {
                    self.adjustments.push((Quality::Monochrome, 1.0));
                }
                None
            }
            2 if is_grey && self.colors.is_empty() => Some(Quantize {
                count,
                to: BLACK_AND_WHITE.to_vec(),
            }),
            _ => Some(Quantize {
                count,
                to: Vec::new(),
            }),
        }
    }
}

/// Combines the adjustments of each quality, in the order of the qualities.
fn combined(adjustments: Vec<(Quality, f32)>) -> Vec<(Quality, f32)> {
    let mut combined: Vec<(Quality, f32)> = Vec::new();
    for (quality, amount) in adjustments {
        match combined
            .iter_mut()
            .find(|(stronger, _)| *stronger == quality)
        {
            // Repeating a word does not double its effect; of two contradicting words the
            // last one counts.
            Some((_, stronger)) if stronger.signum() == amount.signum() => {
                *stronger = stronger.abs().max(amount.abs()).copysign(amount);
            }
            Some((_, stronger)) => *stronger = amount,
            None => combined.push((quality, amount)),
        }
    }
    combined.sort_by_key(|(quality, _)| *quality);
    combined
}

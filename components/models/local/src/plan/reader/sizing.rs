//! Reads sizes: "resize to 1024x1024", "20% bigger", "pad to a square", "crop to 16:9".

use super::state::Percent;
use super::turning::Turning;
use super::{Edit, Ground, Pad, Resize, Unused};
use concept_refinement_vocabulary::Meaning;

#[derive(Default)]
pub struct Sizing {
    crops: Vec<Edit>,
    pads: Vec<Edit>,
    resize: Option<Resize>,
    clause: Clause,
}

/// The shorter side, in pixels, of the smallest picture that needs no word for its size.
const ICON: u32 = 16;

#[derive(Default)]
struct Clause {
    action: Option<(String, Action)>,
    percent: Option<Percent>,
    times: Option<f32>,
    size: Option<(u32, u32)>,
    ratio: Option<(u32, u32)>,
    /// The colour of what is added.
    ground: Ground,
}

#[derive(Clone, Copy)]
enum Action {
    Scale(f32),
    Enlarge,
    Resize,
    Pad(f32),
}

impl Sizing {
    /// Starts an action; `degree` is how much of it. Returns it where there cannot be less
    /// of it, or an earlier one that it displaces.
    pub fn start(
        &mut self,
        text: String,
        meaning: Meaning,
        degree: f32,
        reverse: bool,
    ) -> Option<String> {
        const SMALLEST: f32 = 0.25;
        let action = match meaning {
            // "too big", but not "reduce it to half the size"
            Meaning::Scale(factor) if reverse && !text.starts_with("half") => {
                Action::Scale(1.0 / factor)
            }
            Meaning::Scale(factor) => Action::Scale((1.0 + (factor - 1.0) * degree).max(SMALLEST)),
            _ if reverse => return Some(format!("less {text}")),
            Meaning::Enlarge => Action::Enlarge,
            Meaning::Pad => Action::Pad(degree),
            _ => Action::Resize,
        };
        let (text, earlier) = self.clause.action.replace((text, action))?;
        let is_displaced = match action {
            Action::Pad(_) => matches!(earlier, Action::Scale(_) | Action::Enlarge),
            Action::Scale(_) | Action::Enlarge => matches!(earlier, Action::Pad(_)),
            Action::Resize => false,
        };
        is_displaced.then_some(text)
    }

    pub fn measure(&mut self, meaning: Meaning) {
        let clause = &mut self.clause;
        match meaning {
            Meaning::Times(times) => clause.times = Some(times),
            Meaning::Size(width, height) => clause.size = Some((width, height)),
            Meaning::Ratio(width, height) => clause.ratio = Some((width, height)),
            _ => {}
        }
    }

    pub fn percent(&mut self, percent: Percent) {
        self.clause.percent = Some(percent);
    }

    /// "pad with black": gives what is added this colour.
    pub fn fill(&mut self, ground: Ground) {
        self.clause.ground = ground;
    }

    /// Whether the clause adds space.
    pub fn pads(&self) -> bool {
        matches!(self.clause.action, Some((_, Action::Pad(_))))
    }

    /// Whether the clause has a word for a change of the size.
    pub fn has_action(&self) -> bool {
        self.clause.action.is_some()
    }

    /// Ends a clause, which may ask for nothing but a size.
    pub fn stop(&mut self, is_alone: bool, turning: &mut Turning, unused: &mut Vec<Unused>) {
        let Clause {
            action,
            percent,
            times,
            size,
            ratio,
            ground,
        } = std::mem::take(&mut self.clause);
        let (text, action) = action.unzip();
        // "a 3x3 grid"
        let size = size.filter(|(width, height)| action.is_some() || *width.min(height) >= ICON);
        // "2x brighter"
        let times = times.filter(|_| is_alone || action.is_some());
        if let Some(Action::Pad(degree)) = action
            && size.is_none()
        {
            let ratio = ratio.or_else(|| turning.take_square().then_some((1, 1)));
            let pad = ratio.map_or(Pad::Margin(degree), |(width, height)| {
                Pad::Ratio(width, height)
            });
            self.pads.push(Edit::Pad(pad, ground));
            return;
        }
        if let Some((width, height)) = ratio {
            turning.take_crop();
            self.crops.push(Edit::Crop(width, height));
        }
        if let Some((width, height)) = size {
            if turning.take_crop() {
                self.crops.push(Edit::Crop(width, height));
            }
            self.resize = Some(Resize::To(width, height, ground));
            return;
        }
        match scaled(action, percent, times) {
            Some(resize) => self.resize = Some(resize),
            None if action.is_some() && ratio.is_none() => unused.extend(text.map(Unused::Undone)),
            None => {}
        }
    }

    /// The number of edits.
    pub fn len(&self) -> usize {
        self.crops.len() + self.pads.len() + usize::from(self.resize.is_some())
    }

    /// The crops, and what is done at the end.
    pub fn finish(self) -> (Vec<Edit>, Vec<Edit>) {
        let mut last = self.pads;
        last.extend(self.resize.map(Edit::Resize));
        (self.crops, last)
    }
}

fn scaled(action: Option<Action>, percent: Option<Percent>, times: Option<f32>) -> Option<Resize> {
    const LARGEST: f32 = 8.0;
    let is_smaller = matches!(action, Some(Action::Scale(factor)) if factor < 1.0);
    let factor = match (action, percent, times) {
        (_, _, Some(times)) if times <= 0.0 => return None,
        (_, _, Some(times)) if is_smaller => 1.0 / times,
        (_, _, Some(times)) => times,
        // "twice as small"
        (Some(_), Some(percent), _) if percent.is_target && is_smaller && percent.said > 1.0 => {
            1.0 / percent.said
        }
        // "shrink to 80%", "half as big"
        (Some(_), Some(percent), _) if percent.is_target => percent.said,
        (Some(Action::Resize), Some(percent), _) if percent.said >= 0.0 => percent.said,
        (Some(_), Some(percent), _) if is_smaller => 1.0 - percent.said.abs(),
        // "20% bigger", "resize by -20%"
        (Some(_), Some(percent), _) => 1.0 + percent.said,
        (Some(Action::Scale(factor)), ..) => factor,
        (Some(Action::Enlarge), ..) => 2.0,
        _ => return None,
    };
    match factor {
        2.0 => Some(Resize::Enlarge { twice: false }),
        4.0 => Some(Resize::Enlarge { twice: true }),
        factor if factor > 0.0 && factor <= LARGEST => Some(Resize::Scale(factor)),
        _ => None,
    }
}

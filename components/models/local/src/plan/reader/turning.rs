//! Reads rotating, flipping and cropping: "rotate it by 90 degrees to the left". The
//! direction may come before or after, within the same clause.

use super::{Edit, Unused};
use concept_refinement_vocabulary::{Meaning, Toward, Turn};

/// By how many degrees something is tilted, unless the prompt says it.
const TILT: f32 = 10.0;

#[derive(Default)]
pub struct Turning {
    /// In the order of the prompt.
    pub edits: Vec<Edit>,
    /// Whether to crop to a circle in the middle.
    pub is_round: bool,
    clause: Clause,
}

#[derive(Default)]
struct Clause {
    action: Option<Action>,
    /// A direction before its action.
    towards: Vec<(String, Toward)>,
    /// A number before its action, or without one.
    figure: Option<(String, f32)>,
    /// Whether the action is refused, so that a direction is ignored.
    refused: bool,
    /// Whether the clause asks for a tighter crop, which is not a turn.
    is_tight: bool,
}

/// What a clause asks for.
enum Action {
    Rotate {
        degrees: f32,
        left: bool,
    },
    /// Mirrors, flips, or turns by a half.
    Flip(Turn),
    /// The word for it, and the shape: a square or a circle.
    Crop(String, Option<Toward>),
}

impl Turning {
    /// Starts an action; `degree` is how much of it. Returns the word that it conflicts
    /// with.
    pub fn start(&mut self, text: String, meaning: Meaning, degree: f32) -> Vec<Unused> {
        let left = false;
        let rotate = |degrees| Action::Rotate { degrees, left };
        let mut action = match meaning {
            Meaning::Rotate if degree >= 1.0 => rotate(90.0),
            Meaning::Rotate => rotate(2.0 * TILT * degree),
            Meaning::Tilt => rotate(TILT * degree),
            Meaning::Flip => Action::Flip(Turn::Mirror),
            Meaning::MakeSquare => Action::Crop(text, Some(Toward::Square)),
            Meaning::MakeCircle => Action::Crop(text, Some(Toward::Circle)),
            _ => Action::Crop(text, None),
        };
        // "crop it, square format": the second part says to what shape.
        if matches!(action, Action::Crop(_, Some(_))) {
            self.take_crop();
        }
        let mut unused = self.act();
        if let (Action::Rotate { degrees, .. }, Some((_, figure))) =
            (&mut action, self.clause.figure.take())
        {
            *degrees = figure;
        }
        for (said, toward) in std::mem::take(&mut self.clause.towards) {
            if !action.take(toward) {
                unused.push(Unused::Undone(said));
            }
        }
        self.clause.action = Some(action);
        unused
    }

    /// Reads a direction. Returns it if nothing uses it.
    pub fn toward(&mut self, text: String, toward: Toward) -> Option<Unused> {
        let unused = match &mut self.clause.action {
            Some(action) => (!action.take(toward)).then_some(text),
            None if self.clause.refused => Some(text),
            None => {
                self.clause.towards.push((text, toward));
                None
            }
        };
        unused.map(Unused::Undone)
    }

    /// Reads a number, which may be an angle. Returns the one that nothing used.
    pub fn figure(&mut self, text: String, figure: f32) -> Option<Unused> {
        if let Some(Action::Rotate { degrees, .. }) = &mut self.clause.action {
            *degrees = figure;
            return None;
        }
        let earlier = self.clause.figure.replace((text, figure));
        earlier.map(|(text, _)| Unused::Unknown(text))
    }

    /// Whether a number may be the clause's angle.
    pub fn rotates(&self) -> bool {
        matches!(self.clause.action, Some(Action::Rotate { .. }))
    }

    /// Refuses the clause's action.
    pub fn refuse(&mut self) {
        self.clause.refused = true;
    }

    /// "rotate it a bit". False: the clause rotates nothing.
    pub fn slightly(&mut self, degree: f32) -> bool {
        let Some(Action::Rotate { degrees, .. }) = &mut self.clause.action else {
            return false;
        };
        if degree < 1.0 {
            let is_quarter = *degrees == 90.0;
            *degrees = degree * if is_quarter { 2.0 * TILT } else { *degrees };
        }
        true
    }

    /// Whether the clause asks for a crop whose shape is not said yet, which it then
    /// gives up: a ratio says it.
    pub fn take_crop(&mut self) -> bool {
        let is_open = |action: &mut Action| matches!(action, Action::Crop(_, None));
        self.clause.action.take_if(is_open).is_some()
    }

    /// Whether a square is asked for that is not an action of this clause.
    pub fn take_square(&mut self) -> bool {
        let is_square =
            |action: &mut Action| matches!(action, Action::Crop(_, Some(Toward::Square)));
        let action = self.clause.action.take_if(is_square);
        let towards = &mut self.clause.towards;
        let place = towards.iter().position(|(_, to)| *to == Toward::Square);
        let toward = place.map(|place| towards.remove(place));
        action.is_some() || toward.is_some()
    }

    /// A crop in this clause needs no target shape. False: it is refused.
    pub fn tighten(&mut self) -> bool {
        self.clause.is_tight = true;
        !self.clause.refused
    }

    /// Ends a clause. Returns what was not used.
    pub fn stop(&mut self) -> Vec<Unused> {
        let mut unused = self.act();
        let clause = std::mem::take(&mut self.clause);
        for (text, toward) in clause.towards {
            if toward == Toward::UpsideDown {
                self.edits.push(Edit::Turn(Turn::Half));
            } else {
                unused.push(Unused::Undone(text));
            }
        }
        unused.extend(clause.figure.map(|(text, _)| Unused::Unknown(text)));
        unused
    }

    fn act(&mut self) -> Vec<Unused> {
        let Some(action) = self.clause.action.take() else {
            return Vec::new();
        };
        let turn = match action {
            Action::Rotate { degrees, left } => {
                // "by -90 degrees" is to the left; "-90 degrees to the left" is, too.
                let degrees = if left { -degrees.abs() } else { degrees };
                self.edits.extend(rotation(degrees));
                return Vec::new();
            }
            Action::Flip(turn) => turn,
            Action::Crop(_, Some(shape)) => {
                self.is_round |= shape == Toward::Circle;
                Turn::Square
            }
            Action::Crop(_, None) if self.clause.is_tight => return Vec::new(),
            Action::Crop(text, None) => return vec![Unused::Undone(text)],
        };
        self.edits.push(Edit::Turn(turn));
        Vec::new()
    }
}

/// The edit that rotates clockwise by so many degrees. None: by none.
fn rotation(degrees: f32) -> Option<Edit> {
    match degrees.rem_euclid(360.0) {
        0.0 => None,
        90.0 => Some(Edit::Turn(Turn::Right)),
        180.0 => Some(Edit::Turn(Turn::Half)),
        270.0 => Some(Edit::Turn(Turn::Left)),
        degrees => Some(Edit::Rotate(degrees)),
    }
}

impl Action {
    /// Whether the direction applies to the action.
    fn take(&mut self, toward: Toward) -> bool {
        match (self, toward) {
            (Self::Rotate { left, .. }, Toward::Left) => *left = true,
            (Self::Rotate { left, .. }, Toward::Right) => *left = false,
            (Self::Rotate { degrees, .. }, Toward::Quarters(said)) => {
                *degrees = 90.0 * f32::from(said);
            }
            (Self::Rotate { degrees, .. }, Toward::UpsideDown) => *degrees = 180.0,
            (Self::Flip(turn), Toward::Quarters(2)) => *turn = Turn::Half,
            (Self::Flip(Turn::Half), Toward::Vertical | Toward::UpsideDown) => {}
            (Self::Flip(Turn::Half), Toward::Horizontal | Toward::Left | Toward::Right) => {}
            (Self::Flip(turn), Toward::Vertical | Toward::UpsideDown) => *turn = Turn::Flip,
            (Self::Flip(turn), Toward::Horizontal | Toward::Left | Toward::Right) => {
                *turn = Turn::Mirror;
            }
            (Self::Crop(_, shape), Toward::Square | Toward::Circle) => *shape = Some(toward),
            _ => return false,
        }
        true
    }
}

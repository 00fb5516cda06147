//! Reads rotating, flipping and cropping: "rotate it by 90 degrees to the left". The
//! direction may come before or after, within the same clause.

use super::Unused;
use concept_refinement_vocabulary::{Meaning, Toward, Turn};

#[derive(Default)]
pub struct Turning {
    /// In the order of the prompt.
    turns: Vec<Turn>,
    /// Whether to crop to a circle in the middle.
    is_round: bool,
    clause: Clause,
}

#[derive(Default)]
struct Clause {
    action: Option<Action>,
    /// A direction before its action.
    towards: Vec<(String, Toward)>,
    /// An angle that is not possible.
    number: Option<String>,
    /// Whether the action is refused or impossible, so that a direction is
    /// ignored.
    refused: bool,
    /// Whether the clause asks for a tighter crop, which is not a turn.
    is_tight: bool,
}

/// What a clause asks for.
struct Action {
    text: String,
    kind: Kind,
}

enum Kind {
    Rotate { quarters: u8, left: bool },
    Flip { vertically: bool, half: bool },
    Crop { to: Option<Shape> },
}

#[derive(Clone, Copy)]
enum Shape {
    Square,
    Circle,
}

impl Turning {
    /// Starts an action. Returns the word that it conflicts with.
    pub fn start(&mut self, text: String, meaning: Meaning) -> Vec<Unused> {
        let mut kind = match meaning {
            Meaning::Rotate => Kind::Rotate {
                quarters: 1,
                left: false,
            },
            Meaning::Flip => Kind::Flip {
                vertically: false,
                half: false,
            },
            Meaning::MakeSquare => Kind::Crop {
                to: Some(Shape::Square),
            },
            Meaning::MakeCircle => Kind::Crop {
                to: Some(Shape::Circle),
            },
            _ => Kind::Crop { to: None },
        };
        // "crop it, square format": the second part says to what shape.
        if let (Kind::Crop { to: Some(_) }, Some(action)) = (&kind, &self.clause.action)
            && matches!(action.kind, Kind::Crop { to: None })
        {
            self.clause.action = None;
        }
        let mut unused = self.act();
        if let (Kind::Rotate { .. }, Some(number)) = (&kind, self.clause.number.take()) {
            self.clause.refused = true;
            unused.push(Unused::Undone(format!("{text} {number}")));
            return unused;
        }
        for (said, toward) in std::mem::take(&mut self.clause.towards) {
            if !kind.take(toward) {
                unused.push(Unused::Undone(said));
            }
        }
        self.clause.action = Some(Action { text, kind });
        unused
    }

    /// Reads a direction. Returns it if nothing uses it.
    pub fn toward(&mut self, text: String, toward: Toward) -> Option<Unused> {
        let unused = match &mut self.clause.action {
            Some(action) => (!action.kind.take(toward)).then_some(text),
            None if self.clause.refused => Some(text),
            None => {
                self.clause.towards.push((text, toward));
                None
            }
        };
        unused.map(Unused::Undone)
    }

    /// Reads an unknown word. A number may be an unsupported angle. Returns what has to
    /// be reported.
    pub fn unknown(&mut self, text: String) -> Option<Unused> {
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return Some(Unused::Unknown(text));
        }
        match self.clause.action.take() {
            Some(Action {
                text: action,
                kind: Kind::Rotate { .. },
            }) => {
                self.clause.refused = true;
                Some(Unused::Undone(format!("{action} {text}")))
            }
            other => {
                self.clause.action = other;
                self.clause.number = Some(text);
                None
            }
        }
    }

    /// Refuses the clause's action.
    pub fn refuse(&mut self) {
        self.clause.refused = true;
    }

    /// Removes a rotation by an unsupported angle.
    pub fn take_back(&mut self, why: &str) -> Option<Unused> {
        let action = self.clause.action.take()?;
        Some(Unused::Undone(format!("{why} {}", action.text)))
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
                self.turns.push(Turn::Half);
            } else {
                unused.push(Unused::Undone(text));
            }
        }
        unused.extend(clause.number.map(Unused::Unknown));
        unused
    }

    /// The number of turns.
    pub fn len(&self) -> usize {
        self.turns.len()
    }

    pub fn is_round(&self) -> bool {
        self.is_round
    }

    pub fn finish(self) -> Vec<Turn> {
        self.turns
    }

    fn act(&mut self) -> Vec<Unused> {
        let Some(action) = self.clause.action.take() else {
            return Vec::new();
        };
        let turn = match action.kind {
            Kind::Rotate { quarters: 2, .. } => Turn::Half,
            // Three quarter turns in one direction are one in the other.
            Kind::Rotate { quarters, left } if (quarters == 3) != left => Turn::Left,
            Kind::Rotate { .. } => Turn::Right,
            Kind::Flip { half: true, .. } => Turn::Half,
            Kind::Flip {
                vertically: true, ..
            } => Turn::Flip,
            Kind::Flip { .. } => Turn::Mirror,
            Kind::Crop {
                to: Some(Shape::Square),
            } => Turn::Square,
            Kind::Crop {
                to: Some(Shape::Circle),
            } => {
                self.is_round = true;
                Turn::Square
            }
            Kind::Crop { to: None } if self.clause.is_tight => return Vec::new(),
            Kind::Crop { to: None } => return vec![Unused::Undone(action.text)],
        };
        self.turns.push(turn);
        Vec::new()
    }
}

impl Kind {
    /// Whether the direction applies to the action.
    fn take(&mut self, toward: Toward) -> bool {
        match (self, toward) {
            (Self::Rotate { left, .. }, Toward::Left) => *left = true,
            (Self::Rotate { left, .. }, Toward::Right) => *left = false,
            (Self::Rotate { quarters, .. }, Toward::Quarters(said)) => *quarters = said,
            (Self::Rotate { quarters, .. }, Toward::UpsideDown) => *quarters = 2,
            (Self::Flip { half, .. }, Toward::Quarters(2)) => *half = true,
            (Self::Flip { vertically, .. }, Toward::Vertical | Toward::UpsideDown) => {
                *vertically = true;
            }
            (Self::Flip { vertically, .. }, Toward::Horizontal | Toward::Left | Toward::Right) => {
                *vertically = false
            }
            (Self::Crop { to }, Toward::Square) => *to = Some(Shape::Square),
            (Self::Crop { to }, Toward::Circle) => *to = Some(Shape::Circle),
            _ => return false,
        }
        true
    }
}

//! Reads rotating, flipping and cropping: "rotate it by 90 degrees to the
//! left". The direction may come before or after, within the clause.

use crate::vocabulary::{Meaning, Toward, Turn};

#[derive(Default)]
pub struct Turning {
    /// In the order of the prompt.
    turns: Vec<Turn>,
    clause: Clause,
}

#[derive(Default)]
struct Clause {
    action: Option<Action>,
    /// A direction before its action.
    towards: Vec<(String, Toward)>,
    /// An angle that cannot be done.
    number: Option<String>,
    /// Whether the action is refused or impossible, so that a direction is
    /// ignored.
    refused: bool,
}

/// What a clause asks for.
struct Action {
    text: String,
    kind: Kind,
}

enum Kind {
    Rotate { quarters: u8, left: bool },
    Flip { vertically: bool, half: bool },
    Crop { square: bool },
}

impl Turning {
    /// Starts an action. Returns the word that it conflicts with.
    pub fn start(&mut self, text: String, meaning: Meaning) -> Vec<String> {
        let mut kind = match meaning {
            Meaning::Rotate => Kind::Rotate {
                quarters: 1,
                left: false,
            },
            Meaning::Flip => Kind::Flip {
                vertically: false,
                half: false,
            },
            Meaning::MakeSquare => Kind::Crop { square: true },
            _ => Kind::Crop { square: false },
        };
        let mut ignored = self.act();
        if let (Kind::Rotate { .. }, Some(number)) = (&kind, self.clause.number.take()) {
            self.clause.refused = true;
            ignored.push(format!("{text} {number}"));
            return ignored;
        }
        for (said, toward) in std::mem::take(&mut self.clause.towards) {
            if !kind.take(toward) {
                ignored.push(said);
            }
        }
        self.clause.action = Some(Action { text, kind });
        ignored
    }

    /// Reads a direction. Returns it if nothing uses it.
    pub fn toward(&mut self, text: String, toward: Toward) -> Option<String> {
        match &mut self.clause.action {
            Some(action) => (!action.kind.take(toward)).then_some(text),
            None if self.clause.refused => Some(text),
            None => {
                self.clause.towards.push((text, toward));
                None
            }
        }
    }

    /// Reads an unknown word. A number may be an unsupported angle. Returns
    /// what is to be reported.
    pub fn unknown(&mut self, text: String) -> Option<String> {
        if !text.starts_with(|first: char| first.is_ascii_digit()) {
            return Some(text);
        }
        match self.clause.action.take() {
            Some(Action {
                text: action,
                kind: Kind::Rotate { .. },
            }) => {
                self.clause.refused = true;
                Some(format!("{action} {text}"))
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
    pub fn take_back(&mut self, why: &str) -> Option<String> {
        let action = self.clause.action.take()?;
        Some(format!("{why} {}", action.text))
    }

    /// Ends a clause. Returns what was not used.
    pub fn stop(&mut self) -> Vec<String> {
        let mut ignored = self.act();
        let clause = std::mem::take(&mut self.clause);
        for (text, toward) in clause.towards {
            if toward == Toward::UpsideDown {
                self.turns.push(Turn::Half);
            } else {
                ignored.push(text);
            }
        }
        ignored.extend(clause.number);
        ignored
    }

    pub fn finish(self) -> Vec<Turn> {
        self.turns
    }

    fn act(&mut self) -> Vec<String> {
        let Some(action) = self.clause.action.take() else {
            return Vec::new();
        };
        let turn = match action.kind {
            Kind::Rotate { quarters: 2, .. } => Turn::Half,
            // Three quarters one way are one the other way.
            Kind::Rotate { quarters, left } if (quarters == 3) != left => Turn::Left,
            Kind::Rotate { .. } => Turn::Right,
            Kind::Flip { half: true, .. } => Turn::Half,
            Kind::Flip {
                vertically: true, ..
            } => Turn::Flip,
            Kind::Flip { .. } => Turn::Mirror,
            Kind::Crop { square: true } => Turn::Square,
            Kind::Crop { square: false } => return vec![action.text],
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
            (Self::Crop { square }, Toward::Square) => *square = true,
            _ => return false,
        }
        true
    }
}

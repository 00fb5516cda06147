//! What follows a word: some words mean something else before others.

use crate::words::Term;
use concept_refinement_vocabulary::Meaning;
use concept_refinement_vocabulary::Toward::{Left, Quarters, Right};

/// The words behind one, until the end of the prompt.
#[derive(Clone, Copy, Default)]
pub struct Ahead<'a>(pub &'a [Term]);

impl Ahead<'_> {
    /// Whether the background follows, but for words that say what it is like.
    pub fn is_background(self) -> bool {
        use Meaning::{Background, Change, Color};
        let is_like = |term: &&Term| matches!(term.meaning, Some(Color(_) | Change(_)));
        matches!(self.behind(is_like), (_, Some(Background)))
    }

    /// Whether a direction or an angle follows: "it by 45 degrees", "the logo to the left", but
    /// not "the left half".
    pub fn is_turn(self) -> bool {
        use Meaning::{By, Definite, Figure, Filler, Number, Toward, Whole};
        let is_between =
            |term: &&Term| matches!(term.meaning, Some(By | Definite | Filler | Whole));
        let (count, found) = self.behind(is_between);
        let mut rest = self.0.iter().skip(count.saturating_sub(1));
        let is_the = count > 0
            && rest
                .next()
                .is_some_and(|term| term.meaning == Some(Definite));
        let unit = rest.nth(1).map_or("", |term| term.text.as_str());
        match found {
            Some(Toward(Left | Right | Quarters(_))) => !is_the,
            Some(Number(_)) => unit.starts_with("degree"),
            found => matches!(found, Some(Figure(_))),
        }
    }

    /// Whether the clause ends behind a colour that follows, and what it is like.
    pub fn is_last_color(self) -> bool {
        let is_change = |term: &&Term| matches!(term.meaning, Some(Meaning::Change(_)));
        let (count, _) = self.behind(is_change);
        let behind = self.0.get(count + 1..).unwrap_or_default();
        self.is_color() && Ahead(behind).is_end()
    }

    /// Whether something follows that can be dropped: "(drop) the saturation", but not "a shadow".
    pub fn is_level(self) -> bool {
        const LEVELS: [&str; 3] = ["brightness", "contrast", "saturation"];
        matches!(self.0, [the, level, ..] if the.text == "the" && LEVELS.contains(&level.text.as_str()))
    }

    /// Whether the clause ends here.
    pub fn is_end(self) -> bool {
        let next = self.0.first();
        next.is_none_or(|term| matches!(term.meaning, Some(Meaning::Stop)))
    }

    /// Whether a colour follows, but for words that say what it is like.
    pub fn is_color(self) -> bool {
        let is_change = |term: &&Term| matches!(term.meaning, Some(Meaning::Change(_)));
        matches!(self.behind(is_change), (_, Some(Meaning::Color(_))))
    }

    /// Whether "half" compares: "half as bright", "half the brightness", and not "the top
    /// half".
    pub fn is_compared(self) -> bool {
        let is_between = |term: &&Term| matches!(term.text.as_str(), "as" | "of" | "the" | "its");
        let (between, noun) = self.behind(is_between);
        between > 0 && matches!(noun, Some(Meaning::Change(_) | Meaning::Scale(_)))
    }

    /// Whether a percentage is of what follows: "20% more contrast", "50% smaller".
    pub fn is_percent_of_next(self) -> bool {
        use Meaning::{Change, Enlarge, More, Pad, Resize, Reverse, Scale};
        let is_more = |term: &&Term| matches!(term.meaning, Some(More | Reverse));
        match self.behind(is_more) {
            (_, Some(Scale(_) | Enlarge | Resize | Pad)) => true,
            (skipped, Some(Change(_))) => skipped > 0,
            _ => false,
        }
    }

    /// Whether an amount follows a mark: "(by -20%)", ": low".
    pub fn is_amount(self, mark: &str) -> bool {
        let is_by = |term: &&Term| term.text == "by" || term.text == "to";
        match self.behind(is_by) {
            (_, Some(Meaning::Percent(_))) => true,
            (_, Some(Meaning::Reverse)) => mark == ":",
            _ => false,
        }
    }

    /// How many of the next words are of a kind, and what the one behind them means.
    fn behind(self, is_of_kind: impl Fn(&&Term) -> bool) -> (usize, Option<Meaning>) {
        let count = self.0.iter().take_while(is_of_kind).count();
        (count, self.0.get(count).and_then(|term| term.meaning))
    }
}

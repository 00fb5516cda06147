//! What follows a word: some words mean something else before others.

use crate::words::Term;
use concept_refinement_vocabulary::Toward::{Left, Quarters, Right};
use concept_refinement_vocabulary::{Meaning, Quality};

/// What has a number: "brightness +10".
pub const LEVELS: [&str; 3] = ["brightness", "contrast", "saturation"];

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

    /// Whether changes follow that something is true of.
    pub fn is_change(self, has: impl Fn(&[(Quality, f32)]) -> bool) -> bool {
        matches!(self.0, [next, ..] if matches!(next.meaning, Some(Meaning::Change(changes)) if has(changes)))
    }

    /// Whether space follows that is added around the picture, perhaps so much of it: "(white)
    /// 20px margin", "(white) coloured padding".
    pub fn is_pad(self) -> bool {
        use Meaning::{ColorWord, Figure, Number, Pad, Percent, Shade};
        let is_between = |term: &&Term| match term.meaning {
            Some(ColorWord | Figure(_) | Number(_) | Percent(_) | Shade) => true,
            _ => term.text.starts_with(|first: char| first.is_ascii_digit()) || term.text == "px",
        };
        matches!(self.behind(is_between), (_, Some(Pad)))
    }

    /// Whether the word is to become a colour: "(turn the margins) black", "to black".
    pub fn becomes_color(self) -> bool {
        let (count, _) = self.behind(|term| term.meaning == Some(Meaning::By));
        self.0
            .get(count..)
            .is_some_and(|rest| Ahead(rest).is_color())
    }

    /// Whether margins follow, but for words that say which: "(crop) away the extra white margins",
    /// but not "(crop it) with more padding" or "(remove) the watermark in the margin".
    pub fn is_margin(self) -> bool {
        use Meaning::{Color, Definite, Degree, Filler, Pad, Whole};
        let is_like = |term: &&Term| match (term.text.as_str(), term.meaning) {
            ("around" | "in", _) => false,
            ("away" | "excess" | "extra" | "off", _) => true,
            (_, meaning) => matches!(
                meaning,
                Some(Color(_) | Definite | Degree(_) | Filler | Whole)
            ),
        };
        matches!(self.behind(is_like), (_, Some(Pad)))
    }

    /// Whether the background's colour follows somewhere: "on black", "the background should be
    /// black", "a black background", but not "over the photo".
    pub fn has_ground(self) -> bool {
        use Meaning::{Background, By, Change, Color, Filler, On};
        let is_between = |term: &&Term| {
            matches!(term.meaning, Some(By | Change(_) | Filler)) || term.text == ":"
        };
        let is_ground = |place: usize| match self.0.get(place..) {
            Some([like, next, ..]) if matches!(like.meaning, Some(Color(_) | Change(_))) => {
                next.meaning == Some(Background)
            }
            Some([on, rest @ ..]) if matches!(on.meaning, Some(On | Background)) => {
                matches!(Ahead(rest).behind(is_between), (_, Some(Color(_))))
            }
            _ => false,
        };
        (0..self.0.len()).any(is_ground)
    }

    /// The colour that the word is to have: "(a shadow) in dark blue", "(make the shadow) blue",
    /// but not "(add a shadow) to a blue logo".
    pub fn own_color(self) -> Option<u32> {
        let is_between = |term: &&Term| {
            let is_link = matches!(term.text.as_str(), "a" | "in" | "is" | "should be" | "to");
            is_link || matches!(term.meaning, Some(Meaning::Change(_)))
        };
        let (count, next) = self.behind(is_between);
        let (before, rest) = self.0.split_at_checked(count)?;
        let is_other = before.iter().any(|term| term.text == "to") && !Ahead(rest).is_last_color();
        match next {
            Some(Meaning::Color(color)) if !is_other => Some(color),
            _ => None,
        }
    }

    /// Whether the clause goes on with a direction or an angle alone: "it by 45 degrees", "the
    /// logo to the left", but not "it into a left-aligned logo".
    pub fn is_turn(self) -> bool {
        use Meaning::{By, Definite, Degree, Figure, Filler, Number, Stop, Toward, Whole};
        let is_angle = |term: &Term| {
            matches!(term.meaning, Some(Toward(Left | Right | Quarters(_))))
                || term.text.starts_with("degree")
        };
        let is_between = |term: &Term| {
            let meaning = term.meaning;
            matches!(meaning, Some(By | Definite | Degree(_) | Filler | Whole))
                || matches!(meaning, Some(Figure(_) | Number(_)))
                || is_angle(term)
        };
        let mut clauses = self.0.split(|term| term.meaning == Some(Stop));
        let clause = clauses.next().unwrap_or_default();
        clause.last().is_some_and(is_angle) && clause.iter().all(is_between)
    }

    /// Whether the clause ends behind a colour that follows, and what it is like.
    pub fn is_last_color(self) -> bool {
        self.behind_color().is_some_and(Self::is_end)
    }

    /// Whether two colours follow, one behind the other: "navy and gold", but not "black, make".
    pub fn are_colors(self) -> bool {
        let is_other = |rest: Self| {
            matches!(rest.0, [and, rest @ ..]
                if and.meaning == Some(Meaning::Stop) && Ahead(rest).is_color())
        };
        self.behind_color().is_some_and(is_other)
    }

    /// What "drop" asks for: less of "the saturation", without "the white", but nothing of "a
    /// shadow".
    pub fn dropped(self) -> Option<Meaning> {
        use Meaning::{Background, Color, Remove, Reverse};
        match self.0 {
            [the, ..] if the.text != "the" => None,
            [_, level, ..] if LEVELS.contains(&level.text.as_str()) => Some(Reverse),
            [_, noun, ..] if matches!(noun.meaning, Some(Background | Color(_))) => Some(Remove),
            _ => None,
        }
    }

    /// What "leave" asks for: to keep "the red alone", to be without "the red out", and otherwise
    /// for what follows: "some padding".
    pub fn left(self) -> Meaning {
        use Meaning::{Color, Definite, Filler, Keep, Remove, Stop};
        let mut clause = self.0.split(|term| term.meaning == Some(Stop));
        let clause = clause.next().unwrap_or_default();
        match clause {
            [.., out] if out.text == "out" => Remove,
            [next, ..] if next.meaning == Some(Definite) => Keep,
            [next, ..] if matches!(next.meaning, Some(Color(_))) && !self.is_margin() => Keep,
            _ => Filler,
        }
    }

    /// Whether the clause ends here.
    pub fn is_end(self) -> bool {
        let next = self.0.first();
        next.is_none_or(|term| matches!(term.meaning, Some(Meaning::Stop)))
    }

    /// Whether "to" follows, or a similar word.
    pub fn is_by(self) -> bool {
        matches!(self.0, [next, ..] if next.meaning == Some(Meaning::By))
    }

    /// Whether a colour follows, but for words that say what it is like.
    pub fn is_color(self) -> bool {
        self.behind_color().is_some()
    }

    /// The words behind such a colour.
    fn behind_color(self) -> Option<Self> {
        let is_change = |term: &&Term| matches!(term.meaning, Some(Meaning::Change(_)));
        let (count, next) = self.behind(is_change);
        let Some(Meaning::Color(_)) = next else {
            return None;
        };
        self.0.get(count + 1..).map(Self)
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

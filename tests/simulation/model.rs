//! A model that answers well, slowly, with an error or not at all.

use std::time::Duration;

use crate::random::Random;

pub enum Mood {
    Answers(Duration),
    Unavailable(Option<Duration>),
    Refuses,
    Hangs,
}

impl Mood {
    /// Long enough for a lease to be renewed.
    pub const STEADY: Self = Self::Answers(Duration::from_secs(15));

    pub fn drawn(random: &Random, is_moody: bool) -> Self {
        if !is_moody {
            return Self::Answers(random.millis(100, 5_000));
        }
        match random.below(100) {
            0..64 => Self::Answers(random.millis(10, 15_000)),
            64..74 => Self::Answers(random.seconds(15, 100)),
            74..86 => Self::Unavailable(None),
            86..92 => Self::Unavailable(Some(random.seconds(1, 400))),
            92..95 => Self::Refuses,
            _ => Self::Hangs,
        }
    }
}

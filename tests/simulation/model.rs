//! A model that answers well, slowly, with an error or not at all. Its provider is paid for
//! what it makes, and names it.

use std::time::Duration;

use crate::random::Random;

/// What its receipts go by.
pub const LINK: &str = "simulated";

pub enum Mood {
    Answers(Duration),
    /// Not accepted.
    Unavailable(Option<Duration>),
    /// Perhaps accepted.
    Breaks,
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
            74..82 => Self::Unavailable(None),
            82..86 => Self::Breaks,
            86..92 => Self::Unavailable(Some(random.seconds(1, 400))),
            92..95 => Self::Refuses,
            _ => Self::Hangs,
        }
    }
}

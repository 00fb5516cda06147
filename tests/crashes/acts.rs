//! What users do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use concept_refinement_tests::pictures::{self, Picture};
use image::RgbImage;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};

/// One refinement from its original to what the user does with it.
#[derive(Clone, Debug)]
pub struct Act {
    pub original: Original,
    pub picture: Size,
    pub prompt: String,
    pub then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    Uploaded,
    Elsewhere,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    Small,
    /// It is written to the disk in several pieces.
    Large,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Waits until it is finished.
    Wait,
    /// Deletes the task after a moment, whatever its state.
    DeleteTask(Duration),
    /// Cancels the task after a moment, if it has not ended.
    CancelTask(Duration),
    /// Waits, and deletes the concept.
    DeleteConcept,
    /// Waits, and erases itself.
    Erase,
    /// Waits, and looks at it in every way.
    Look,
}

/// As the model is told to refuse, and why.
pub const REFUSE: &str = "refuse: not this one";

impl Act {
    /// The plainest.
    pub fn refine(prompt: &str) -> Self {
        Self {
            original: Original::Elsewhere,
            picture: Size::Small,
            prompt: prompt.to_owned(),
            then: Then::Wait,
        }
    }

    pub fn then(self, then: Then) -> Self {
        Self { then, ..self }
    }

    pub fn uploaded(self) -> Self {
        Self {
            original: Original::Uploaded,
            ..self
        }
    }

    pub fn large(self) -> Self {
        Self {
            picture: Size::Large,
            ..self
        }
    }

    /// Any.
    pub fn random(random: &mut StdRng) -> Self {
        let milliseconds = random.random_range(0..60);
        let moment = Duration::from_millis(milliseconds);
        let act = match random.random_range(0..100) {
            0..40 => Self::refine("echo it"),
            40..55 => Self::refine(&format!("wait {milliseconds}ms")),
            55..60 => Self::refine(REFUSE),
            60..65 => Self::refine("wait 40ms").then(Then::CancelTask(moment)),
            65..77 => Self::refine("wait 40ms").then(Then::DeleteTask(moment)),
            77..88 => Self::refine("echo it").then(Then::DeleteConcept),
            88..90 => Self::refine("echo it").then(Then::Erase),
            _ => Self::refine("echo it").then(Then::Look),
        };
        let act = match random.random_range(0..10) {
            0 => act.large(),
            _ => act,
        };
        match random.random() {
            true => act.uploaded(),
            false => act,
        }
    }
}

impl Size {
    /// A picture of this size that no other is like.
    pub fn draw(self) -> Picture {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let side = match self {
            Self::Small => 8,
            Self::Large => 500,
        };
        let mut random = StdRng::seed_from_u64(COUNT.fetch_add(1, Ordering::Relaxed));
        let mut image = RgbImage::new(side, side);
        random.fill_bytes(&mut image);
        pictures::png_of(&image.into())
    }
}

//! All that is left to chance, from one seed.

use std::cell::RefCell;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

pub struct Random(RefCell<StdRng>);

impl Random {
    /// Each purpose draws from a line of its own, so that one more draw of the
    /// one does not change what the others see.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mixed = seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(RefCell::new(StdRng::seed_from_u64(mixed)))
    }

    pub fn chance(&self, probability: f64) -> bool {
        self.0.borrow_mut().random_bool(probability)
    }

    /// Evenly distributed in 0..1.
    pub fn share(&self) -> f64 {
        self.0.borrow_mut().random()
    }

    pub fn below(&self, end: usize) -> usize {
        self.0.borrow_mut().random_range(0..end)
    }

    pub fn among<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    pub fn between(&self, least: Duration, most: Duration) -> Duration {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap();
        let drawn = self
            .0
            .borrow_mut()
            .random_range(micros(least)..=micros(most));
        Duration::from_micros(drawn)
    }

    pub fn seconds(&self, least: u64, most: u64) -> Duration {
        self.between(Duration::from_secs(least), Duration::from_secs(most))
    }

    pub fn millis(&self, least: u64, most: u64) -> Duration {
        self.between(Duration::from_millis(least), Duration::from_millis(most))
    }
}

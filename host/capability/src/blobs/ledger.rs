//! Which blob may have how much of the room. A pure rule; [`super::reservation`]
//! applies it.
//!
//! Nobody waits who holds a part of what another waits for:
//!
//! - An original never waits: it is refused where there is no room at the moment. Of
//!   what it needs it may take more and more. Originals have half of the room at most,
//!   since they wait for answers.
//! - An answer has room for all of it at once, and waits for that in the order of its
//!   arrival. One that fits passes those before it as long as what passed each of them is
//!   together no more than that one waits for: small answers are quick beside large ones,
//!   and delay none for ever.

use std::collections::VecDeque;

use super::Purpose;

/// Ages in the order of arrival.
pub type Age = u64;

/// The room of all blobs, in a unit that the rule does not know.
#[derive(Debug)]
pub struct Ledger {
    total: u64,
    free: u64,
    /// What originals have, of half of it.
    originals: u64,
    waiters: VecDeque<Waiting>,
    next: Age,
}

#[derive(Debug)]
struct Waiting {
    age: Age,
    wants: u64,
    /// By how much it was passed.
    passed: u64,
}

/// Why there is no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is at another time.
    Now,
    /// There never is as much.
    Ever,
}

impl Ledger {
    /// With so much room, in bytes.
    pub fn new(total: u64) -> Self {
        Self {
            total,
            free: total,
            originals: 0,
            waiters: VecDeque::new(),
            next: 0,
        }
    }

    /// Gives an original room, or more of it.
    pub fn original(&mut self, wants: u64) -> Result<(), Refused> {
        let share = self.total / 2;
        if wants > share {
            return Err(Refused::Ever);
        }
        if wants > self.free || wants > share - self.originals {
            return Err(Refused::Now);
        }
        self.originals += wants;
        self.free -= wants;
        Ok(())
    }

    /// Lets an answer wait for its room; [`Ledger::advance`] says when it has it.
    pub fn wait(&mut self, wants: u64) -> Result<Age, Refused> {
        if wants > self.total {
            return Err(Refused::Ever);
        }
        let age = self.next;
        self.next += 1;
        self.waiters.push_back(Waiting {
            age,
            wants,
            passed: 0,
        });
        Ok(age)
    }

    /// One waits no more. False: it did not wait.
    pub fn leave(&mut self, age: Age) -> bool {
        let before = self.waiters.len();
        self.waiters.retain(|waiting| waiting.age != age);
        self.waiters.len() < before
    }

    /// Gives room to those who wait, as far as there is any, and names them with what
    /// each has.
    pub fn advance(&mut self) -> Vec<(Age, u64)> {
        let mut admitted = Vec::new();
        let mut index = 0;
        // By how much those before may be passed yet.
        let mut tolerance = u64::MAX;
        while let Some(waiting) = self.waiters.get(index) {
            let (age, wants) = (waiting.age, waiting.wants);
            if wants > self.free || wants > tolerance {
                tolerance = tolerance.min(wants - waiting.passed);
                index += 1;
                continue;
            }
            self.free -= wants;
            self.waiters.remove(index);
            for passed in self.waiters.range_mut(..index) {
                passed.passed += wants;
            }
            tolerance = match index {
                0 => u64::MAX,
                _ => tolerance - wants,
            };
            admitted.push((age, wants));
        }
        admitted
    }

    /// Takes back what one had, or a part of it.
    pub fn give_back(&mut self, purpose: Purpose, room: u64) {
        self.free += room;
        if purpose == Purpose::Original {
            self.originals -= room;
        }
    }

    #[cfg(test)]
    pub fn free(&self) -> u64 {
        self.free
    }
}

#[cfg(test)]
mod tests;

//! The rule that decides which blob gets how much space. Pure logic;
//! [`super::reservation`] applies it.
//!
//! There are no deadlocks, since no blob waits while it holds space that another waits
//! for:
//!
//! - An original never waits: it is refused if there is no space at the moment. It may
//!   reserve more step by step. Originals get at most half of the space, since a task
//!   holds its original while it waits for space for the answer.
//! - An answer reserves all that it needs at once, and waits for that in the order of
//!   arrival. A smaller answer that fits may overtake earlier ones, as long as the
//!   answers that have overtaken one of them do not add up to more than it needs
//!   itself. So small answers are fast, and none delays a large one for ever.

use std::collections::VecDeque;

use super::Purpose;

/// Identifies a waiting answer; ascending in the order of arrival.
pub type Age = u64;

/// The space of all blobs, in a unit that this rule need not know. `W` gets the space for an
/// answer.
#[derive(Debug)]
pub struct SpaceAccounting<W> {
    total: u64,
    free: u64,
    /// Space held by originals; at most half of the total.
    originals: u64,
    waiters: VecDeque<Waiting<W>>,
    next: Age,
}

#[derive(Debug)]
struct Waiting<W> {
    waiter: W,
    age: Age,
    wants: u64,
    /// How much space has gone to answers that overtook this one.
    passed: u64,
}

/// Why no space was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There may be space later.
    Now,
    /// The request exceeds the total.
    Ever,
}

impl<W> SpaceAccounting<W> {
    /// `total`: all the space there is.
    pub fn new(total: u64) -> Self {
        Self {
            total,
            free: total,
            originals: 0,
            waiters: VecDeque::new(),
            next: 0,
        }
    }

    /// Grants an original its space, or more of it.
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

    /// Queues an answer; [`SpaceAccounting::advance`] says when it gets its space.
    pub fn wait(&mut self, wants: u64, waiter: W) -> Result<Age, Refused> {
        if wants > self.total {
            return Err(Refused::Ever);
        }
        let age = self.next;
        self.next += 1;
        self.waiters.push_back(Waiting {
            waiter,
            age,
            wants,
            passed: 0,
        });
        Ok(age)
    }

    /// Removes an answer from the queue. False: it was not in the queue.
    pub fn leave(&mut self, age: Age) -> bool {
        let before = self.waiters.len();
        self.waiters.retain(|waiting| waiting.age != age);
        self.waiters.len() < before
    }

    /// Grants space to queued answers as far as there is any, and returns which of them
    /// got how much.
    pub fn advance(&mut self) -> Vec<(W, u64)> {
        let mut admitted = Vec::new();
        let mut index = 0;
        // How many units may still overtake the answers before this one.
        let mut tolerance = u64::MAX;
        while let Some(waiting) = self.waiters.get(index) {
            let wants = waiting.wants;
            if wants > self.free || wants > tolerance {
                tolerance = tolerance.min(wants - waiting.passed);
                index += 1;
                continue;
            }
            self.free -= wants;
            let waiting = self.waiters.remove(index);
            admitted.extend(waiting.map(|waiting| (waiting.waiter, wants)));
            for passed in self.waiters.range_mut(..index) {
                passed.passed += wants;
            }
            tolerance = match index {
                0 => u64::MAX,
                _ => tolerance - wants,
            };
        }
        admitted
    }

    /// Takes back all or a part of a blob's space.
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

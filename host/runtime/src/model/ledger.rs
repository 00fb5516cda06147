//! Which call of a model may have how much of the memory that there is for all of
//! them. A pure rule; [`super::memory`] applies it.
//!
//! A call that has memory never waits for more, so calls cannot wait for each
//! other. What does not fit ends an instance, and its call is tried again:
//!
//! - The oldest call is never ended for memory. It gets what it asks for, up to
//!   the limit of one instance, in place of the youngest.
//! - Any other call is itself the one that is ended, unless there is one that costs less:
//!   a call that has answered ends one that has not, and one that has asked its provider
//!   ends one that has not, since asking again may mean paying again. Among those that
//!   end for the oldest one, too, the cheap ones end first.
//! - The instances of one call count together, and have the limit of one instance
//!   together: a middleware, and the model that it waits for. So no call that has memory
//!   waits for one that waits for memory.
//! - A call keeps its age when it is tried again, so each becomes the oldest. One
//!   that has answered cannot be tried again by itself: its task is.

use std::collections::BTreeMap;

/// An instance that begins with no more than this, and has not grown beyond it,
/// counts as [`SMALL`]: it touches little of that while it waits. What it may
/// have beyond that is part of what an instance costs besides its memories.
const UNTOUCHED: u64 = 8 << 20;

/// What such an instance counts as, in bytes. One that waits for a provider was
/// measured at less.
pub const SMALL: u64 = 512 << 10;

/// Ages in the order of arrival.
pub type Age = u64;

/// The memory of all calls that run.
pub struct Ledger {
    total: u64,
    each: u64,
    in_use: u64,
    running: BTreeMap<Age, Share>,
}

/// What one call has.
#[derive(Default)]
struct Share {
    /// Set aside for it, in bytes.
    reserved: u64,
    /// The memories of its instance, in bytes.
    grown: u64,
    /// What the instances count as that it waits for, in bytes.
    inner: u64,
    /// What it would have had, if it is to end.
    wanted: u64,
    cost: Cost,
    is_ending: bool,
}

/// What ending a call would cost, the least first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// It has asked nobody.
    #[default]
    Time,
    /// Its provider was perhaps asked for work, and would be asked again.
    Request,
    /// Its answer has begun.
    Answer,
}

impl Cost {
    const ALL: [Self; 3] = [Self::Time, Self::Request, Self::Answer];
}

impl Share {
    fn charge(&self) -> u64 {
        self.reserved
            .max(charge(self.grown).saturating_add(self.inner))
    }
}

/// How much of an instance's memories counts.
pub fn charge(bytes: u64) -> u64 {
    if is_small(bytes) { SMALL } else { bytes }
}

/// Whether an instance with so many bytes is one that may only wait.
pub fn is_small(bytes: u64) -> bool {
    bytes <= UNTOUCHED
}

/// There is no room for it: the call that asked is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// What counts of a call: that of one of its instances became another.
#[derive(Clone, Copy, Debug)]
enum Growth {
    /// The memories of its instance, in bytes.
    Own(u64),
    /// What all others count as, in bytes.
    Inner(u64),
}

impl Ledger {
    /// `total` is for all, `each` the most that one may have, which is always
    /// there. Both are in bytes.
    pub fn new(total: u64, each: u64) -> Self {
        Self {
            total: total.max(each).max(SMALL),
            each,
            in_use: 0,
            running: BTreeMap::new(),
        }
    }

    /// In bytes.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// In bytes, those included that are about to end.
    pub fn in_use(&self) -> u64 {
        self.in_use
    }

    /// What may be set aside for a call that is expected to need so much.
    pub fn need(&self, expected: u64) -> u64 {
        expected.min(self.each).max(SMALL)
    }

    /// Begins a call, if what it needs is there.
    pub fn admit(&mut self, age: Age, need: u64) -> bool {
        let in_use = self.in_use.saturating_add(need);
        let fits = self.running.is_empty() || in_use <= self.total;
        if fits {
            self.in_use = in_use;
            let share = Share {
                reserved: need,
                wanted: need,
                ..Share::default()
            };
            self.running.insert(age, share);
        }
        fits
    }

    /// Lets the memories of a call's instance have so many bytes, within the
    /// limit of one instance. Answers which calls end for that.
    pub fn grow(&mut self, age: Age, bytes: u64) -> Result<Vec<Age>, Refused> {
        self.set(age, Growth::Own(bytes))
    }

    /// The same for an instance that the one of the call waits for. It counted as
    /// `before`, and is to count as `after`, both in bytes.
    pub fn grow_inner(&mut self, age: Age, before: u64, after: u64) -> Result<Vec<Age>, Refused> {
        let inner = self.running.get(&age).map_or(0, |share| share.inner);
        let inner = inner.saturating_sub(before).saturating_add(after);
        self.set(age, Growth::Inner(inner))
    }

    /// Whether the instance of a call may have so many bytes, beside those that it
    /// waits for.
    pub fn may_have(&self, age: Age, bytes: u64) -> bool {
        let inner = self.running.get(&age).map_or(0, |share| share.inner);
        inner == 0 || charge(bytes).saturating_add(inner) <= self.most()
    }

    /// The same for one that it waits for, which counted as `before` and is to count as
    /// `after`.
    pub fn may_have_inner(&self, age: Age, before: u64, after: u64) -> bool {
        let Some(share) = self.running.get(&age) else {
            return true;
        };
        let inner = share.inner.saturating_sub(before).saturating_add(after);
        charge(share.grown).saturating_add(inner) <= self.most()
    }

    /// What of the limit of one instance those of a call have left, in bytes.
    pub fn left(&self, age: Age) -> u64 {
        let used = self.running.get(&age).map_or(0, |share| {
            charge(share.grown).max(SMALL).saturating_add(share.inner)
        });
        self.most().saturating_sub(used)
    }

    /// What the instances of one call may have together, in bytes.
    fn most(&self) -> u64 {
        self.each.max(SMALL)
    }

    fn set(&mut self, age: Age, growth: Growth) -> Result<Vec<Age>, Refused> {
        let Some(share) = self.running.get_mut(&age) else {
            return Err(Refused);
        };
        let (grown, inner) = match growth {
            Growth::Own(grown) => (grown, share.inner),
            Growth::Inner(inner) => (share.grown, inner),
        };
        let before = share.charge();
        let after = share.reserved.max(charge(grown).saturating_add(inner));
        let in_use = self.in_use.saturating_sub(before).saturating_add(after);
        let ended = if in_use <= self.total || after == before {
            Some(Vec::new())
        } else {
            let cost = share.cost;
            self.ended_for(age, cost, in_use)
        };
        let Some(share) = self.running.get_mut(&age).filter(|share| !share.is_ending) else {
            return Err(Refused);
        };
        let Some(ended) = ended else {
            share.is_ending = true;
            share.wanted = after;
            return Err(Refused);
        };
        share.grown = grown;
        share.inner = inner;
        self.in_use = in_use;
        for age in &ended {
            if let Some(share) = self.running.get_mut(age) {
                share.is_ending = true;
                share.wanted = share.charge();
            }
        }
        Ok(ended)
    }

    /// An instance that counted as so many bytes has ended, and its call has not.
    pub fn end_inner(&mut self, age: Age, counted: u64) {
        if let Some(share) = self.running.get_mut(&age) {
            let before = share.charge();
            share.inner = share.inner.saturating_sub(counted);
            let freed = before.saturating_sub(share.charge());
            self.in_use = self.in_use.saturating_sub(freed);
        }
    }

    /// To end a call costs so much from now on.
    pub fn costs(&mut self, age: Age, cost: Cost) {
        if let Some(share) = self.running.get_mut(&age) {
            share.cost = share.cost.max(cost);
        }
    }

    /// Ends a call, whose memory is free. Answers what it will need if it is
    /// tried again.
    pub fn leave(&mut self, age: Age) -> u64 {
        let Some(share) = self.running.remove(&age) else {
            return SMALL;
        };
        self.in_use = self.in_use.saturating_sub(share.charge());
        self.need(share.wanted)
    }

    fn oldest(&self) -> Option<Age> {
        let mut staying = self.running.iter().filter(|(_, share)| !share.is_ending);
        staying.next().map(|(age, _)| *age)
    }

    /// Which calls have to end so that no more than the total stays in use. None:
    /// it would take such as may not be ended.
    fn ended_for(&self, age: Age, cost: Cost, in_use: u64) -> Option<Vec<Age>> {
        let oldest = self.oldest();
        let is_oldest = oldest == Some(age);
        if !is_oldest && cost == Cost::Time {
            return None;
        }
        let ending = self.running.values().filter(|share| share.is_ending);
        let leaving: u64 = ending.map(Share::charge).sum();
        let mut excess = in_use.saturating_sub(leaving).saturating_sub(self.total);
        let mut ended = Vec::new();
        for cheapest in Cost::ALL {
            for (other, share) in self.running.iter().rev() {
                if excess == 0 {
                    return Some(ended);
                }
                let is_meant = share.cost == cheapest && !share.is_ending;
                let may_end = is_oldest || (cheapest < cost && oldest != Some(*other));
                if *other != age && may_end && is_meant {
                    excess = excess.saturating_sub(share.charge());
                    ended.push(*other);
                }
            }
        }
        (excess == 0).then_some(ended)
    }
}

#[cfg(test)]
mod tests;

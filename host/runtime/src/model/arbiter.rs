//! The rule for sharing memory among model calls. Pure logic; [`super::memory`] applies
//! it.
//!
//! A call that has memory never waits for more, so there are no deadlocks. If growth does
//! not fit, an instance is ended instead, and its call is tried again:
//!
//! - The oldest call is never ended for memory. It gets what it requests, up to the limit
//!   of one instance, at the expense of the youngest calls.
//! - Any other call that does not fit is itself ended, unless there is a cheaper one to
//!   end: a call that has answered may end one that has not, and a call that has sent a
//!   request to its provider may end one that has not, because repeating it may mean
//!   paying again. Calls that end for the oldest one are also chosen from the cheapest
//!   first.
//! - The instances of one call (a middleware, and the model that it waits for) count
//!   together, and share the limit of one instance. So no call that has memory waits for
//!   one that waits for memory.
//! - A call keeps its age when it is tried again, so each becomes the oldest at some
//!   time. A call that has already answered cannot be tried again here: its whole task
//!   is.

use std::collections::BTreeMap;

/// An instance that starts with no more than this, and has not grown beyond it, counts as
/// [`SMALL`]: it touches little of that memory while it waits. What it may touch beyond
/// [`SMALL`] counts as part of the fixed cost of an instance.
const UNTOUCHED: u64 = 8 << 20;

/// The charge of such an instance, in bytes. One that waits for a provider was measured
/// to use less.
pub const SMALL: u64 = 512 << 10;

/// Identifies a call; ascending in the order of arrival.
pub type Age = u64;

/// The memory of all running calls.
pub struct MemoryArbiter {
    total: u64,
    each: u64,
    in_use: u64,
    running: BTreeMap<Age, Share>,
}

/// The memory of one call.
#[derive(Default)]
struct Share {
    /// Reserved for it, in bytes.
    reserved: u64,
    /// Size of its instance's memories, in bytes.
    grown: u64,
    /// The charge of the instances that it waits for, in bytes.
    inner: u64,
    /// If it is ending: the bytes that it requested.
    wanted: u64,
    cost: Cost,
    is_ending: bool,
}

/// The cost of ending a call, the cheapest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cost {
    /// Only time: it has sent no request to a provider.
    #[default]
    Time,
    /// A request to its provider, which may have been accepted, and would be sent again.
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

/// The charge of an instance with memories of this size.
pub fn charge(bytes: u64) -> u64 {
    if is_small(bytes) { SMALL } else { bytes }
}

/// Whether an instance with this many bytes counts as one that only waits.
pub fn is_small(bytes: u64) -> bool {
    bytes <= UNTOUCHED
}

/// There is not enough memory: the requesting call has to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// A change in the memory of a call.
#[derive(Clone, Copy, Debug)]
enum Growth {
    /// New size of its instance's memories, in bytes.
    Own(u64),
    /// New charge of the instances that it waits for, in bytes.
    Inner(u64),
}

impl MemoryArbiter {
    /// `total`: limit for all calls. `each`: limit of one instance, which the oldest call
    /// can always get. Both in bytes.
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

    /// In bytes, including calls that are about to end.
    pub fn in_use(&self) -> u64 {
        self.in_use
    }

    /// The reservation for a call that is expected to need this much.
    pub fn need(&self, expected: u64) -> u64 {
        expected.min(self.each).max(SMALL)
    }

    /// Starts a call, if there is enough memory for it.
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

    /// Lets the memories of a call's instance grow to this size, within the limit of one
    /// instance. Returns the calls that have to end for that.
    pub fn grow(&mut self, age: Age, bytes: u64) -> Result<Vec<Age>, Refused> {
        self.set(age, Growth::Own(bytes))
    }

    /// The same for an instance that the call waits for. It counted as `before` so far,
    /// and will count as `after`, both in bytes.
    pub fn grow_inner(&mut self, age: Age, before: u64, after: u64) -> Result<Vec<Age>, Refused> {
        let inner = self.running.get(&age).map_or(0, |share| share.inner);
        let inner = inner.saturating_sub(before).saturating_add(after);
        self.set(age, Growth::Inner(inner))
    }

    /// Whether a call's instance may have this many bytes in addition to the instances
    /// that it waits for.
    pub fn may_have(&self, age: Age, bytes: u64) -> bool {
        let inner = self.running.get(&age).map_or(0, |share| share.inner);
        inner == 0 || charge(bytes).saturating_add(inner) <= self.most()
    }

    /// The same for an instance that the call waits for, which counted as `before` and
    /// would count as `after`.
    pub fn may_have_inner(&self, age: Age, before: u64, after: u64) -> bool {
        let Some(share) = self.running.get(&age) else {
            return true;
        };
        let inner = share.inner.saturating_sub(before).saturating_add(after);
        charge(share.grown).saturating_add(inner) <= self.most()
    }

    /// Bytes left of a call's limit.
    pub fn left(&self, age: Age) -> u64 {
        let used = self.running.get(&age).map_or(0, |share| {
            charge(share.grown).max(SMALL).saturating_add(share.inner)
        });
        self.most().saturating_sub(used)
    }

    /// The limit of one call's instances together, in bytes.
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

    /// An instance that the call waited for and that counted as `counted` bytes has
    /// ended.
    pub fn end_inner(&mut self, age: Age, counted: u64) {
        if let Some(share) = self.running.get_mut(&age) {
            let before = share.charge();
            share.inner = share.inner.saturating_sub(counted);
            let freed = before.saturating_sub(share.charge());
            self.in_use = self.in_use.saturating_sub(freed);
        }
    }

    /// Sets the cost of ending a call.
    pub fn costs(&mut self, age: Age, cost: Cost) {
        if let Some(share) = self.running.get_mut(&age) {
            share.cost = share.cost.max(cost);
        }
    }

    /// Ends a call and frees its memory. Returns what it needs if it is tried again.
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

    /// Which calls have to end so that the use stays within the total. None: that would
    /// take calls that must not be ended.
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

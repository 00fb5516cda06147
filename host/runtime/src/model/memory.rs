//! Memory for the instances of all models, as permits that their calls hold.
//!
//! A call that has memory never waits for more, so there are no deadlocks, and nothing is
//! taken from it. An instance that grows beyond what its call holds gets what is free. If
//! that is too little, its call ends and is made again with twice as much set aside, ahead
//! of new calls: with the limit of one call in the end, which it cannot exceed. So each
//! call is put off a few times at most.
//!
//! The instances of one call (a middleware, and the model that it waits for) count
//! together, and share the limit of one call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use concept_refinement_capability::model::MemoryUse;
use parking_lot::Mutex;
use tokio::sync::{Mutex as Turn, oneshot, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::wasm::sandbox::NoRoom;

/// An instance that starts with no more than this, and has not grown beyond it, counts as
/// [`SMALL`]: it touches little of that memory while it waits. What it may touch beyond
/// [`SMALL`] counts as part of the fixed cost of an instance.
const UNTOUCHED: u64 = 8 << 20;

/// What such an instance counts as, in bytes. One that waits for a provider was measured
/// to use less.
const SMALL: u64 = 512 << 10;

/// Shared by all calls of all models of a host.
pub struct ModelMemory {
    /// The limit of all calls, in bytes.
    total: u64,
    /// The limit of one call, in bytes.
    each: u64,
    in_use: watch::Sender<u64>,
    /// New calls wait here in the order of arrival, and only the first of them also for
    /// `next`.
    arrived: Turn<()>,
    /// The call that gets memory next.
    next: Turn<()>,
    put_off: AtomicU64,
}

/// The need of the next try of a call, in bytes.
type Need = Arc<AtomicU64>;

/// The outcome of one try of a call.
pub enum Try<T> {
    /// It has this answer.
    Answered(T),
    /// It was ended for lack of memory.
    PutOff,
}

/// A call's place in the queue for memory, for all its tries.
pub struct Ticket {
    memory: Arc<ModelMemory>,
    need: Need,
    is_new: bool,
}

/// Memory for one try of a call, given back when dropped.
pub struct Admitted {
    memory: Arc<ModelMemory>,
    need: Need,
    /// What it holds at least, in bytes.
    reserved: u64,
    /// What its instances count as, in bytes.
    counted: Mutex<u64>,
    end: CancellationToken,
    has_answered: AtomicBool,
}

/// Meters the memories of one instance of a call.
pub struct Meter {
    call: Arc<Admitted>,
    /// What it counts as at least, in bytes.
    reserved: u64,
    /// What it counts as, in bytes.
    counted: AtomicU64,
}

impl ModelMemory {
    /// `total`: limit for all instances. `each`: limit of one call, which is never more
    /// than the total. Both in bytes.
    pub fn new(total: u64, each: u64) -> Arc<Self> {
        let each = each.max(SMALL);
        Arc::new(Self {
            total: total.max(each),
            each,
            in_use: watch::Sender::new(0),
            arrived: Turn::default(),
            next: Turn::default(),
            put_off: AtomicU64::new(0),
        })
    }

    /// The current use.
    pub fn in_use(&self) -> MemoryUse {
        MemoryUse {
            bytes: *self.in_use.borrow(),
            limit: self.total,
            put_off: self.put_off.load(Ordering::Relaxed),
        }
    }

    /// Queues a call behind all earlier ones. `expected`: what its instance will
    /// need, in bytes.
    pub fn ticket(self: &Arc<Self>, expected: u64) -> Ticket {
        Ticket {
            memory: Arc::clone(self),
            need: Arc::new(self.need(expected).into()),
            is_new: true,
        }
    }

    /// The reservation for a call that is expected to need this much.
    fn need(&self, expected: u64) -> u64 {
        expected.clamp(SMALL, self.each)
    }

    /// Replaces what a call holds, if there is enough for that.
    fn replace(&self, before: u64, after: u64) -> bool {
        if before == after {
            return true;
        }
        self.in_use.send_if_modified(|in_use| {
            let replaced = in_use.saturating_sub(before).saturating_add(after);
            let fits = replaced <= self.total;
            if fits {
                *in_use = replaced;
            }
            fits
        })
    }
}

impl Ticket {
    /// Tries a call until it has an answer, which comes with its last try. `spawn` begins a try.
    /// None: the try was dropped without an answer, at shutdown.
    pub async fn answer<T>(
        &mut self,
        spawn: impl Fn(Arc<Admitted>, oneshot::Sender<Try<T>>) -> AbortOnDropHandle<()>,
    ) -> Option<(T, AbortOnDropHandle<()>)> {
        loop {
            let admitted = Arc::new(self.admitted().await);
            let (sender, answer) = oneshot::channel();
            let running = spawn(admitted, sender);
            match answer.await.ok()? {
                Try::Answered(answer) => return Some((answer, running)),
                Try::PutOff => {}
            }
        }
    }

    /// Waits until there is memory for the next try.
    pub(super) async fn admitted(&mut self) -> Admitted {
        let memory = &self.memory;
        let _arrived = match self.is_new {
            true => Some(memory.arrived.lock().await),
            false => None,
        };
        let _next = memory.next.lock().await;
        let reserved = self.need.load(Ordering::Relaxed);
        let mut in_use = memory.in_use.subscribe();
        while !memory.replace(0, reserved) {
            // Its sender is never gone.
            let _ = in_use.changed().await;
        }
        self.is_new = false;
        Admitted {
            memory: Arc::clone(memory),
            need: Arc::clone(&self.need),
            reserved,
            counted: Mutex::default(),
            end: CancellationToken::new(),
            has_answered: AtomicBool::new(false),
        }
    }
}

impl Admitted {
    /// The meter that is asked before the memories of the call's own instance grow.
    pub fn meter(self: &Arc<Self>) -> Meter {
        self.meter_from(0)
    }

    /// The meter of one more instance, which the call's own instance waits for, and for
    /// which `expected` bytes are reserved. None: there is not enough memory, and the
    /// call has to end.
    pub fn inner_meter(self: &Arc<Self>, expected: u64) -> Option<Meter> {
        let left = self.memory.each.saturating_sub(*self.counted.lock());
        let meter = self.meter_from(expected.min(left));
        meter.grow(0).ok()?;
        Some(meter)
    }

    fn meter_from(self: &Arc<Self>, reserved: u64) -> Meter {
        Meter {
            call: Arc::clone(self),
            reserved,
            counted: AtomicU64::new(0),
        }
    }

    /// Completes when the call has to end, because there is not enough memory for it.
    pub async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// Whether the call has to end.
    pub fn has_ended(&self) -> bool {
        self.end.is_cancelled()
    }

    /// Records that the call's answer has begun.
    pub fn answered(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
    }

    /// Whether the call's answer has begun.
    pub fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }

    /// Counts one of its instances anew. Returns whether all of them are within the limit
    /// of one call.
    fn count(&self, before: u64, after: u64) -> Result<bool, NoRoom> {
        let mut counted = self.counted.lock();
        let all = counted.saturating_sub(before).saturating_add(after);
        if all > self.memory.each {
            return Ok(false);
        }
        let held = self.reserved.max(*counted);
        if !self.memory.replace(held, self.reserved.max(all)) {
            if !self.end.is_cancelled() {
                self.memory.put_off.fetch_add(1, Ordering::Relaxed);
                let need = self.memory.need(all.saturating_mul(2));
                self.need.store(need, Ordering::Relaxed);
                self.end.cancel();
            }
            return Err(NoRoom);
        }
        *counted = all;
        Ok(true)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let held = self.reserved.max(*self.counted.get_mut());
        self.memory.replace(held, 0);
    }
}

impl Meter {
    /// To be called before the memories of its instance grow. `bytes`: their new total size.
    /// Returns whether they may have it; if not, growing fails in the guest, as it does at the
    /// guest's own limit.
    ///
    /// # Errors
    ///
    /// There is not enough memory at the moment: the instance has to end.
    pub fn grow(&self, bytes: u64) -> Result<bool, NoRoom> {
        let charge = if bytes <= UNTOUCHED { SMALL } else { bytes };
        let after = self.reserved.max(charge);
        let before = self.counted.load(Ordering::Relaxed);
        let fits = self.call.count(before, after)?;
        if fits {
            self.counted.store(after, Ordering::Relaxed);
        }
        Ok(fits)
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        // Less memory always fits.
        let _ = self.call.count(self.counted.load(Ordering::Relaxed), 0);
    }
}

#[cfg(test)]
mod tests;

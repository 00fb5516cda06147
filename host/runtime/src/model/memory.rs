//! Memory for the instances of all models, and the queue of calls that wait for it. The
//! rule is in `arbiter.rs`.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use concept_refinement_capability::model::MemoryUse;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::arbiter::{Age, Cost, MemoryArbiter, Refused, charge, is_small};
use crate::wasm::sandbox::{Granted, MemoryMeter, NoRoom};

/// Shared by all calls of all models of a host.
pub struct ModelMemory {
    state: Mutex<State>,
    put_off: AtomicU64,
}

struct State {
    arbiter: MemoryArbiter,
    next: Age,
    /// Calls that wait, the oldest first.
    waiters: BTreeMap<Age, Waiting>,
    /// The signals that end running calls.
    ends: HashMap<Age, CancellationToken>,
}

struct Waiting {
    need: Need,
    admitted: oneshot::Sender<Admitted>,
}

/// The need of the next try of a call, in bytes.
type Need = Arc<AtomicU64>;

/// A call's place in the queue for memory, for all its tries.
pub struct Ticket {
    memory: Arc<ModelMemory>,
    age: Age,
    need: Need,
}

/// Memory for one try of a call, given back when dropped.
pub struct Admitted {
    memory: Arc<ModelMemory>,
    age: Age,
    need: Need,
    end: CancellationToken,
    is_large: Arc<AtomicBool>,
    has_answered: AtomicBool,
}

/// Meters the memories of one try's instance.
pub struct Meter {
    memory: Arc<ModelMemory>,
    age: Age,
    is_large: Arc<AtomicBool>,
}

/// Meters the memories of an instance that a call's own instance waits for.
pub struct InnerMeter {
    call: Arc<Admitted>,
    /// Reserved for it, in bytes.
    reserved: u64,
    /// Its charge, in bytes.
    counted: AtomicU64,
    is_large: Arc<AtomicBool>,
}

impl ModelMemory {
    /// `total`: limit for all instances. `each`: limit of one instance, which one call
    /// can always get. Both in bytes.
    pub fn new(total: u64, each: u64) -> Arc<Self> {
        let state = State {
            arbiter: MemoryArbiter::new(total, each),
            next: 0,
            waiters: BTreeMap::new(),
            ends: HashMap::new(),
        };
        Arc::new(Self {
            state: Mutex::new(state),
            put_off: AtomicU64::new(0),
        })
    }

    /// The current use.
    pub fn in_use(&self) -> MemoryUse {
        let state = self.state.lock();
        MemoryUse {
            bytes: state.arbiter.in_use(),
            limit: state.arbiter.total(),
            put_off: self.put_off.load(Ordering::Relaxed),
        }
    }

    /// Queues a call behind all earlier ones. `expected`: what its instance will
    /// need, in bytes.
    pub fn ticket(self: &Arc<Self>, expected: u64) -> Ticket {
        let mut state = self.state.lock();
        let age = state.next;
        state.next = age.saturating_add(1);
        Ticket {
            memory: Arc::clone(self),
            age,
            need: Arc::new(state.arbiter.need(expected).into()),
        }
    }

    /// Admits waiting calls in order, as far as there is memory.
    fn advance(self: &Arc<Self>) {
        loop {
            let mut state = self.state.lock();
            let Some(first) = state.waiters.first_entry() else {
                return;
            };
            let (age, need) = (*first.key(), Arc::clone(&first.get().need));
            if !state.arbiter.admit(age, need.load(Ordering::Relaxed)) {
                return;
            }
            let Some(Waiting { admitted, .. }) = state.waiters.remove(&age) else {
                return;
            };
            let permission = self.admitted(&mut state, age, need);
            drop(state);
            // If the call no longer waits, dropping the permission gives it back.
            let _ = admitted.send(permission);
        }
    }

    /// Ends the calls whose memory another one's growth takes.
    fn end(&self, state: &State, age: Age, grown: Result<Vec<Age>, Refused>) -> Result<(), NoRoom> {
        let (ended, result) = match grown {
            Ok(ended) => (ended, Ok(())),
            Err(Refused) => (vec![age], Err(NoRoom)),
        };
        for age in ended {
            if let Some(end) = state.ends.get(&age).filter(|end| !end.is_cancelled()) {
                self.put_off.fetch_add(1, Ordering::Relaxed);
                end.cancel();
            }
        }
        result
    }

    fn admitted(self: &Arc<Self>, state: &mut State, age: Age, need: Need) -> Admitted {
        let end = CancellationToken::new();
        state.ends.insert(age, end.clone());
        Admitted {
            memory: Arc::clone(self),
            age,
            need,
            end,
            is_large: Arc::default(),
            has_answered: AtomicBool::new(false),
        }
    }
}

impl Ticket {
    /// Waits until there is memory for the next try, ahead of all calls that came later.
    pub async fn admitted(&mut self) -> Option<Admitted> {
        let (sender, admitted) = oneshot::channel();
        {
            let mut state = self.memory.state.lock();
            let need = Arc::clone(&self.need);
            if state.waiters.is_empty()
                && state.arbiter.admit(self.age, need.load(Ordering::Relaxed))
            {
                return Some(self.memory.admitted(&mut state, self.age, need));
            }
            let waiting = Waiting {
                need,
                admitted: sender,
            };
            state.waiters.insert(self.age, waiting);
        }
        // It may be admitted right away, being older than others.
        self.memory.advance();
        admitted.await.ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.memory.state.lock().waiters.remove(&self.age).is_some() {
            self.memory.advance();
        }
    }
}

impl Admitted {
    /// The meter that is asked before the instance's memories grow.
    pub fn meter(&self) -> Meter {
        Meter {
            memory: Arc::clone(&self.memory),
            age: self.age,
            is_large: Arc::clone(&self.is_large),
        }
    }

    /// Starts to meter one more instance, which the call's own instance waits for, and
    /// for which `expected` bytes are reserved. None: there is not enough memory, and the
    /// call has to end.
    pub fn inner_meter(self: &Arc<Self>, expected: u64) -> Option<InnerMeter> {
        let left = self.memory.state.lock().arbiter.left(self.age);
        let meter = InnerMeter {
            call: Arc::clone(self),
            reserved: expected.min(left),
            counted: AtomicU64::new(0),
            is_large: Arc::default(),
        };
        meter.count(meter.reserved).ok()?;
        Some(meter)
    }

    /// Set before the instance gets much memory: touching it, and giving it back, takes
    /// long.
    pub fn is_large(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_large)
    }

    /// Completes when the instance has to end, because others need its memory or there is
    /// not enough for it.
    pub async fn ended(&self) {
        self.end.cancelled().await;
    }

    /// Whether the instance has to end.
    pub fn has_ended(&self) -> bool {
        self.end.is_cancelled()
    }

    /// Records that the call is about to send a request to its provider.
    pub fn asks(&self) {
        let mut state = self.memory.state.lock();
        state.arbiter.costs(self.age, Cost::Request);
    }

    /// Records that the call's answer has begun.
    pub fn answered(&self) {
        self.has_answered.store(true, Ordering::Relaxed);
        let mut state = self.memory.state.lock();
        state.arbiter.costs(self.age, Cost::Answer);
    }

    /// Whether the call's answer has begun.
    pub fn has_answered(&self) -> bool {
        self.has_answered.load(Ordering::Relaxed)
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        {
            let mut state = self.memory.state.lock();
            state.ends.remove(&self.age);
            let need = state.arbiter.leave(self.age);
            self.need.store(need, Ordering::Relaxed);
        }
        self.memory.advance();
    }
}

impl MemoryMeter for Meter {
    fn grow(&self, bytes: u64) -> Result<Granted, NoRoom> {
        let mut state = self.memory.state.lock();
        // The instances that this one waits for hold the rest of the limit, and may give
        // it back.
        if !state.arbiter.may_have(self.age, bytes) {
            return Ok(Granted::Never);
        }
        let grown = state.arbiter.grow(self.age, bytes);
        self.memory.end(&state, self.age, grown)?;
        Ok(granted(&self.is_large, bytes))
    }
}

impl MemoryMeter for InnerMeter {
    fn grow(&self, bytes: u64) -> Result<Granted, NoRoom> {
        let after = self.reserved.max(charge(bytes));
        let fits = {
            let state = self.call.memory.state.lock();
            let before = self.counted.load(Ordering::Relaxed);
            state.arbiter.may_have_inner(self.call.age, before, after)
        };
        if !fits {
            return Ok(Granted::Never);
        }
        self.count(after)?;
        Ok(granted(&self.is_large, bytes))
    }
}

impl InnerMeter {
    /// See [`Admitted::is_large`].
    pub fn is_large(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_large)
    }

    fn count(&self, after: u64) -> Result<(), NoRoom> {
        let Admitted { memory, age, .. } = &*self.call;
        let mut state = memory.state.lock();
        let before = self.counted.load(Ordering::Relaxed);
        let grown = state.arbiter.grow_inner(*age, before, after);
        memory.end(&state, *age, grown)?;
        self.counted.store(after, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for InnerMeter {
    fn drop(&mut self) {
        let counted = self.counted.load(Ordering::Relaxed);
        if counted > 0 {
            let memory = &self.call.memory;
            memory
                .state
                .lock()
                .arbiter
                .end_inner(self.call.age, counted);
            memory.advance();
        }
    }
}

/// Marks an instance that becomes large: it is polled on other threads from then on.
fn granted(is_large: &AtomicBool, bytes: u64) -> Granted {
    match !is_small(bytes) && !is_large.swap(true, Ordering::Relaxed) {
        true => Granted::AfterYield,
        false => Granted::AtOnce,
    }
}

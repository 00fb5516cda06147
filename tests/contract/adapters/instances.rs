//! The instances of one store adapter over one platform's state.
//!
//! A platform runs several instances, passes each call to any of them, lets an
//! instance serve several calls at a time, and drops it at any time. So nothing
//! may depend on an instance's memory. Here each instance has its own event
//! loop and serves only a few calls; unfinished work ends with it.

use std::sync::{Arc, Mutex};

use concept_refinement_domain::capability::CapabilityError;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use wasmtime::Store;
use wasmtime::component::Accessor;

use super::bindings::concept::refinement::types;
use super::bindings::{StoreAdapter, StoreAdapterPre};
use super::guest::Guest;

/// As many take calls at a time.
const AT_ONCE: usize = 3;

/// An instance serves so many calls.
const CALLS: std::ops::Range<u32> = 1..20;

const SEED: u64 = 0x5eed;

/// One call, and all that it streams after its answer.
pub type Call = Box<
    dyn for<'a> FnOnce(&'a Accessor<Guest>, &'a StoreAdapter) -> BoxFuture<'a, wasmtime::Result<()>>
        + Send,
>;

/// What makes another instance over the same state.
pub type NewGuest = Box<dyn Fn() -> Guest + Send + Sync>;

/// Dropping it ends all of them, whatever they are at.
pub struct Instances {
    pre: &'static StoreAdapterPre<Guest>,
    guest: NewGuest,
    pool: Mutex<Pool>,
}

struct Pool {
    random: StdRng,
    slots: Vec<Slot>,
    running: JoinSet<()>,
}

struct Slot {
    calls: mpsc::UnboundedSender<Call>,
    left: u32,
}

impl Instances {
    pub fn new(pre: &'static StoreAdapterPre<Guest>, guest: NewGuest) -> Arc<Self> {
        Arc::new(Self {
            pre,
            guest,
            pool: Mutex::new(Pool {
                random: StdRng::seed_from_u64(SEED),
                slots: Vec::new(),
                running: JoinSet::new(),
            }),
        })
    }

    /// Calls any of them. The answer is that of the interface.
    pub async fn ask<T, F>(&self, call: F) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(
                &'a Accessor<Guest>,
                &'a StoreAdapter,
            ) -> BoxFuture<'a, wasmtime::Result<Result<T, types::Error>>>
            + Send
            + 'static,
    {
        self.open(|accessor, adapter, answer| {
            Box::pin(async move {
                let answered = call(accessor, adapter).await?;
                // Whoever asked may have left.
                let _ = answer.send(answered);
                Ok(())
            })
        })
        .await
        .map_err(Into::into)
    }

    /// Calls any of them for an answer that has more coming after it.
    pub async fn open<T, F>(&self, call: F) -> T
    where
        T: Send + 'static,
        F: for<'a> FnOnce(
                &'a Accessor<Guest>,
                &'a StoreAdapter,
                oneshot::Sender<T>,
            ) -> BoxFuture<'a, wasmtime::Result<()>>
            + Send
            + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.begin(Box::new(|accessor, adapter| {
            call(accessor, adapter, answer)
        }));
        answered.await.expect("the instance ended, as it said")
    }

    fn begin(&self, call: Call) {
        let mut pool = self.pool.lock().unwrap();
        let index = pool.random.random_range(0..AT_ONCE);
        while pool.slots.len() <= index {
            let slot = self.start(&mut pool);
            pool.slots.push(slot);
        }
        if pool.slots[index].left == 0 {
            pool.slots[index] = self.start(&mut pool);
        }
        let slot = &mut pool.slots[index];
        slot.left -= 1;
        // One that trapped takes no more; the next one does.
        if let Err(refused) = slot.calls.send(call) {
            let slot = self.start(&mut pool);
            assert!(slot.calls.send(refused.0).is_ok(), "it has just begun");
            pool.slots[index] = slot;
        }
    }

    fn start(&self, pool: &mut Pool) -> Slot {
        let (calls, taken) = mpsc::unbounded_channel();
        pool.running.spawn(run(self.pre, (self.guest)(), taken));
        Slot {
            calls,
            left: pool.random.random_range(CALLS),
        }
    }
}

/// One instance, from its birth until nobody calls it any more and it has
/// answered. A trap is the end of it and of all calls that it serves.
async fn run(pre: &StoreAdapterPre<Guest>, guest: Guest, mut calls: mpsc::UnboundedReceiver<Call>) {
    let mut store = Store::new(pre.engine(), guest);
    let ended = async {
        let adapter = pre.instantiate_async(&mut store).await?;
        store
            .run_concurrent(async |accessor| {
                let mut running = FuturesUnordered::new();
                let mut is_open = true;
                while is_open || !running.is_empty() {
                    tokio::select! {
                        call = calls.recv(), if is_open => match call {
                            Some(call) => running.push(call(accessor, &adapter)),
                            None => is_open = false,
                        },
                        Some(ended) = running.next() => ended?,
                    }
                }
                wasmtime::error::Ok(())
            })
            .await?
    };
    if let Err(error) = ended.await {
        let printed = store.data().printed();
        panic!("an instance ended: {error:?}\nIt said: {printed}");
    }
}

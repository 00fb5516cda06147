//! How many tasks are in flight.
//!
//! Each task has a slot. It needs none while it waits for a connection to the server of
//! its original: if that takes long, because a name does not resolve or an address does
//! not answer, the task yields its slot to another task, and waits for a slot before it
//! continues. The number of yielded slots is limited as well; beyond it a run
//! keeps its slot.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;

/// The slots of a worker, shared by all its loops.
pub struct Slots {
    free: Arc<Semaphore>,
    /// One permit for each slot that may be yielded at a time.
    yielded: Arc<Semaphore>,
    /// Number of runs that wait for a slot in order to continue.
    due: watch::Sender<usize>,
}

/// The slot of a task, freed when the last clone is dropped. The default has no slot that
/// could be yielded.
#[derive(Clone, Default)]
pub struct Slot(Option<Arc<Held>>);

struct Held {
    slots: Arc<Slots>,
    /// The permit of a slot; while the slot is yielded, its permit among those.
    permit: Mutex<OwnedSemaphorePermit>,
}

impl Slots {
    /// `slots` in all, of which `yielded` may be yielded at a time.
    pub fn new(slots: usize, yielded: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(slots)),
            yielded: Arc::new(Semaphore::new(yielded)),
            due: watch::Sender::new(0),
        })
    }

    /// How many are free.
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// Receives something, along with a slot for it. Until something arrives, the slot is
    /// available to runs that want to continue.
    pub async fn receive<F: Future>(
        self: &Arc<Self>,
        receive: impl Fn() -> F,
    ) -> (Slot, F::Output) {
        let mut due = self.due.subscribe();
        loop {
            let slot = self.slot().await;
            if *due.borrow() > 0 {
                drop(slot);
                // Cannot fail, since `self` keeps the sender.
                let _ = due.wait_for(|runs| *runs == 0).await;
                continue;
            }
            tokio::select! {
                biased;
                received = receive() => return (slot, received),
                _ = due.wait_for(|runs| *runs > 0) => {}
            }
        }
    }

    async fn slot(self: &Arc<Self>) -> Slot {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok();
        Slot(permit.map(|permit| {
            Arc::new(Held {
                slots: Arc::clone(self),
                permit: Mutex::new(permit),
            })
        }))
    }
}

impl Slot {
    /// Runs work that needs no slot. If it takes longer than `delay`, the slot may be
    /// yielded; in that case, unless the work failed, this waits for a slot at the
    /// end.
    pub async fn spare<T, E>(
        &self,
        delay: Duration,
        waiting: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let Some(Held { slots, permit }) = self.0.as_deref() else {
            return waiting.await;
        };
        let mut waiting = pin!(waiting);
        let awaited = match timeout(delay, &mut waiting).await {
            Ok(awaited) => awaited?,
            Err(_) => {
                if let Ok(yielded) = Arc::clone(&slots.yielded).try_acquire_owned() {
                    *permit.lock() = yielded;
                }
                waiting.await?
            }
        };
        if Arc::ptr_eq(permit.lock().semaphore(), &slots.yielded) {
            let _due = Due::new(&slots.due);
            if let Ok(slot) = Arc::clone(&slots.free).acquire_owned().await {
                *permit.lock() = slot;
            }
        }
        Ok(awaited)
    }
}

/// A run that waits for a slot.
struct Due<'a>(&'a watch::Sender<usize>);

impl<'a> Due<'a> {
    fn new(runs: &'a watch::Sender<usize>) -> Self {
        runs.send_modify(|runs| *runs += 1);
        Self(runs)
    }
}

impl Drop for Due<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|runs| *runs -= 1);
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures::future::{join, ready};
    use tokio::time::{Instant, sleep};

    use super::*;

    const DELAY: Duration = Duration::from_millis(100);
    const SECOND: Duration = Duration::from_secs(1);

    /// Spends this long waiting for its original, twice; returns the time that took.
    async fn run(slot: &Slot, original: Duration) -> Duration {
        let begin = Instant::now();
        for _ in 0..2 {
            let waiting = async {
                sleep(original).await;
                Ok::<_, ()>(())
            };
            slot.spare(DELAY, waiting).await.unwrap();
        }
        begin.elapsed()
    }

    fn is_held(slot: &Slot) -> bool {
        let held = slot.0.as_ref().unwrap();
        Arc::ptr_eq(held.permit.lock().semaphore(), &held.slots.free)
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_lent_while_its_run_waits() {
        let slots = Slots::new(1, 1);
        let (slot, ()) = slots.receive(|| ready(())).await;
        let another = async {
            let begin = Instant::now();
            let (another, ()) = slots.receive(|| ready(())).await;
            assert_eq!(begin.elapsed(), DELAY);
            sleep(3 * SECOND).await;
            drop(another);
            // Nothing arrives, so the slot is available to the run.
            slots.receive(pending::<()>).await;
        };
        let time = tokio::select! {
            () = another => return,
            time = run(&slot, SECOND) => time,
        };
        assert_eq!(time, DELAY + 4 * SECOND);
        assert!(is_held(&slot));
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_waits_for_a_moment_keeps_its_slot() {
        let slots = Slots::new(1, 1);
        let (slot, ()) = slots.receive(|| ready(())).await;
        tokio::select! {
            _ = slots.receive(|| ready(())) => panic!("it was lent"),
            time = run(&slot, DELAY / 2) => assert_eq!(time, DELAY),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_waits_for_tasks_gives_its_slot_to_a_run_that_goes_on() {
        let slots = Slots::new(1, 1);
        let (slot, ()) = slots.receive(|| ready(())).await;
        tokio::select! {
            _ = slots.receive(pending::<()>) => {}
            time = run(&slot, SECOND) => assert_eq!(time, 2 * SECOND),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_waits_for_no_slot() {
        let slots = Slots::new(1, 1);
        let (slot, ()) = slots.receive(|| ready(())).await;
        let another = async {
            let (_another, ()) = slots.receive(|| ready(())).await;
            pending::<()>().await;
        };
        let failing = async {
            sleep(SECOND).await;
            Err::<(), _>("no such name")
        };
        let failed = timeout(2 * SECOND, slot.spare(DELAY, failing));
        tokio::select! {
            () = another => {}
            failed = failed => assert_eq!(failed, Ok(Err("no such name"))),
        }
        assert!(!is_held(&slot));
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_limit_a_run_keeps_its_slot() {
        let slots = Slots::new(2, 1);
        let (one, two) = (slots.slot().await, slots.slot().await);
        let runs = join(run(&one, SECOND), run(&two, SECOND));
        assert!(timeout(DELAY * 2, runs).await.is_err());
        assert_eq!(slots.free(), 1);
        assert_eq!([is_held(&one), is_held(&two)], [false, true]);
    }
}

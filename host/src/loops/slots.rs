//! How many tasks are in flight.
//!
//! Each has a slot. While it waits to be connected with the server of its
//! original, it needs none: where that takes long, since a name is not resolved
//! or an address is silent, the slot is lent to another task, and the run waits
//! for one before it goes on. Of these loans there is a limit as well; beyond it
//! a run keeps its slot.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use concept_refinement_capability::loan::Loan;
use concept_refinement_capability::runtime::Runtime;

/// The slots of a worker, however many loops take them.
pub struct Slots {
    free: Arc<Semaphore>,
    /// One for each slot that may be lent.
    loans: Semaphore,
    /// Runs that wait for a slot to go on.
    due: watch::Sender<usize>,
}

/// The slot of a task. None: it is lent.
pub type Slot = Option<OwnedSemaphorePermit>;

impl Slots {
    /// So many slots, of which so many may be lent at a time.
    pub fn new(slots: usize, loans: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(slots)),
            loans: Semaphore::new(loans),
            due: watch::Sender::new(0),
        }
    }

    /// How many nobody has.
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }

    /// What is received, and a slot for it. While nothing comes, the slot is
    /// there for runs that go on.
    pub(super) async fn receive<F: Future>(&self, receive: impl Fn() -> F) -> (Slot, F::Output) {
        let mut due = self.due.subscribe();
        loop {
            let slot = self.slot().await;
            if *due.borrow() > 0 {
                drop(slot);
                // The sender is this, and lives as long.
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

    /// Lends the slot of a run whenever it waits for long, and takes one for it
    /// when it goes on. Never ends; dropped with the run.
    pub(super) async fn lend(
        &self,
        runtime: &dyn Runtime,
        loan: &Loan,
        slot: &mut Slot,
    ) -> Infallible {
        if slot.is_none() {
            pending::<()>().await;
        }
        loop {
            let (wait, delay) = loan.delay().await;
            tokio::select! {
                biased;
                () = loan.needed(wait) => continue,
                () = runtime.sleep(delay) => {}
            }
            match self.loans.try_acquire() {
                Ok(_lent) if loan.begin(wait) => {
                    *slot = None;
                    loan.due().await;
                    let due = Due::new(&self.due);
                    *slot = self.slot().await;
                    drop(due);
                    loan.end();
                }
                // It goes on, or has to keep its slot.
                Ok(_) | Err(_) => loan.needed(wait).await,
            }
        }
    }

    async fn slot(&self) -> Slot {
        Arc::clone(&self.free).acquire_owned().await.ok()
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
    use std::time::Duration;

    use concept_refinement_capability::runtime::Tokio;
    use futures::future::{join, ready};
    use tokio::time::{Instant, sleep, timeout};

    use super::*;

    const DELAY: Duration = Duration::from_millis(100);
    const SECOND: Duration = Duration::from_secs(1);

    /// Waits so long for its original, twice; answers the time of it.
    async fn run(loan: &Loan, original: Duration) -> Duration {
        let begin = Instant::now();
        for _ in 0..2 {
            let waiting = async {
                sleep(original).await;
                Ok::<_, ()>(())
            };
            loan.spare(DELAY, waiting).await.unwrap();
        }
        begin.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_slot_is_lent_while_its_run_waits() {
        let (slots, runtime, loan) = (Slots::new(1, 1), Tokio::default(), Loan::default());
        let (mut slot, ()) = slots.receive(|| ready(())).await;
        let another = async {
            let begin = Instant::now();
            let (another, ()) = slots.receive(|| ready(())).await;
            assert_eq!(begin.elapsed(), DELAY);
            sleep(3 * SECOND).await;
            drop(another);
            // Nothing more comes, and the slot is free for the run.
            slots.receive(pending::<()>).await;
        };
        let time = tokio::select! {
            _ = join(slots.lend(&runtime, &loan, &mut slot), another) => return,
            time = run(&loan, SECOND) => time,
        };
        assert_eq!(time, DELAY + 4 * SECOND);
        assert!(slot.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_waits_for_a_moment_keeps_its_slot() {
        let (slots, runtime, loan) = (Slots::new(1, 1), Tokio::default(), Loan::default());
        let (mut slot, ()) = slots.receive(|| ready(())).await;
        tokio::select! {
            _ = slots.lend(&runtime, &loan, &mut slot) => {}
            _ = slots.receive(|| ready(())) => panic!("it was lent"),
            time = run(&loan, DELAY / 2) => assert_eq!(time, DELAY),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_waits_for_tasks_gives_its_slot_to_a_run_that_goes_on() {
        let (slots, runtime, loan) = (Slots::new(1, 1), Tokio::default(), Loan::default());
        let (mut slot, ()) = slots.receive(|| ready(())).await;
        tokio::select! {
            _ = slots.lend(&runtime, &loan, &mut slot) => {}
            _ = slots.receive(pending::<()>) => {}
            time = run(&loan, SECOND) => assert_eq!(time, 2 * SECOND),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_failed_waits_for_no_slot() {
        let (slots, runtime, loan) = (Slots::new(1, 1), Tokio::default(), Loan::default());
        let (mut slot, ()) = slots.receive(|| ready(())).await;
        let another = async {
            let (_another, ()) = slots.receive(|| ready(())).await;
            pending::<()>().await;
        };
        let failing = async {
            sleep(SECOND).await;
            Err::<(), _>("no such name")
        };
        tokio::select! {
            _ = join(slots.lend(&runtime, &loan, &mut slot), another) => {}
            failed = loan.spare(DELAY, failing) => assert!(failed.is_err()),
        }
        assert!(slot.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_limit_a_run_keeps_its_slot() {
        let (slots, runtime) = (Slots::new(2, 1), Tokio::default());
        let loans = [Loan::default(), Loan::default()];
        let [mut one, mut two] = [slots.slot().await, slots.slot().await];
        let lent = join(
            slots.lend(&runtime, &loans[0], &mut one),
            slots.lend(&runtime, &loans[1], &mut two),
        );
        let runs = join(run(&loans[0], SECOND), run(&loans[1], SECOND));
        assert!(timeout(DELAY * 2, join(lent, runs)).await.is_err());
        assert_eq!(slots.free(), 1);
        assert_eq!([one.is_some(), two.is_some()], [false, true]);
    }
}

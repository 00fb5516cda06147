//! The loan of a task's slot, as the worker and the run see it.

use std::time::Duration;

use tokio::sync::watch;

/// Of one task. While its run waits for somebody else, it can do without its
/// slot; it goes on once it has one again. Clones are of the same loan.
#[derive(Clone, Debug, Default)]
pub struct Loan(watch::Sender<State>);

/// How often the run could do without its slot, and how it is now.
#[derive(Clone, Copy, Debug, Default)]
struct State {
    waits: u64,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// The run has its slot, and needs it.
    #[default]
    Needed,
    /// The run can do without, if this takes so long.
    Spare(Duration),
    Lent,
    /// The run waits for a slot.
    Due,
}

impl Loan {
    /// For the run: does what needs no slot. If it takes longer than `delay`,
    /// the slot may be lent, and unless it failed, the run waits until it has
    /// one.
    pub async fn spare<T, E>(
        &self,
        delay: Duration,
        waiting: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let spare = Spare::new(self, delay);
        let awaited = waiting.await?;
        drop(spare);
        self.change(Phase::Lent, Phase::Due);
        self.wait_until(|state| state.phase != Phase::Due).await;
        Ok(awaited)
    }

    /// For the worker: waits until the run can do without its slot. Answers which
    /// time it is, and how long it has to be waited then.
    pub async fn delay(&self) -> (u64, Duration) {
        let mut states = self.0.subscribe();
        loop {
            let state = *states.borrow_and_update();
            if let Phase::Spare(delay) = state.phase {
                return (state.waits, delay);
            }
            // Cannot fail, since the sender is here.
            let _ = states.changed().await;
        }
    }

    /// For the worker: whether it may lend the slot now, as it could this time.
    pub fn begin(&self, wait: u64) -> bool {
        self.0.send_if_modified(|state| {
            let is_spare = state.is_spare(wait);
            if is_spare {
                state.phase = Phase::Lent;
            }
            is_spare
        })
    }

    /// For the worker: waits until the run needs the slot that it could do without
    /// this time.
    pub async fn needed(&self, wait: u64) {
        self.wait_until(|state| !state.is_spare(wait)).await;
    }

    /// For the worker: waits until the run needs the slot that is lent.
    pub async fn due(&self) {
        self.wait_until(|state| state.phase == Phase::Due).await;
    }

    /// For the worker: the run has a slot.
    pub fn end(&self) {
        self.change(Phase::Due, Phase::Needed);
    }

    fn change(&self, from: Phase, to: Phase) {
        self.0.send_if_modified(|state| {
            let is_from = state.phase == from;
            if is_from {
                state.phase = to;
                state.waits += u64::from(matches!(to, Phase::Spare(_)));
            }
            is_from
        });
    }

    async fn wait_until(&self, awaited: impl Fn(State) -> bool) {
        // Cannot fail, since the sender is here.
        let _ = self.0.subscribe().wait_for(|state| awaited(*state)).await;
    }
}

impl State {
    /// Whether it is still this time that the run can do without its slot.
    fn is_spare(self, wait: u64) -> bool {
        self.waits == wait && matches!(self.phase, Phase::Spare(_))
    }
}

/// Takes a slot back that was not lent.
struct Spare<'a> {
    loan: &'a Loan,
    delay: Duration,
}

impl<'a> Spare<'a> {
    fn new(loan: &'a Loan, delay: Duration) -> Self {
        loan.change(Phase::Needed, Phase::Spare(delay));
        Self { loan, delay }
    }
}

impl Drop for Spare<'_> {
    fn drop(&mut self) {
        self.loan.change(Phase::Spare(self.delay), Phase::Needed);
    }
}

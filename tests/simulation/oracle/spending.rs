//! What tasks cost. Each call has the same price, and a provider says nothing of it.

use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;

use super::{Expected, Invariant, Oracle};

/// Of a call.
pub const PRICE: MicroDollars = MicroDollars(60_000);

impl Oracle {
    pub fn spending_told(&mut self, user: &str, window: Window, told: Spending, now: Timestamp) {
        let expected = self.spending(user, window, now);
        self.require(told == expected, Invariant::ExactSpending, || {
            format!("{user} was told of {told:?} in place of {expected:?}")
        });
    }

    /// A task was created, or refused for its price.
    pub(super) fn judged(&mut self, user: &str, is_created: bool, now: Timestamp) {
        let Some(budget) = self.budget else {
            return;
        };
        let sum = self.spending(user, budget.window, now);
        let may_be = sum.spent + sum.reserved + micros(PRICE) <= micros(budget.limit);
        self.require(may_be == is_created, Invariant::ExactSpending, || {
            format!("{user} was given a task: {is_created}, after {sum:?} of {budget}")
        });
    }

    fn spending(&self, user: &str, window: Window, now: Timestamp) -> Spending {
        let start = window.start(now);
        let tasks = self.tasks.values();
        let tasks = tasks.filter(|task| task.user == user);
        let tasks = tasks.filter(|task| window.start(task.created_at) == start);
        tasks.map(cost).fold(Spending::default(), Spending::plus)
    }
}

/// The last call of a task was accepted if the task is completed or has a receipt, and of all
/// others nobody knows it.
fn cost(task: &Expected) -> Spending {
    let calls = i64::from(task.calls);
    let accepted = calls.min(1);
    let (accepted, perhaps) = match (task.is_active(), task.status) {
        (true, _) => (0, 1),
        (false, status) if status == Status::Completed || task.is_named => {
            (accepted, calls - accepted)
        }
        (false, _) => (0, calls),
    };
    Spending {
        spent: accepted * micros(PRICE),
        reserved: perhaps * micros(PRICE),
        unknown_calls: 0,
    }
}

fn micros(amount: MicroDollars) -> i64 {
    amount.0.cast_signed()
}

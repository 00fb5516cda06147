//! What the caller has spent.

use concept_refinement_domain::budget::Budget;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::{Spending, amount};
use concept_refinement_domain::timestamp::Timestamp;
use serde::Serialize;

use super::answer::{Answer, json};
use crate::allowance;
use crate::ports::Ports;
use crate::request::Request;
use crate::state::State;

/// Amounts are in US dollars.
#[derive(Serialize)]
pub struct UsageResponse {
    spent: String,
    reserved: String,
    unknown_calls: i64,
    /// None: unlimited.
    limit: Option<String>,
    /// `hour`, `day` or `month`, in UTC.
    window: &'static str,
    /// When the window ends, in Unix seconds.
    reset: u64,
}

pub async fn get<P: Ports>(state: &State<P>, request: &Request) -> Answer<P> {
    let now = state.ports.now();
    let caller = state.auth.reader(request).await?;
    let budget = allowance::of(state, &caller).budget;
    let window = budget.map_or(Window::Month, |budget| budget.window);
    let spending = state.ports.spending(&caller.user, window).await?;
    json(200, &UsageResponse::of(spending, budget, window, now))
}

impl UsageResponse {
    fn of(spending: Spending, budget: Option<Budget>, window: Window, now: Timestamp) -> Self {
        Self {
            spent: amount(spending.spent).to_string(),
            reserved: amount(spending.reserved).to_string(),
            // As for amounts: what is below nothing, for a moment, is nothing.
            unknown_calls: spending.unknown_calls.max(0),
            limit: budget.map(|budget| budget.limit.to_string()),
            window: window.as_str(),
            reset: window.end(now).as_secs(),
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::money::MicroDollars;
    use serde_json::json;

    use super::*;

    #[test]
    fn amounts_are_dollars_and_never_below_nothing() {
        let now = Timestamp::from_secs(1_795_176_000);
        let budget = |window| {
            Some(Budget {
                limit: MicroDollars(500_000),
                window,
            })
        };
        for (budget, window, sums, expected) in [
            (
                None,
                Window::Month,
                [2_100_000, 60_000, 2],
                json!({"spent": "2.10", "reserved": "0.06", "unknown_calls": 2, "limit": null,
                       "window": "month", "reset": 1_796_083_200}),
            ),
            (
                budget(Window::Day),
                Window::Day,
                [45_500, 0, 0],
                json!({"spent": "0.0455", "reserved": "0.00", "unknown_calls": 0,
                       "limit": "0.50", "window": "day", "reset": 1_795_219_200}),
            ),
            (
                budget(Window::Hour),
                Window::Hour,
                [-1, -60_000, -2],
                json!({"spent": "0.00", "reserved": "0.00", "unknown_calls": 0,
                       "limit": "0.50", "window": "hour", "reset": 1_795_179_600}),
            ),
        ] {
            let [spent, reserved, unknown_calls] = sums;
            let spending = Spending {
                spent,
                reserved,
                unknown_calls,
            };
            let answered = json!(UsageResponse::of(spending, budget, window, now));
            assert_eq!(answered, expected);
        }
    }
}

//! What a caller may do.

use std::time::Duration;

use concept_refinement_domain::plan::Allowance;

use crate::auth::Caller;
use crate::log;
use crate::ports::Ports;
use crate::state::State;

/// How long a plan that is not defined is not named again in the log, since a token names it
/// with each request.
const NAMED_ONCE: Duration = Duration::from_secs(24 * 60 * 60);

/// By the caller's plan. The log names a plan that is not defined.
pub fn of<P: Ports>(state: &State<P>, caller: &Caller) -> Allowance {
    let plans = &state.config.plans;
    if let Some(name) = &caller.plan
        && !plans.is_defined(name)
    {
        warn_of_undefined(state, name);
    }
    plans.allowance(caller.plan.as_deref())
}

fn warn_of_undefined<P: Ports>(state: &State<P>, name: &str) {
    let (now, named) = (state.ports.now(), &state.undefined_plans);
    // Of more names than are remembered, the others are never told: the log is bounded.
    if named.get(name, now).is_none() && named.put(name, (), now, now.plus(NAMED_ONCE)) {
        log::warn(format_args!(
            "a token names the plan {name:?}, which is not defined: its user has the plan of \
             plan (REFINEMENT_PLAN), or none"
        ));
    }
}

//! Hands the claims that a fetch has made to the workers of this host.

use concept_refinement_domain::capability::Claimed;
use concept_refinement_domain::lease::is_fresh;
use concept_refinement_domain::rulebook::Operation;
use concept_refinement_domain::task::Task;

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::tasks::change::apply;

/// The claim that a fetch has made for this worker. If the worker asks late, the lease is
/// renewed first, subject to fencing, since the worker counts its time from now. None:
/// there is no claim, or its lease is lost. If renewing fails, the claim stays for the next
/// caller.
pub(crate) async fn handed_over(
    store: &PostgresTasks,
    id: &str,
    user_id: Option<&str>,
) -> Result<Option<Claimed>, Fault> {
    let Some(made) = store.handovers.find(id, user_id) else {
        return Ok(None);
    };
    let held = match is_fresh(&made, store.clock.now()) {
        true => Some(made.clone()),
        false => {
            let renewed = Operation::renew(&made, store.options.lease);
            apply(store, &renewed).await?.flatten()
        }
    };
    let handover = store.handovers.take(&made);
    Ok(handover.zip(held).map(|(claimed, lease)| {
        let lease_until = Some(lease.until);
        let task = Task {
            lease_until,
            ..claimed.task
        };
        Claimed {
            lease,
            task,
            ..claimed
        }
    }))
}

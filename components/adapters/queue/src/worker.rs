//! What a worker does with a message: it claims the task, and renews the lease while the
//! processor works.

use std::pin::pin;
use std::time::Duration;

use concept_refinement_domain::capability::{CapabilityError, Claimed, Fenced, Lease};
use concept_refinement_domain::message::{self, Parsed};
use concept_refinement_domain::sentence::MISSING_PROMPT_OR_URL;
use concept_refinement_guest::Clock;
use futures::future::{Either, select};

use crate::delivery::Attempt;

/// The leases of the task store.
pub trait Leases {
    /// None: there is nothing to do.
    async fn claim(
        &self,
        task_id: &str,
        user_id: Option<&str>,
    ) -> Result<Option<Claimed>, CapabilityError>;
    /// None: the lease is lost.
    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError>;
    async fn fail(&self, lease: &Lease, error_message: &str) -> Result<Fenced, CapabilityError>;
    async fn release(&self, lease: &Lease) -> Result<Fenced, CapabilityError>;
}

pub trait Processor {
    /// [`Attempt::Again`]: the task is to be released.
    async fn process(&self, claimed: Claimed) -> Attempt;
}

/// Works on the task that a message points to.
pub async fn work(ports: &(impl Leases + Processor + Clock), message: &[u8]) -> Attempt {
    try_work(ports, message)
        .await
        .unwrap_or_else(|error| match error.is_repeatable() {
            true => Attempt::Again(error.message),
            false => Attempt::Refused(error.message),
        })
}

async fn try_work(
    ports: &(impl Leases + Processor + Clock),
    message: &[u8],
) -> Result<Attempt, CapabilityError> {
    let refused = || Attempt::Refused(MISSING_PROMPT_OR_URL.to_owned());
    let (task_id, user_id, is_usable) = match message::parse(message) {
        Parsed::Valid { task_id, user_id } => (task_id, Some(user_id), true),
        Parsed::Unusable {
            task_id: Some(task_id),
            user_id,
        } => (task_id, user_id, false),
        Parsed::Unusable { task_id: None, .. } | Parsed::Nonsense => return Ok(refused()),
    };
    let Some(claimed) = ports.claim(&task_id, user_id.as_deref()).await? else {
        return Ok(Attempt::Taken);
    };
    let lease = claimed.lease.clone();
    if !is_usable {
        let failed = ports.fail(&lease, MISSING_PROMPT_OR_URL).await?;
        return Ok(match failed {
            Fenced::Done => refused(),
            Fenced::Lost => Attempt::Taken,
        });
    }
    let processing = pin!(ports.process(claimed));
    let attempt = match select(processing, pin!(renew_until_lost(ports, lease.clone()))).await {
        Either::Left((attempt, _)) => attempt,
        Either::Right(((), _)) => Attempt::Taken,
    };
    if let Attempt::Again(_) = attempt {
        // If the store cannot be reached, the lease expires.
        let _ = ports.release(&lease).await;
    }
    Ok(attempt)
}

/// Errors are retried: the lease may outlast an outage, and each write is fenced anyway.
async fn renew_until_lost(ports: &(impl Leases + Clock), mut lease: Lease) {
    loop {
        let pause = Duration::from_millis(lease.renew_after.into());
        ports.sleep(pause).await;
        match ports.renew(&lease).await {
            Ok(Some(renewed)) => lease = renewed,
            Ok(None) => return,
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests;

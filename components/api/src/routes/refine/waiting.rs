//! `Prefer: wait` (RFC 7240): the response is delayed until the task ends.
//!
//! A waiting client counts as a watcher of the task. Waiting can only replace the usual
//! answer with the final state: if anything goes wrong, the answer is that the task was
//! accepted.

use std::time::Duration;

use concept_refinement_domain::capability::Accepted;
use concept_refinement_domain::preference;
use concept_refinement_domain::quota::Quota;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;

use crate::log;
use crate::origin::Origin;
use crate::ports::Ports;
use crate::problem::with_quota;
use crate::request::Headers;
use crate::response::Response;
use crate::routes::answer::json;
use crate::routes::end::end;
use crate::routes::tasks::shown;
use crate::state::State;

/// How long the client waits.
#[derive(Clone, Copy)]
pub struct Wait {
    begin: Timestamp,
    length: Duration,
}

impl Wait {
    /// None: the client does not wait.
    pub fn preferred(headers: &Headers, begin: Timestamp) -> Option<Self> {
        let length = preference::wait(headers.all("prefer"))?;
        Some(Self { begin, length })
    }

    /// The response with the task in its final state. None: it did not end in time, was
    /// deleted, or cannot be watched.
    pub async fn for_end<P: Ports>(
        self,
        state: &State<P>,
        accepted: &Accepted,
        quota: Option<Quota>,
        origin: &Origin,
    ) -> Option<Response<P::Contents>> {
        let spent = state.ports.now().since(self.begin);
        let left = self.length.saturating_sub(spent);
        let end = end(&state.ports, &state.republisher, &accepted.task);
        let ended = state.ports.timeout(left, end).await??;
        let response = match shown(&state.ports, &ended, origin).await {
            Ok(shown) => json(200, &shown),
            Err(problem) => Err(problem),
        };
        let response = response
            .inspect_err(|problem| {
                log::warn(format_args!("an end could not be told: {problem:?}"));
            })
            .ok()?;
        let applied = format!("wait={}", self.length.as_secs());
        let left = match quota {
            // It may have been given back.
            Some(quota) if ended.status == Status::Failed => {
                let used = state.ports.used(&ended.user_id, quota.window).await.ok();
                used.map(|used| quota.state(used, self.begin))
            }
            _ => None,
        };
        let response = with_quota(response, left.or(accepted.quota));
        Some(response.with("preference-applied", applied))
    }
}

//! Claims, and the writes that name one.
//!
//! A lease that ran out is lost only once another worker has claimed the task:
//! until then nobody else works on it, and its worker may go on.

use std::time::Duration;

use concept_refinement_domain::capability::{Fenced, Lease};
use concept_refinement_domain::lease::{MAX_DEATHS, renew_after};
use concept_refinement_domain::task::{Event, Status};
use concept_refinement_domain::timestamp::Timestamp;

use super::entries::End;
use super::{Active, Ledger, Outcome};
use crate::ports::Fault;

/// What became of a claim.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim {
    Taken(Lease),
    /// Done, taken or gone.
    Refused,
    /// Its workers died too often: it is failed now, with the reason in the
    /// document.
    GivenUp,
}

impl Ledger {
    /// `document`: where the reason would be.
    pub fn claim(
        &mut self,
        id: &str,
        document: &str,
        lease: Duration,
        now: Timestamp,
    ) -> Outcome<Claim> {
        let Some(active) = self.active_mut(id) else {
            return Outcome::Unchanged(Claim::Refused);
        };
        if active.status == Status::Processing {
            if active.lease_until.is_some_and(|until| until > now) {
                return Outcome::Unchanged(Claim::Refused);
            }
            active.deaths = active.deaths.saturating_add(1);
            if active.deaths >= MAX_DEATHS {
                return self.end(Status::Failed, document, now, Claim::GivenUp);
            }
        }
        if !active.happen(Event::Claim, now) {
            return Outcome::Unchanged(Claim::Refused);
        }
        active.attempt = active.attempt.saturating_add(1);
        let until = now.plus(lease);
        active.lease_until = Some(until);
        Outcome::Changed(Claim::Taken(Lease {
            task_id: id.to_owned(),
            attempt: active.attempt,
            until,
            renew_after: milliseconds(renew_after(lease)),
        }))
    }

    pub fn renew(
        &mut self,
        held: &Lease,
        lease: Duration,
        now: Timestamp,
    ) -> Outcome<Option<Lease>> {
        let Some(active) = self.held_mut(held) else {
            return Outcome::Unchanged(None);
        };
        let until = now.plus(lease);
        active.lease_until = Some(until);
        Outcome::Changed(Some(Lease {
            until,
            renew_after: milliseconds(renew_after(lease)),
            ..held.clone()
        }))
    }

    pub fn checkpoint(&mut self, held: &Lease, image_path: &str) -> Outcome<Fenced> {
        let Some(active) = self.held_mut(held) else {
            return Outcome::Unchanged(Fenced::Lost);
        };
        active.checkpoint = Some(image_path.to_owned());
        Outcome::Changed(Fenced::Done)
    }

    /// Prepares the concept that a document holds. Some, with the document that
    /// it replaces: it is done.
    pub fn prepare(&mut self, held: &Lease, document: &str) -> Outcome<Option<Option<String>>> {
        let Some(active) = self.held_mut(held) else {
            return Outcome::Unchanged(None);
        };
        Outcome::Changed(Some(active.prepared.replace(document.to_owned())))
    }

    /// Completes the task with the concept that was prepared.
    pub fn complete(&mut self, held: &Lease, now: Timestamp) -> Result<Outcome<Fenced>, Fault> {
        let Some(active) = self.held_mut(held) else {
            return Ok(Outcome::Unchanged(Fenced::Lost));
        };
        let document = active
            .prepared
            .clone()
            .ok_or(Fault::Invalid("The task has no such concept prepared."))?;
        Ok(self.end(Status::Completed, &document, now, Fenced::Done))
    }

    /// Fails the task. `document`: with the reason.
    pub fn fail(&mut self, held: &Lease, document: &str, now: Timestamp) -> Outcome<Fenced> {
        match self.held_mut(held) {
            Some(_) => self.end(Status::Failed, document, now, Fenced::Done),
            None => Outcome::Unchanged(Fenced::Lost),
        }
    }

    pub fn release(&mut self, held: &Lease, now: Timestamp) -> Outcome<Fenced> {
        let active = self.held_mut(held);
        if active.is_some_and(|active| active.happen(Event::Release, now)) {
            Outcome::Changed(Fenced::Done)
        } else {
            Outcome::Unchanged(Fenced::Lost)
        }
    }

    fn active_mut(&mut self, id: &str) -> Option<&mut Active> {
        let is_active = self.active_task(id).is_some();
        self.active.as_mut().filter(|_| is_active)
    }

    /// The task that the lease holds. None: it is lost. This is the fence:
    /// whatever a worker writes goes through here, in the same swap.
    fn held_mut(&mut self, lease: &Lease) -> Option<&mut Active> {
        self.active_mut(&lease.task_id)
            .filter(|active| active.status == Status::Processing && active.attempt == lease.attempt)
    }

    /// Ends the active task.
    fn end<T>(&mut self, status: Status, document: &str, now: Timestamp, answer: T) -> Outcome<T> {
        let checkpoint = self.active.take().and_then(|active| active.checkpoint);
        let at = self.time_of_end(now);
        if let Some(entry) = self.entries.last_mut() {
            entry.end = Some(match status {
                Status::Completed => End::completed(document, at),
                _ => End::failed(document, checkpoint, at),
            });
        }
        Outcome::Changed(answer)
    }
}

fn milliseconds(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

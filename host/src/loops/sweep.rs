//! Publishes overdue tasks again: pending ones that nobody claimed, and
//! processing ones whose lease expired. Fails those that missed their deadlines.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::log_throttled;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::lease::{MIN_DEADLINE, PENDING_OVERDUE, has_enough_messages};
use concept_refinement_domain::message::message_for;
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use tokio::sync::watch;

/// Tasks per batch.
const BATCH: u32 = 100;

/// Shortest interval while tasks are due.
const MIN_INTERVAL: Duration = Duration::from_millis(100);

/// Shortest interval while the store fails.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);

/// How late a deadline may be noticed: a second less than is promised.
const LATE: Duration = Duration::from_secs(4);

/// The lease that one host has at a time.
const LEASE_NAME: &str = "sweep";

/// The sweep of one host.
pub struct Sweep {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// Used for timers.
    pub runtime: Arc<dyn Runtime>,
    /// How long a lease lasts.
    pub lease: Duration,
}

impl Sweep {
    /// Takes over and publishes the unfinished tasks of the previous process. Pending
    /// tasks are left to a queue that cannot count its messages, which would otherwise
    /// get one more message per task with each start; those tasks become due in time
    /// anyway.
    pub async fn recover(&self) -> Result<(), CapabilityError> {
        let are_messages_lost = matches!(self.host.queue.length().await, Ok(Some(_)));
        let maintenance = self.host.maintenance();
        let unfinished = maintenance.recover(are_messages_lost).await?;
        if unfinished > 0 {
            tracing::info!(tasks = unfinished, "taking over unfinished tasks");
        }
        while self.has_room().await {
            let due = self.host.maintenance().due(BATCH).await?;
            if due.is_empty() {
                break;
            }
            self.publish(&due).await;
        }
        Ok(())
    }

    /// Retries `recover` until the store works. False: `stop` was set first.
    pub async fn recover_later(&self, mut stop: watch::Receiver<bool>) -> bool {
        let recovered = async {
            self.runtime.sleep(RETRY_INTERVAL).await;
            while let Err(error) = self.recover().await {
                log_throttled!(
                    error every minute,
                    "unfinished tasks cannot be taken over yet",
                    %error
                );
                self.runtime.sleep(RETRY_INTERVAL).await;
            }
        };
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => false,
            () = recovered => true,
        }
    }

    /// Sweeps until `stop` is set. Sleeps until the next task is due or misses its deadline,
    /// but hardly longer than a task created now would take to do so.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let longest = self.lease.min(PENDING_OVERDUE).min(MIN_DEADLINE + LATE);
        let mut shortest = MIN_INTERVAL;
        loop {
            let idle = match self.is_leader(longest).await {
                Ok(true) => self.idle(shortest, longest).await,
                Ok(false) => Ok(longest),
                Err(error) => Err(error),
            };
            let wait = idle.unwrap_or_else(|error| {
                log(&error);
                longest
            });
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => break,
                () = self.runtime.sleep(wait) => {}
            }
            shortest = match self.sweep(longest).await {
                Ok(true) => MIN_INTERVAL,
                Ok(false) => longest,
                Err(error) => {
                    log(&error);
                    RETRY_INTERVAL
                }
            };
        }
        // If this fails, another host takes over once the lease expires.
        let _ = self.host.leader_leases.release(LEASE_NAME).await;
    }

    /// How long there is nothing to do. `shortest`: how long tasks that are due wait at least,
    /// which a deadline does not.
    async fn idle(
        &self,
        shortest: Duration,
        longest: Duration,
    ) -> Result<Duration, CapabilityError> {
        let maintenance = self.host.maintenance();
        let due = maintenance.next_due().await?;
        let deadline = maintenance.next_deadline().await?;
        let now = self.host.clock.now();
        let until = |at: Timestamp, shortest| at.since(now).min(longest).max(shortest);
        let due = due.map_or(longest, |due| until(due, shortest));
        let deadline = deadline.map_or(longest, |deadline| until(deadline, MIN_INTERVAL));
        Ok(due.min(deadline))
    }

    /// False: this host has nothing to do for a while.
    async fn sweep(&self, longest: Duration) -> Result<bool, CapabilityError> {
        if !self.is_leader(longest).await? {
            return Ok(false);
        }
        while self.host.maintenance().miss_deadlines(BATCH).await? == BATCH {}
        if !self.has_room().await {
            return Ok(false);
        }
        let due = self.host.maintenance().due(BATCH).await?;
        self.publish(&due).await;
        Ok(true)
    }

    /// Whether the queue works and has room for more messages. Otherwise due tasks wait.
    async fn has_room(&self) -> bool {
        match self.host.queue.length().await {
            Ok(None | Some(0)) => true,
            Ok(Some(held)) => match self.host.maintenance().tally().await {
                Ok(tally) => !has_enough_messages(held, tally.pending + tally.processing),
                Err(_) => true,
            },
            // The queue reports its errors itself.
            Err(_) => false,
        }
    }

    /// Takes the lease until after this host's next round.
    async fn is_leader(&self, longest: Duration) -> Result<bool, CapabilityError> {
        self.host.leader_leases.take(LEASE_NAME, longest * 2).await
    }

    /// Publishes tasks. One that cannot be published becomes due again later.
    async fn publish(&self, tasks: &[Task]) {
        for task in tasks {
            let published = self.host.queue.publish(message_for(task)).await;
            if let Err(error) = published {
                log_throttled!(
                    error every minute,
                    "a task could not be published again",
                    %error, task = task.id
                );
            }
        }
    }
}

fn log(error: &CapabilityError) {
    log_throttled!(error every minute, "the task store cannot be swept", %error);
}

#[cfg(test)]
mod tests;

//! Garbage collection: removes images that nothing refers to, old records of what operators
//! did and, if there is a retention period, all data that is older. It also corrects the
//! count of images that are missing.
//!
//! A crash, a lost race or a failed deletion can leave an image that nothing refers to.
//! Old data is removed row first, image second, so an interruption leaves at most such an
//! image. It can be stopped at any moment.
//!
//! It deletes nothing if it is uncertain: it removes only images that a store reports,
//! removes nothing by age while the clock is not trusted, and repeats failed deletions
//! in the next round. It works in batches with pauses in between, so that no request
//! waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::Capabilities;
use concept_refinement_capability::administration::{AUDIT_RETENTION, Administration};
use concept_refinement_capability::clock::before;
use concept_refinement_capability::images::Listed;
use concept_refinement_capability::runtime::Runtime;
use concept_refinement_capability::tasks::Expired;
use concept_refinement_domain::capability::{CapabilityError, ErrorKind, ImageKind};
use concept_refinement_domain::clock_trust::{LastRound, Observation, PROBATION, is_day, judge};
use concept_refinement_domain::session::{LIFE, is_abandoned};
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::ready;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::sync::watch;

use crate::loops::unreferenced;
use crate::loops::until_stop::until_stop;

/// Rows or images per batch.
const BATCH: u32 = 100;

const PAUSE: Duration = Duration::from_millis(50);

/// The lease that one host has at a time.
const LEASE_NAME: &str = "garbage";

/// Longer than a round over many images.
const SHORTEST_TERM: Duration = Duration::from_secs(10 * 60);

/// Interval of warnings about a clock that is not trusted.
const WARNING_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Knowledge about the clock that is kept from round to round.
#[derive(Default)]
struct ClockWatch {
    /// None: this process has had no round yet.
    last: Option<LastRound>,
    /// When the last round began, on the runtime's clock.
    began: Option<Duration>,
    warned: Option<Duration>,
}

/// The garbage collector of one host.
pub struct Garbage {
    /// The capabilities that it uses.
    pub host: Arc<Capabilities>,
    /// The audit and the jobs, if the store has them.
    pub administration: Option<Arc<dyn Administration>>,
    /// Used for timers.
    pub runtime: Arc<dyn Runtime>,
    /// Data older than this is removed. None: it is kept.
    pub retention: Option<Duration>,
    /// Data of anonymous users is removed this long after their last session could have
    /// ended. None: it is kept.
    pub anonymous_retention: Option<Duration>,
    /// The day in UTC on which the operator vouches for the clock.
    pub confirmed_day: Option<String>,
    /// Interval of scans over all images, which read a lot to find the few that were left
    /// behind, or that are counted but missing; also the longest interval of rounds.
    pub interval: Duration,
}

impl Garbage {
    /// Collects until `stop` is set. Starts at once, since a crash may have left garbage.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        until_stop(stop, self.rounds()).await;
        // If this fails, another host takes over once the lease expires.
        let _ = self.host.leader_leases.release(LEASE_NAME).await;
    }

    async fn rounds(&self) {
        let retentions = [self.retention, self.anonymous_retention];
        let shortest = retentions.into_iter().flatten().min();
        let pause = shortest.map_or(self.interval, |retention| {
            between_rounds(retention, self.interval)
        });
        let mut next_look = Duration::ZERO;
        let mut clock = ClockWatch::default();
        loop {
            if !self.is_leader(pause).await {
                // The other host now observes the clock.
                clock = ClockWatch::default();
                self.runtime.sleep(pause).await;
                continue;
            }
            // A jump of the clock after this is not trusted in this round.
            let believed = self.believed(&mut clock).await;
            if let (Some(administration), Some(now)) = (&self.administration, believed)
                && let Err(error) = administration
                    .prune_audit(before(now, AUDIT_RETENTION))
                    .await
            {
                tracing::error!(%error, "old audit entries and jobs cannot be removed");
            }
            if let (Some(retention), Some(now)) = (self.retention, believed) {
                let age = before(now, retention);
                log(self.remove_older(age).await, "what is old");
            }
            if let (Some(retention), Some(now)) = (self.anonymous_retention, believed) {
                let ended = before(now, retention);
                let removed = self.remove_abandoned(ended).await;
                log(removed, "what anonymous users left");
            }
            if next_look <= self.runtime.elapsed() {
                let removed = self.remove_unreferenced(ImageKind::Refined, None).await;
                log(removed, "what nothing refers to");
                if let Err(error) = self.host.images.reconcile().await {
                    tracing::error!(%error, "images cannot be compared with what is counted");
                }
                next_look = self.runtime.elapsed() + self.interval;
            }
            self.runtime.sleep(pause).await;
        }
    }

    /// Takes the lease until after this host's next round.
    async fn is_leader(&self, pause: Duration) -> bool {
        let term = pause.saturating_mul(2).max(SHORTEST_TERM);
        let taken = self.host.leader_leases.take(LEASE_NAME, term).await;
        taken.unwrap_or_else(|error| {
            tracing::error!(%error, "it is unknown who collects garbage");
            false
        })
    }

    /// Begins a round: returns the time to use for removals by age, or None if the clock
    /// is not trusted. If the observation cannot be stored because the disk is full, the
    /// time counts anyway, since deleting frees space.
    async fn believed(&self, clock: &mut ClockWatch) -> Option<Timestamp> {
        let observed = async {
            let maintenance = self.host.maintenance();
            let last = match clock.last {
                Some(last) => Some(last),
                None => maintenance.last_round().await?,
            };
            let elapsed = self.runtime.elapsed();
            let began = clock.began.replace(elapsed);
            let now = self.host.clock.now();
            let is_confirmed = |day: &String| began.is_none() && is_day(now, day);
            let round = judge(
                last,
                Observation {
                    now,
                    ran: began.map(|began| elapsed.saturating_sub(began)),
                    is_confirmed: self.confirmed_day.as_ref().is_some_and(is_confirmed),
                    retention: self.shortest_life(),
                },
            );
            clock.last = Some(round);
            match maintenance.remember_round(round).await {
                Err(error) if error.kind != ErrorKind::Full => Err(error),
                Ok(()) | Err(_) => Ok((round, elapsed)),
            }
        };
        let (LastRound { at, probation }, elapsed) = match observed.await {
            Ok(round) => round,
            Err(error) => {
                tracing::error!(%error, "nothing is deleted for its age: the last round is unknown");
                return None;
            }
        };
        let Some(agreed) = probation else {
            clock.warned = None;
            return Some(at);
        };
        let since = clock.warned.map(|warned| elapsed.saturating_sub(warned));
        if since.is_none_or(|since| since >= WARNING_INTERVAL) {
            clock.warned = Some(elapsed);
            self.warn(at, agreed);
        }
        None
    }

    /// The shortest of the configured retention periods.
    fn shortest_life(&self) -> Duration {
        let anonymous = self
            .anonymous_retention
            .map(|time| time.saturating_add(LIFE));
        let lives = [self.retention, anonymous].into_iter().flatten();
        lives.min().unwrap_or(Duration::MAX)
    }

    fn warn(&self, now: Timestamp, agreed: Duration) {
        if self.retention.or(self.anonymous_retention).is_some() {
            let hours = PROBATION.saturating_sub(agreed).as_secs().div_ceil(60 * 60);
            let time = now.to_string();
            let day = time.split('T').next().unwrap_or_default();
            tracing::warn!(
                "the clock jumped, or the service was off for long: nothing is deleted for its \
                 age until the clock has agreed with {hours} more hours of running time. It says \
                 {time}; if that is right, restart with --confirm-clock {day}"
            );
        }
    }

    /// Removes uploads, tasks and concepts from before this time. Uploads come first: on
    /// a full disk that frees the space which the task store needs for its own deletions.
    async fn remove_older(&self, age: Timestamp) -> Result<Removed, CapabilityError> {
        let mut removed = self
            .remove_unreferenced(ImageKind::Upload, Some(age))
            .await?;
        let expire = || self.host.maintenance().expire(age, BATCH);
        while self.finish(expire().await?, &mut removed).await {}
        Ok(removed)
    }

    /// Removes the data of anonymous users whose last session must have ended before this
    /// time.
    async fn remove_abandoned(&self, ended: Timestamp) -> Result<Removed, CapabilityError> {
        let mut removed = Removed::default();
        let images = self.host.images.list(ImageKind::Upload).await?;
        let is_old = |image: &Listed| is_abandoned(image.created_at, None, ended);
        let mut batches = images
            .try_filter_map(|image| {
                let owner = image.anonymous_owner.clone().filter(|_| is_old(&image));
                ready(Ok(owner.map(|owner| (owner, image))))
            })
            .try_chunks(usize::try_from(BATCH).unwrap_or(usize::MAX))
            .boxed();
        while let Some(uploads) = batches.next().await {
            let uploads = uploads.map_err(|broken| broken.1)?;
            let owners = uploads.iter().map(|(owner, _)| owner.clone()).collect();
            let gone = self.host.maintenance().without_session(owners, ended);
            let gone: BTreeSet<_> = gone.await?.into_iter().collect();
            let abandoned = uploads
                .into_iter()
                .filter(|(owner, _)| gone.contains(owner));
            let abandoned = abandoned.map(|(_, image)| image).collect();
            removed.images += unreferenced::delete_unreferenced(&self.host, abandoned).await?;
            self.runtime.sleep(PAUSE).await;
        }
        let abandon = || self.host.maintenance().abandon(ended, BATCH);
        while self.finish(abandon().await?, &mut removed).await {}
        Ok(removed)
    }

    /// Deletes the images of a batch whose records are gone, and counts it. False: there was
    /// none left.
    async fn finish(&self, batch: Expired, removed: &mut Removed) -> bool {
        if batch == Expired::default() {
            return false;
        }
        removed.tasks += u64::from(batch.tasks);
        removed.concepts += u64::from(batch.concepts);
        removed.images += unreferenced::delete(&self.host, batch.image_paths).await;
        self.runtime.sleep(PAUSE).await;
        true
    }

    /// Removes unreferenced images of a kind; if a time is given, only older ones.
    async fn remove_unreferenced(
        &self,
        kind: ImageKind,
        age: Option<Timestamp>,
    ) -> Result<Removed, CapabilityError> {
        let is_old = |image: &Listed| age.is_none_or(|age| image.created_at < age);
        let images = unreferenced::remove(&self.host, &*self.runtime, kind, is_old).await?;
        Ok(Removed {
            images,
            ..Removed::default()
        })
    }
}

/// Data is kept at most a tenth of the retention period too long, or one interval.
fn between_rounds(retention: Duration, interval: Duration) -> Duration {
    (retention / 10).max(Duration::from_secs(1)).min(interval)
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Removed {
    tasks: u64,
    concepts: u64,
    images: u64,
}

fn log(removed: Result<Removed, CapabilityError>, what: &str) {
    match removed {
        Ok(removed) if removed == Removed::default() => {}
        Ok(Removed {
            tasks,
            concepts,
            images,
        }) => tracing::info!(tasks, concepts, images, "removed {what}"),
        Err(error) => tracing::error!(%error, "{what} cannot be removed"),
    }
}

#[cfg(test)]
mod tests;

//! Tracks when a request last made progress: while its body is still arriving, neither
//! the request nor its instance counts as stuck.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The time of the last progress, in milliseconds since `START`.
#[derive(Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

/// The progress of a request, which also counts as progress of its instance.
#[derive(Clone)]
pub struct Activity {
    request: Progress,
    instance: Arc<OnceLock<Progress>>,
}

impl Progress {
    pub fn last(&self) -> Instant {
        *START + Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    /// Progress is made now.
    pub fn record(&self) {
        let since = u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(since, Ordering::Relaxed);
    }
}

impl Activity {
    /// For a new request.
    pub fn begin() -> Self {
        let activity = Self {
            request: Progress::default(),
            instance: Arc::default(),
        };
        activity.record();
        activity
    }

    /// Sets the instance that has taken the request.
    pub fn taken_by(&self, instance: &Progress) {
        // Already set if the request was taken before, which does not happen.
        let _ = self.instance.set(instance.clone());
        self.record();
    }

    pub fn record(&self) {
        self.request.record();
        if let Some(instance) = self.instance.get() {
            instance.record();
        }
    }

    /// Waits until there was no progress for this long.
    pub async fn idle_for(self, limit: Duration) {
        loop {
            let stuck = self.request.last() + limit;
            if stuck <= Instant::now() {
                return;
            }
            sleep_until(stuck.into()).await;
        }
    }
}

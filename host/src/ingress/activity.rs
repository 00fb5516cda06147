//! When something last moved: a request whose body still comes is not stuck,
//! and neither is the instance that reads it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use tokio::time::sleep_until;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The last movement, in milliseconds since the process began to look.
#[derive(Clone, Default)]
pub struct Movement(Arc<AtomicU64>);

/// The movement of one request, which counts for its instance too.
#[derive(Clone)]
pub struct Activity {
    request: Movement,
    instance: Arc<OnceLock<Movement>>,
}

impl Movement {
    pub fn last(&self) -> Instant {
        *START + Duration::from_millis(self.0.load(Ordering::Relaxed))
    }

    fn moved(&self) {
        let since = u64::try_from(START.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.fetch_max(since, Ordering::Relaxed);
    }
}

impl Activity {
    /// Of a request that begins now.
    pub fn begin() -> Self {
        let activity = Self {
            request: Movement::default(),
            instance: Arc::default(),
        };
        activity.moved();
        activity
    }

    /// The instance that took the request.
    pub fn taken_by(&self, instance: &Movement) {
        // It is taken once.
        let _ = self.instance.set(instance.clone());
        self.moved();
    }

    pub fn moved(&self) {
        self.request.moved();
        if let Some(instance) = self.instance.get() {
            instance.moved();
        }
    }

    /// Waits until nothing has moved for so long.
    pub async fn stuck_for(self, limit: Duration) {
        loop {
            let stuck = self.request.last() + limit;
            if stuck <= Instant::now() {
                return;
            }
            sleep_until(stuck.into()).await;
        }
    }
}

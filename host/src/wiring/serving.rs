//! A running server: its address, its background work, and how that is stopped.

use std::future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::cores::Cores;
use concept_refinement_capability::tasks::watchers::Watchers;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::traces::Sending;

/// The grace period for work in progress. The rest of the 30 s that a stop may take is
/// for releasing unfinished tasks.
const GRACE: Duration = Duration::from_secs(28);

/// How long what is released after the grace period may answer, before its connections are
/// closed.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A running server. Dropping it aborts its work without waiting; accepted
/// tasks stay stored.
pub struct Serving {
    /// Dropped first, which aborts them.
    loops: JoinSet<()>,
    address: SocketAddr,
    watchers: Arc<Watchers>,
    stop: watch::Sender<bool>,
    cancel: CancellationToken,
    cut_off: CancellationToken,
    /// Cancelled once any of the loops has ended.
    ended: CancellationToken,
    _monitoring: Option<AbortOnDropHandle<()>>,
    cores: Arc<Cores>,
    sending: Sending,
}

/// Signals for background work to end.
pub(super) struct Stop {
    /// Becomes true when no more work should be started.
    pub stopped: watch::Receiver<bool>,
    /// Cancelled when work in progress should be released.
    pub cancelled: CancellationToken,
    /// Cancelled when connections should be closed.
    pub cut_off: CancellationToken,
}

impl Serving {
    /// Without any background work yet.
    pub(super) fn new(address: SocketAddr, watchers: Arc<Watchers>, cores: Arc<Cores>) -> Self {
        Self {
            loops: JoinSet::new(),
            address,
            watchers,
            stop: watch::Sender::new(false),
            cancel: CancellationToken::new(),
            cut_off: CancellationToken::new(),
            ended: CancellationToken::new(),
            _monitoring: None,
            cores,
            sending: Sending::default(),
        }
    }

    /// Starts background work, which has to end once it gets the signal to stop.
    pub(super) fn spawn<F>(&mut self, run: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let stop = Stop {
            stopped: self.stop.subscribe(),
            cancelled: self.cancel.clone(),
            cut_off: self.cut_off.clone(),
        };
        let (run, ended) = (run(stop), self.ended.clone().drop_guard());
        self.loops.spawn(async move {
            // Dropped at the end, and also if it panics.
            let _ended = ended;
            run.await;
        });
    }

    /// Completes once any background work has ended.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Monitoring ends with this, without being waited for.
    pub(super) fn monitored_by(&mut self, monitoring: AbortOnDropHandle<()>) {
        self._monitoring = Some(monitoring);
    }

    /// The last spans are sent when everything else has ended.
    pub(crate) fn traced_by(mut self, sending: Sending) -> Self {
        self.sending = sending;
        self
    }

    /// The address of the listener.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts no more work, finishes work in progress or releases it after a grace
    /// period of 28 s, and ends.
    pub async fn stop(self) {
        self.stop_before(future::pending()).await;
    }

    /// The same, with a grace period that ends no later than `deadline`.
    pub(crate) async fn stop_before(mut self, deadline: impl Future<Output = ()>) {
        self.stop.send_replace(true);
        self.watchers.disconnect_all();
        let loops = &mut self.loops;
        let mut ended = pin!(async {
            while let Some(ended) = loops.join_next().await {
                if let Err(error) = ended {
                    tracing::error!(%error, "a loop of the host ended early");
                }
            }
        });
        let in_time = tokio::select! {
            () = &mut ended => true,
            () = tokio::time::sleep(GRACE) => false,
            () = deadline => false,
        };
        if !in_time {
            self.cancel.cancel();
            // A push is told that its work was released.
            if timeout(LAST_ANSWERS, &mut ended).await.is_err() {
                self.cut_off.cancel();
                ended.await;
            }
        }
        self.cores.shut_down().await;
        self.sending.stop().await;
    }
}

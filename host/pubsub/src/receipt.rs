//! A pulled message, which belongs to its worker until it is acked or nacked.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::queue::Receipt;
use concept_refinement_domain::capability::Lease;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::api::Api;
use super::fault::Fault;

/// How often the message's deadline is extended: well within the shortest that a
/// subscription may have (10 s).
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// New deadline from each extension on: some extensions may fail.
const DEADLINE: Duration = Duration::from_secs(30);

/// The longest delay that Pub/Sub allows.
const MAX_DELAY: Duration = Duration::from_secs(600);

pub(super) struct Unanswered {
    api: Arc<Api>,
    ack_id: Arc<str>,
    _progress: AbortOnDropHandle<()>,
}

impl Unanswered {
    /// Starts to extend the message's deadline.
    pub(super) fn new(api: Arc<Api>, ack_id: String) -> Self {
        let ack_id: Arc<str> = ack_id.into();
        let progress = move_deadline(Arc::clone(&api), Arc::clone(&ack_id));
        Self {
            api,
            ack_id,
            _progress: AbortOnDropHandle::new(tokio::spawn(progress)),
        }
    }
}

async fn move_deadline(api: Arc<Api>, ack_id: Arc<str>) {
    loop {
        sleep(PROGRESS_INTERVAL).await;
        log(api.modify_deadline(&ack_id, DEADLINE.as_secs()).await);
    }
}

/// Losing the answer is harmless: the message is delivered again.
fn log(answered: Result<(), Fault>) {
    if let Err(error) = answered {
        tracing::debug!(%error, "a message could not be answered for");
    }
}

impl Receipt for Unanswered {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        // This ends the extensions of the deadline.
        let Self { api, ack_id, .. } = *self;
        async move { log(api.acknowledge(&ack_id).await) }.boxed()
    }

    fn nack(self: Box<Self>, delay: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
        let Self { api, ack_id, .. } = *self;
        let delay = delay.min(MAX_DELAY);
        let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
        async move { log(api.modify_deadline(&ack_id, seconds).await) }.boxed()
    }
}

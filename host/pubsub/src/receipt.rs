//! A pulled message, which belongs to its worker until that answers for it.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::queue::Receipt;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::api::Api;
use super::fault::Fault;

/// How often the message's deadline is moved: well within the shortest that a
/// subscription may have (10 s).
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

/// Where it is moved to: some moves may fail.
const DEADLINE: Duration = Duration::from_secs(30);

/// Delay until a message that nobody answered for is delivered again.
const REDELIVERY_DELAY: Duration = Duration::from_secs(1);

/// The longest delay that Pub/Sub takes.
const MAX_DELAY: Duration = Duration::from_secs(600);

pub(super) struct Unanswered {
    api: Arc<Api>,
    ack_id: Arc<str>,
    is_answered: bool,
    /// What answers when this is dropped, wherever that happens.
    runtime: Handle,
    _progress: AbortOnDropHandle<()>,
}

impl Unanswered {
    /// Moves the message's deadline from here on.
    pub(super) fn new(api: Arc<Api>, ack_id: String) -> Self {
        let ack_id: Arc<str> = ack_id.into();
        let progress = move_deadline(Arc::clone(&api), Arc::clone(&ack_id));
        Self {
            api,
            ack_id,
            is_answered: false,
            runtime: Handle::current(),
            _progress: AbortOnDropHandle::new(tokio::spawn(progress)),
        }
    }

    /// Ends the moves of the deadline; what is left is to answer.
    fn into_parts(mut self) -> (Arc<Api>, Arc<str>) {
        self.is_answered = true;
        (Arc::clone(&self.api), Arc::clone(&self.ack_id))
    }
}

async fn move_deadline(api: Arc<Api>, ack_id: Arc<str>) {
    loop {
        sleep(PROGRESS_INTERVAL).await;
        log(api.modify_deadline(&ack_id, DEADLINE.as_secs()).await);
    }
}

async fn deliver_again(api: Arc<Api>, ack_id: Arc<str>, delay: Duration) {
    let delay = delay.min(MAX_DELAY);
    let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
    log(api.modify_deadline(&ack_id, seconds).await);
}

/// A lost answer is harmless: the message is delivered again.
fn log(answered: Result<(), Fault>) {
    if let Err(error) = answered {
        tracing::debug!(%error, "a message could not be answered for");
    }
}

impl Receipt for Unanswered {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        let (api, ack_id) = self.into_parts();
        async move { log(api.acknowledge(&ack_id).await) }.boxed()
    }

    fn nack(self: Box<Self>, delay: Duration) -> BoxFuture<'static, ()> {
        let (api, ack_id) = self.into_parts();
        deliver_again(api, ack_id, delay).boxed()
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.is_answered {
            let (api, ack_id) = (Arc::clone(&self.api), Arc::clone(&self.ack_id));
            self.runtime
                .spawn(deliver_again(api, ack_id, REDELIVERY_DELAY));
        }
    }
}

//! A delivered message, which belongs to its worker until that answers for it.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::message::{AckKind, Acker};
use concept_refinement_capability::queue::Receipt;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

use super::link::Link;

/// How often the server is told that the message is being worked on: well within
/// the consumer's ack wait.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

/// Delay until a message that nobody answered for is delivered again.
const REDELIVERY_DELAY: Duration = Duration::from_secs(1);

/// The longest delay, whatever a worker asks for.
const MAX_DELAY: Duration = Duration::from_secs(60 * 60);

pub(super) struct Unanswered {
    link: Arc<Link>,
    acker: Arc<Acker>,
    is_answered: bool,
    /// What answers when this is dropped, wherever that happens.
    runtime: Handle,
    _progress: AbortOnDropHandle<()>,
}

impl Unanswered {
    /// Tells the server from here on that the message is being worked on.
    pub(super) fn new(link: Arc<Link>, acker: Acker) -> Self {
        let acker = Arc::new(acker);
        let progress = report_progress(Arc::clone(&link), Arc::clone(&acker));
        Self {
            link,
            acker,
            is_answered: false,
            runtime: Handle::current(),
            _progress: AbortOnDropHandle::new(tokio::spawn(progress)),
        }
    }

    /// Ends the reports of progress, then answers.
    fn answer(mut self: Box<Self>, answer: AckKind) -> BoxFuture<'static, ()> {
        self.is_answered = true;
        let (link, acker) = (Arc::clone(&self.link), Arc::clone(&self.acker));
        drop(self);
        async move { link.answer(&acker, answer).await }.boxed()
    }
}

async fn report_progress(link: Arc<Link>, acker: Arc<Acker>) {
    loop {
        tokio::time::sleep(PROGRESS_INTERVAL).await;
        link.answer(&acker, AckKind::Progress).await;
    }
}

impl Receipt for Unanswered {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.answer(AckKind::Ack)
    }

    fn nack(self: Box<Self>, delay: Duration) -> BoxFuture<'static, ()> {
        self.answer(AckKind::Nak(Some(delay.min(MAX_DELAY))))
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if !self.is_answered {
            let (link, acker) = (Arc::clone(&self.link), Arc::clone(&self.acker));
            self.runtime.spawn(async move {
                let again = AckKind::Nak(Some(REDELIVERY_DELAY));
                link.answer(&acker, again).await;
            });
        }
    }
}

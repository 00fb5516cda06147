//! A delivered message, which belongs to its worker until it is acked or nacked.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::message::{AckKind, Acker};
use concept_refinement_capability::queue::Receipt;
use concept_refinement_domain::capability::Lease;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_util::task::AbortOnDropHandle;

use super::connection::Connection;

/// How often a worker reports to the server that the message is in progress: well within
/// the consumer's ack wait.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(10);

pub(super) struct Unanswered {
    connection: Arc<Connection>,
    acker: Arc<Acker>,
    _progress: AbortOnDropHandle<()>,
}

impl Unanswered {
    /// Starts to report progress on the message to the server.
    pub(super) fn new(connection: Arc<Connection>, acker: Acker) -> Self {
        let acker = Arc::new(acker);
        let progress = report_progress(Arc::clone(&connection), Arc::clone(&acker));
        Self {
            connection,
            acker,
            _progress: AbortOnDropHandle::new(tokio::spawn(progress)),
        }
    }

    /// Ends the progress reports, then acks or nacks.
    fn answer(self, answer: AckKind) -> BoxFuture<'static, ()> {
        let Self {
            connection, acker, ..
        } = self;
        async move { connection.answer(&acker, answer).await }.boxed()
    }
}

async fn report_progress(connection: Arc<Connection>, acker: Arc<Acker>) {
    loop {
        tokio::time::sleep(PROGRESS_INTERVAL).await;
        connection.answer(&acker, AckKind::Progress).await;
    }
}

impl Receipt for Unanswered {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.answer(AckKind::Ack)
    }

    fn nack(self: Box<Self>, delay: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
        self.answer(AckKind::Nak(Some(delay)))
    }
}

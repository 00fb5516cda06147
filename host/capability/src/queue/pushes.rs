//! Messages that are pushed to this process, in addition to those that it fetches from
//! its queue.
//!
//! A push is answered once its message is done; workers take pushed messages like any
//! other.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_domain::capability::Lease;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Delivery, QueueOperation, QueueReply, Receipt, TaskQueue};
use crate::Answer;
use crate::intercept::{Intercepted, Interceptor, Operations as _};
use crate::pause::Pause;

/// How long a push waits for a free worker. After that its sender tries again.
const WORKER_TIMEOUT: Duration = Duration::from_secs(30);

/// Where pushed messages wait for a worker.
pub struct Pushes {
    sender: mpsc::Sender<Push>,
    receiver: Mutex<mpsc::Receiver<Push>>,
    closed: CancellationToken,
    pause: Arc<Pause>,
}

/// A message that waits for a worker.
struct Push {
    message: Vec<u8>,
    /// Notified when a worker takes it. Closed: the pusher no longer waits.
    taken: oneshot::Sender<()>,
    /// Whether the message is done.
    answer: oneshot::Sender<bool>,
}

impl Pushes {
    /// None are accepted while the queue is paused.
    pub fn new(pause: Arc<Pause>) -> Self {
        // Pushes beyond this one wait in `send`.
        let (sender, receiver) = mpsc::channel(1);
        Self {
            sender,
            receiver: Mutex::new(receiver),
            closed: CancellationToken::new(),
            pause,
        }
    }

    /// Lets a worker process a message. True: it is done; false: it has to be pushed
    /// again.
    pub async fn deliver(&self, message: Vec<u8>) -> bool {
        let (taken, is_taken) = oneshot::channel();
        let (answer, answered) = oneshot::channel();
        let push = Push {
            message,
            taken,
            answer,
        };
        let offered = async {
            self.sender.send(push).await.ok()?;
            is_taken.await.ok()
        };
        let offered = async {
            tokio::select! {
                biased;
                () = self.pause.becomes(true) => None,
                offered = offered => offered,
            }
        };
        let offered = timeout(WORKER_TIMEOUT, offered);
        match self.closed.run_until_cancelled(offered).await {
            Some(Ok(Some(()))) => answered.await.unwrap_or(false),
            Some(Ok(None) | Err(_)) | None => false,
        }
    }

    /// From now on, messages that no worker has taken are to be pushed again.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// A queue that delivers these messages as well.
    pub fn beside(self: &Arc<Self>, queue: Arc<dyn TaskQueue>) -> Arc<dyn TaskQueue> {
        Arc::new(Intercepted::new(queue, Arc::clone(self) as _))
    }

    /// Cancel-safe.
    async fn next(&self) -> Delivery {
        let mut receiver = self.receiver.lock().await;
        while let Some(push) = receiver.recv().await {
            if push.taken.send(()).is_ok() {
                let receipt = Box::new(Pushed(push.answer));
                return Delivery::of_message(&push.message, receipt);
            }
        }
        // Unreachable, since `self` keeps the sender.
        pending().await
    }
}

impl Interceptor<dyn TaskQueue> for Pushes {
    fn intercept<'a>(
        &'a self,
        operation: QueueOperation<'a>,
        inner: &'a Arc<dyn TaskQueue>,
    ) -> Answer<'a, QueueReply> {
        let QueueOperation::Receive {} = operation else {
            return inner.run(operation);
        };
        Box::pin(async move {
            let delivery = tokio::select! {
                pushed = self.next() => pushed,
                delivered = inner.receive() => delivered?,
            };
            Ok(QueueReply::Delivery(delivery))
        })
    }
}

/// Where the answer to a push goes; if none is sent, it has to be pushed again.
struct Pushed(oneshot::Sender<bool>);

impl Pushed {
    fn answer(self, is_done: bool) {
        // The pusher may have disconnected.
        let _ = self.0.send(is_done);
    }
}

impl Receipt for Pushed {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        self.answer(true);
        ready(()).boxed()
    }

    /// Ignores the delay: the sender has its own.
    fn nack(self: Box<Self>, _: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
        self.answer(false);
        ready(()).boxed()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending as never;

    use concept_refinement_domain::capability::CapabilityError;

    use super::*;

    struct Silent;

    fn message(task_id: &str) -> Vec<u8> {
        format!(r#"{{"task_id":"{task_id}"}}"#).into()
    }

    impl TaskQueue for Silent {
        fn publish(&self, _: Vec<u8>) -> Answer<'_, ()> {
            ready(Ok(())).boxed()
        }

        fn receive(&self) -> Answer<'_, Delivery> {
            never::<Result<Delivery, CapabilityError>>().boxed()
        }

        fn check(&self) -> Answer<'_, ()> {
            ready(Ok(())).boxed()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_push_is_answered_as_its_message_is() {
        let pushes = Arc::new(Pushes::new(Arc::default()));
        let queue = pushes.beside(Arc::new(Silent));
        for (name, is_done) in [("ack", true), ("nack", false), ("dropped", false)] {
            let answer = async {
                let delivery = queue.receive().await.unwrap();
                assert_eq!(delivery.work().task_id(), Some(name));
                match name {
                    "ack" => delivery.ack().await,
                    "nack" => delivery.nack(Duration::from_secs(1)).await,
                    _ => drop(delivery),
                }
            };
            let pushed = pushes.deliver(message(name));
            let (pushed, ()) = futures::future::join(pushed, answer).await;
            assert_eq!(pushed, is_done, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_no_worker_takes_in_time_or_before_the_end_comes_again() {
        let pushes = Arc::new(Pushes::new(Arc::default()));
        assert!(!pushes.deliver(message("too late")).await);
        let queue = pushes.beside(Arc::new(Silent));
        let deliver = |message: &str| {
            let (pushes, message) = (Arc::clone(&pushes), self::message(message));
            tokio::spawn(async move { pushes.deliver(message).await })
        };
        let begun = deliver("begun");
        // A message whose pusher has left is not processed.
        let delivery = queue.receive().await.unwrap();
        assert_eq!(delivery.work().task_id(), Some("begun"));
        let waits = deliver("waits");
        tokio::task::yield_now().await;
        pushes.close();
        assert!(!waits.await.unwrap());
        delivery.ack().await;
        assert!(begun.await.unwrap());
    }
}

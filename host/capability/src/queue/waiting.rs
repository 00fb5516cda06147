//! Receivers waiting for a message, first come, first served. A message that was handed
//! to a receiver that has left goes to the next one.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;

use concept_refinement_domain::capability::CapabilityError;
use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};
use tokio_util::task::AbortOnDropHandle;

use crate::queue::Delivery;

type Handed = Result<Delivery, CapabilityError>;

/// The receivers waiting for a message, first come, first served.
#[derive(Default)]
pub struct Waiting {
    waiters: Mutex<VecDeque<oneshot::Sender<Handed>>>,
    joined: Notify,
}

/// The receivers of a queue, and the task that fetches messages for them until this is
/// dropped.
pub struct Fetching {
    waiting: Arc<Waiting>,
    _fetching: AbortOnDropHandle<()>,
}

impl Fetching {
    /// Spawns what fetches messages for the receivers. It never completes.
    pub fn start<F>(fetch: impl FnOnce(Arc<Waiting>) -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let waiting = Arc::<Waiting>::default();
        let fetching = tokio::spawn(fetch(Arc::clone(&waiting)));
        Self {
            waiting,
            _fetching: AbortOnDropHandle::new(fetching),
        }
    }

    /// See [`Waiting::next`].
    pub async fn next(&self) -> Handed {
        self.waiting.next().await
    }
}

impl Waiting {
    /// Waits for a message, or for the error that prevents delivery. Cancel-safe.
    pub async fn next(&self) -> Handed {
        let (sender, receiver) = oneshot::channel();
        let mut seat = Seat {
            receiver,
            waiting: self,
        };
        self.waiters.lock().push_back(sender);
        self.joined.notify_one();
        match (&mut seat.receiver).await {
            Ok(handed) => handed,
            // Unreachable: the sender is used before it is dropped.
            Err(_) => pending().await,
        }
    }

    /// How many receivers wait.
    pub fn count(&self) -> usize {
        let mut waiters = self.waiters.lock();
        waiters.retain(|receiver| !receiver.is_closed());
        waiters.len()
    }

    /// Waits until there is a receiver, and returns how many there are.
    pub async fn receivers(&self) -> usize {
        loop {
            match self.count() {
                0 => self.joined().await,
                count => return count,
            }
        }
    }

    /// Completes when a receiver has joined since the last time.
    pub async fn joined(&self) {
        self.joined.notified().await;
    }

    /// Hands a message to the receiver that has waited longest. If there is none, the
    /// message is dropped, and so delivered again, perhaps to another host.
    pub fn hand(&self, mut delivery: Delivery) {
        loop {
            let Some(first) = self.waiters.lock().pop_front() else {
                return;
            };
            match first.send(Ok(delivery)) {
                Err(Ok(back)) => delivery = back,
                // An `Err` never comes back: only a message was sent.
                Ok(()) | Err(Err(_)) => return,
            }
        }
    }

    /// Fails all waiting receivers with this error.
    pub fn fail(&self, error: &CapabilityError) {
        let waiters = std::mem::take(&mut *self.waiters.lock());
        for receiver in waiters {
            // A receiver that has left needs no error.
            let _ = receiver.send(Err(error.clone()));
        }
    }
}

/// The place of one receiver in the queue.
struct Seat<'a> {
    receiver: oneshot::Receiver<Handed>,
    waiting: &'a Waiting,
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.receiver.close();
        if let Ok(Ok(delivery)) = self.receiver.try_recv() {
            self.waiting.hand(delivery);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::{BoxFuture, ready};

    use concept_refinement_domain::capability::Lease;
    use concept_refinement_domain::message::Parsed;

    use super::*;
    use crate::queue::{Receipt, Work};

    struct Unanswered;

    impl Receipt for Unanswered {
        fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
            ready(()).boxed()
        }

        fn nack(self: Box<Self>, _: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
            ready(()).boxed()
        }
    }

    fn delivery(name: &str) -> Delivery {
        let named = Parsed::Valid {
            task_id: name.to_owned(),
            user_id: String::new(),
        };
        Delivery::new(Work::Message(named), Box::new(Unanswered))
    }

    fn name(handed: Handed) -> String {
        handed.unwrap().work().task_id().unwrap().to_owned()
    }

    #[tokio::test]
    async fn who_leaves_passes_the_message_on() {
        let waiting = Arc::<Waiting>::default();
        let mut first = Box::pin(waiting.next());
        let mut second = Box::pin(waiting.next());
        let mut third = Box::pin(waiting.next());
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        assert!((&mut third).now_or_never().is_none());
        assert_eq!(waiting.count(), 3);
        drop(second);
        assert_eq!(waiting.count(), 2);
        waiting.hand(delivery("a"));
        drop(first);
        assert_eq!(name(third.await), "a");
        assert_eq!(waiting.count(), 0);
    }

    #[tokio::test]
    async fn all_who_wait_are_told_of_a_fault_and_later_ones_wait() {
        let waiting = Arc::<Waiting>::default();
        let mut first = Box::pin(waiting.next());
        assert!((&mut first).now_or_never().is_none());
        waiting.fail(&CapabilityError::unavailable("away"));
        assert!(first.await.is_err());
        let mut second = Box::pin(waiting.next());
        assert!((&mut second).now_or_never().is_none());
        waiting.hand(delivery("b"));
        assert_eq!(name(second.await), "b");
    }
}

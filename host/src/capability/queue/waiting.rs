//! Receivers that wait for a message, first come, first served. A message that
//! was handed to one that leaves goes to the next.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use concept_refinement_domain::capability::CapabilityError;
use tokio::sync::{Notify, oneshot};

use crate::capability::queue::Delivery;

type Handed = Result<Delivery, CapabilityError>;

#[derive(Default)]
pub(in crate::capability) struct Waiting {
    line: Mutex<VecDeque<oneshot::Sender<Handed>>>,
    joined: Notify,
}

impl Waiting {
    /// Waits for a message, or for the fault that keeps it away. None: nobody
    /// fetches any more. Cancel-safe.
    pub(in crate::capability) async fn next(self: &Arc<Self>) -> Option<Handed> {
        let (sender, receiver) = oneshot::channel();
        let mut seat = Seat {
            receiver,
            waiting: self,
        };
        self.line().push_back(sender);
        self.joined.notify_one();
        (&mut seat.receiver).await.ok()
    }

    /// How many wait.
    pub(in crate::capability) fn count(&self) -> usize {
        let mut line = self.line();
        line.retain(|receiver| !receiver.is_closed());
        line.len()
    }

    /// Ends when somebody has come since the last time.
    pub(in crate::capability) async fn joined(&self) {
        self.joined.notified().await;
    }

    /// Hands a message to who waits longest. If nobody does, it is dropped, and
    /// so delivered again, perhaps to another host.
    pub(in crate::capability) fn hand(&self, mut delivery: Delivery) {
        loop {
            let Some(first) = self.line().pop_front() else {
                return;
            };
            match send(first, delivery) {
                Ok(()) => return,
                Err(back) => delivery = back,
            }
        }
    }

    /// Takes who waits longest out of the line, for a message that is about to be
    /// there. None: nobody waits.
    pub(in crate::capability) fn reserve(self: &Arc<Self>) -> Option<Reservation> {
        let mut line = self.line();
        loop {
            let receiver = line.pop_front()?;
            if !receiver.is_closed() {
                return Some(Reservation {
                    receiver: Some(receiver),
                    waiting: Arc::clone(self),
                });
            }
        }
    }

    /// Tells all who wait why they wait in vain.
    pub(in crate::capability) fn fail(&self, error: &CapabilityError) {
        let line = std::mem::take(&mut *self.line());
        for receiver in line {
            // Who has left need not be told.
            let _ = receiver.send(Err(error.clone()));
        }
    }

    fn line(&self) -> MutexGuard<'_, VecDeque<oneshot::Sender<Handed>>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that waits, for a certain message. If that does not come, it waits for the
/// next one.
pub(in crate::capability) struct Reservation {
    /// None once it has the message.
    receiver: Option<oneshot::Sender<Handed>>,
    waiting: Arc<Waiting>,
}

impl Reservation {
    /// If it has left meanwhile, the next one gets the message.
    pub(in crate::capability) fn hand(mut self, delivery: Delivery) {
        if let Some(receiver) = self.receiver.take()
            && let Err(back) = send(receiver, delivery)
        {
            self.waiting.hand(back);
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(receiver) = self.receiver.take() {
            self.waiting.line().push_front(receiver);
            self.waiting.joined.notify_one();
        }
    }
}

/// The message comes back from one that has left.
fn send(receiver: oneshot::Sender<Handed>, delivery: Delivery) -> Result<(), Delivery> {
    match receiver.send(Ok(delivery)) {
        // Nothing but a message was sent.
        Ok(()) | Err(Err(_)) => Ok(()),
        Err(Ok(back)) => Err(back),
    }
}

/// The place of one that waits.
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
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::{BoxFuture, ready};

    use super::*;
    use crate::capability::queue::Receipt;

    struct Unanswered;

    impl Receipt for Unanswered {
        fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
            ready(()).boxed()
        }

        fn nack(self: Box<Self>, _: Duration) -> BoxFuture<'static, ()> {
            ready(()).boxed()
        }
    }

    fn delivery(name: &str) -> Delivery {
        Delivery::new(Some(name.to_owned()), Vec::new(), Box::new(Unanswered))
    }

    fn name(handed: Option<Handed>) -> String {
        handed.unwrap().unwrap().task_id.unwrap()
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
    async fn who_is_reserved_gets_its_message_or_the_next_one() {
        let waiting = Arc::<Waiting>::default();
        assert!(waiting.reserve().is_none());
        let mut first = Box::pin(waiting.next());
        let mut second = Box::pin(waiting.next());
        assert!((&mut first).now_or_never().is_none());
        assert!((&mut second).now_or_never().is_none());
        let reservation = waiting.reserve().unwrap();
        assert_eq!(waiting.count(), 1);
        reservation.hand(delivery("a"));
        assert_eq!(name(first.await), "a");
        drop(waiting.reserve().unwrap());
        waiting.hand(delivery("b"));
        assert_eq!(name(second.await), "b");
        let (mut left, mut next) = (Box::pin(waiting.next()), Box::pin(waiting.next()));
        assert!((&mut left).now_or_never().is_none());
        assert!((&mut next).now_or_never().is_none());
        let reservation = waiting.reserve().unwrap();
        drop(left);
        reservation.hand(delivery("c"));
        assert_eq!(name(next.await), "c");
    }

    #[tokio::test]
    async fn all_who_wait_are_told_of_a_fault_and_later_ones_wait() {
        let waiting = Arc::<Waiting>::default();
        let mut first = Box::pin(waiting.next());
        assert!((&mut first).now_or_never().is_none());
        waiting.fail(&CapabilityError::unavailable("away"));
        assert!(first.await.unwrap().is_err());
        let mut second = Box::pin(waiting.next());
        assert!((&mut second).now_or_never().is_none());
        waiting.hand(delivery("b"));
        assert_eq!(name(second.await), "b");
    }
}

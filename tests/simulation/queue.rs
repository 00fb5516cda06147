//! A queue that loses, repeats, delays and reorders messages.

use std::cell::{Cell, RefCell};
use std::future::{poll_fn, ready};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use concept_refinement_capability::Answer;
use concept_refinement_capability::queue::{Delivery, Receipt, TaskQueue};
use concept_refinement_domain::capability::Lease;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use send_wrapper::SendWrapper;

use crate::random::Random;
use crate::scheduler::{OUTSIDE, Scheduler};

/// How often something happens to a message.
#[derive(Clone, Copy, Debug, Default)]
pub struct Habits {
    pub loss: f64,
    pub repeat: f64,
    pub delay: f64,
}

pub struct Queue {
    scheduler: Rc<Scheduler>,
    random: Random,
    habits: Habits,
    /// From then on it carries each message at once.
    until: Duration,
    waiting: RefCell<Vec<Vec<u8>>>,
    receivers: RefCell<Vec<Waker>>,
    /// Messages of an earlier age are gone.
    age: Cell<u64>,
}

/// A message that was delivered, until it is answered.
struct Delivered {
    queue: SendWrapper<Rc<Queue>>,
    message: Vec<u8>,
    age: u64,
}

impl Queue {
    pub fn new(
        scheduler: &Rc<Scheduler>,
        random: Random,
        habits: Habits,
        until: Duration,
    ) -> Rc<Self> {
        Rc::new(Self {
            scheduler: Rc::clone(scheduler),
            random,
            habits,
            until,
            waiting: RefCell::default(),
            receivers: RefCell::default(),
            age: Cell::default(),
        })
    }

    pub fn publish(self: &Rc<Self>, message: Vec<u8>) {
        if self.happens(self.habits.loss) {
            return;
        }
        if self.happens(self.habits.repeat) {
            self.carry(
                message.clone(),
                self.random.millis(0, 40_000),
                self.age.get(),
            );
        }
        self.carry(message, self.lateness(), self.age.get());
    }

    /// Any of those that wait.
    pub async fn receive(self: &Rc<Self>) -> Delivery {
        let message = poll_fn(|context| {
            let mut waiting = self.waiting.borrow_mut();
            if waiting.is_empty() {
                self.receivers.borrow_mut().push(context.waker().clone());
                return Poll::Pending;
            }
            let drawn = self.random.below(waiting.len());
            Poll::Ready(waiting.remove(drawn))
        })
        .await;
        let delivered = Delivered {
            queue: SendWrapper::new(Rc::clone(self)),
            message: message.clone(),
            age: self.age.get(),
        };
        Delivery::of_message(&message, Box::new(delivered))
    }

    /// Everything is lost.
    pub fn clear(&self) {
        self.age.set(self.age.get() + 1);
        self.waiting.borrow_mut().clear();
    }

    fn carry(self: &Rc<Self>, message: Vec<u8>, delay: Duration, age: u64) {
        let queue = Rc::clone(self);
        let carried = async move {
            queue.scheduler.sleep(delay).await;
            if queue.age.get() == age {
                queue.waiting.borrow_mut().push(message);
                let receivers = std::mem::take(&mut *queue.receivers.borrow_mut());
                receivers.into_iter().for_each(Waker::wake);
            }
        };
        self.scheduler.spawn(OUTSIDE, carried);
    }

    fn lateness(&self) -> Duration {
        match self.happens(self.habits.delay) {
            true => self.random.millis(0, 40_000),
            false => Duration::ZERO,
        }
    }

    fn happens(&self, probability: f64) -> bool {
        self.scheduler.now() < self.until && self.random.chance(probability)
    }
}

/// The same queue for every process.
#[derive(Clone)]
pub struct Shared(pub SendWrapper<Rc<Queue>>);

impl TaskQueue for Shared {
    fn publish(&self, message: Vec<u8>) -> Answer<'_, ()> {
        self.0.publish(message);
        Box::pin(ready(Ok(())))
    }

    fn receive(&self) -> Answer<'_, Delivery> {
        let received = self.0.receive();
        Box::pin(SendWrapper::new(received.map(Ok)))
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(ready(Ok(())))
    }
}

impl Receipt for Delivered {
    fn ack(self: Box<Self>) -> BoxFuture<'static, ()> {
        let queue = &self.queue;
        if queue.happens(queue.habits.repeat) {
            queue.carry(self.message, queue.random.millis(0, 60_000), self.age);
        }
        Box::pin(ready(()))
    }

    fn nack(self: Box<Self>, delay: Duration, _: Option<Lease>) -> BoxFuture<'static, ()> {
        let queue = &self.queue;
        if !queue.happens(queue.habits.loss) {
            queue.carry(self.message, delay + queue.lateness(), self.age);
        }
        Box::pin(ready(()))
    }
}

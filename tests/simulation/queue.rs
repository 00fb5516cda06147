//! A queue that loses, repeats, delays and reorders messages.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use crate::random::Random;
use crate::scheduler::{Group, OUTSIDE, Scheduler};

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
    unanswered: RefCell<BTreeMap<u64, (Group, Vec<u8>)>>,
    serial: Cell<u64>,
    /// Messages of an earlier age are gone.
    age: Cell<u64>,
}

pub struct Delivery {
    id: u64,
    pub message: Vec<u8>,
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
            unanswered: RefCell::default(),
            serial: Cell::default(),
            age: Cell::default(),
        })
    }

    pub fn publish(self: &Rc<Self>, message: Vec<u8>) {
        if self.happens(self.habits.loss) {
            return;
        }
        if self.happens(self.habits.repeat) {
            self.carry(message.clone(), self.random.millis(0, 40_000));
        }
        let delay = match self.happens(self.habits.delay) {
            true => self.random.millis(0, 40_000),
            false => Duration::ZERO,
        };
        self.carry(message, delay);
    }

    /// Any of those that wait.
    pub async fn receive(&self, receiver: Group) -> Delivery {
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
        self.serial.set(self.serial.get() + 1);
        let id = self.serial.get();
        self.unanswered
            .borrow_mut()
            .insert(id, (receiver, message.clone()));
        Delivery { id, message }
    }

    pub fn ack(self: &Rc<Self>, delivery: Delivery) {
        self.unanswered.borrow_mut().remove(&delivery.id);
        if self.happens(self.habits.repeat) {
            self.carry(delivery.message, self.random.millis(0, 60_000));
        }
    }

    pub fn nack(self: &Rc<Self>, delivery: Delivery, delay: Duration) {
        self.unanswered.borrow_mut().remove(&delivery.id);
        if !self.happens(self.habits.loss) {
            self.carry(delivery.message, delay);
        }
    }

    /// A receiver is gone: what it did not answer comes again.
    pub fn gone(self: &Rc<Self>, receiver: Group) {
        let unanswered: Vec<_> = self
            .unanswered
            .borrow_mut()
            .extract_if(.., |_, (group, _)| *group == receiver)
            .collect();
        for (_, (_, message)) in unanswered {
            if !self.happens(self.habits.loss) {
                self.carry(message, self.random.seconds(1, 30));
            }
        }
    }

    /// Everything is lost.
    pub fn clear(&self) {
        self.age.set(self.age.get() + 1);
        self.waiting.borrow_mut().clear();
        self.unanswered.borrow_mut().clear();
    }

    fn carry(self: &Rc<Self>, message: Vec<u8>, delay: Duration) {
        let queue = Rc::clone(self);
        let age = self.age.get();
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

    fn happens(&self, probability: f64) -> bool {
        self.scheduler.now() < self.until && self.random.chance(probability)
    }
}

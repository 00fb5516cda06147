//! Receivers that come, leave and are reserved in any order, each asked again only when
//! it was woken.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures::future::BoxFuture;
use proptest::prelude::*;

use super::*;
use crate::runtime::Tokio;

#[derive(Clone, Copy, Debug)]
enum Act {
    Join,
    Leave(prop::sample::Index),
    Publish,
    Reserve,
    Hand(prop::sample::Index),
    Cancel(prop::sample::Index),
    /// Publishes what was handed over, as its user's request does.
    PublishHanded,
}

fn act() -> impl Strategy<Value = Act> {
    let any = any::<prop::sample::Index>;
    prop_oneof![
        3 => Just(Act::Join),
        1 => any().prop_map(Act::Leave),
        2 => Just(Act::Publish),
        3 => Just(Act::Reserve),
        2 => any().prop_map(Act::Hand),
        1 => any().prop_map(Act::Cancel),
        1 => Just(Act::PublishHanded),
    ]
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Waiting {
    next: BoxFuture<'static, Entry>,
    woken: Arc<Woken>,
}

struct World {
    line: Arc<Line>,
    waiting: Vec<Waiting>,
    reservations: Vec<Reservation>,
    /// In the line, and for those who were reserved.
    published: BTreeSet<String>,
    handed: BTreeSet<String>,
    all_handed: Vec<String>,
    next_id: u32,
    /// How many have left.
    left: usize,
}

impl World {
    fn new() -> Self {
        Self {
            line: Arc::new(Line::new(Arc::new(Tokio::default()), 1_000)),
            waiting: Vec::new(),
            reservations: Vec::new(),
            published: BTreeSet::new(),
            handed: BTreeSet::new(),
            all_handed: Vec::new(),
            next_id: 0,
            left: 0,
        }
    }

    fn entry(&mut self) -> Entry {
        self.next_id += 1;
        entry(&self.next_id.to_string())
    }

    fn join(&mut self) {
        let line = Arc::clone(&self.line);
        let woken = Arc::<Woken>::default();
        woken.0.store(true, Ordering::Relaxed);
        self.waiting.push(Waiting {
            next: Box::pin(async move { line.next().await }),
            woken,
        });
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Join => self.join(),
            Act::Leave(index) if !self.waiting.is_empty() => {
                self.waiting.remove(index.index(self.waiting.len()));
                self.left += 1;
            }
            Act::Publish => {
                let entry = self.entry();
                self.published.insert(entry.task_id.clone());
                self.line.add(entry);
            }
            Act::Reserve => self.reservations.extend(self.line.reserve()),
            Act::Hand(index) if !self.reservations.is_empty() => {
                let reservation = self
                    .reservations
                    .remove(index.index(self.reservations.len()));
                let entry = self.entry();
                self.handed.insert(entry.task_id.clone());
                self.all_handed.push(entry.task_id.clone());
                reservation.hand(entry);
            }
            Act::Cancel(index) if !self.reservations.is_empty() => {
                drop(
                    self.reservations
                        .remove(index.index(self.reservations.len())),
                );
            }
            Act::PublishHanded => {
                for id in self.all_handed.drain(..) {
                    self.line.add(entry(&id));
                }
            }
            Act::Leave(_) | Act::Hand(_) | Act::Cancel(_) => {}
        }
        while self.poll_woken() {}
    }

    /// False: nobody was woken.
    fn poll_woken(&mut self) -> bool {
        let is_woken = |one: &Waiting| one.woken.0.swap(false, Ordering::Relaxed);
        let Some(index) = self.waiting.iter().position(is_woken) else {
            return false;
        };
        let one = &mut self.waiting[index];
        let waker = Waker::from(Arc::clone(&one.woken));
        if let Poll::Ready(entry) = one.next.as_mut().poll(&mut Context::from_waker(&waker)) {
            self.waiting.remove(index);
            let id = &entry.task_id;
            let is_expected = self.published.remove(id) || self.handed.remove(id);
            assert!(is_expected, "{id} came twice");
        }
        true
    }

    fn check(&self) {
        let (waiting, reserved) = (self.waiting.len(), self.reservations.len());
        assert!(
            waiting + self.left >= reserved,
            "{reserved} are reserved, and {waiting} wait"
        );
        assert!(
            waiting == 0 || self.handed.is_empty(),
            "{:?} is handed over, and {waiting} wait",
            self.handed
        );
        assert!(
            waiting <= reserved || self.published.is_empty(),
            "{:?} is in the line, and {waiting} wait, of whom {reserved} are reserved",
            self.published
        );
    }
}

fn entry(id: &str) -> Entry {
    Entry {
        task_id: id.to_owned(),
        user_id: "ada".to_owned(),
    }
}

proptest! {
    #[test]
    fn each_comes_once_and_nobody_waits_beside_one(
        acts in proptest::collection::vec(act(), 1..80),
    ) {
        let mut world = World::new();
        for act in acts {
            world.act(act);
            world.check();
        }
        world.reservations.clear();
        for _ in 0..world.published.len() + world.handed.len() {
            world.act(Act::Join);
            world.check();
        }
        prop_assert!(world.published.is_empty() && world.handed.is_empty());
    }
}

#[test]
fn what_nobody_ever_publishes_is_forgotten() {
    let mut world = World::new();
    for _ in 0..MAX_UNPUBLISHED * 2 {
        world.join();
        while world.poll_woken() {}
        let reservation = world.line.reserve().unwrap();
        let entry = world.entry();
        world.handed.insert(entry.task_id.clone());
        reservation.hand(entry);
        while world.poll_woken() {}
    }
    assert!(world.line.state().unpublished.len() <= MAX_UNPUBLISHED);
}

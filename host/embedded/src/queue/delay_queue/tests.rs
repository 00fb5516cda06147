//! Receivers that come and leave in any order, each asked again only when it was woken.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use concept_refinement_capability::runtime::Tokio;
use futures::future::BoxFuture;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Act {
    Join,
    Leave(prop::sample::Index),
    Publish,
    /// Before anybody who was woken has looked.
    PublishTwo,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Join),
        1 => any::<prop::sample::Index>().prop_map(Act::Leave),
        2 => Just(Act::Publish),
        1 => Just(Act::PublishTwo),
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
    delay_queue: Arc<DelayQueue>,
    waiting: Vec<Waiting>,
    published: BTreeSet<String>,
    next_id: u32,
}

impl World {
    fn new() -> Self {
        Self {
            delay_queue: Arc::new(DelayQueue::new(Arc::new(Tokio::default()), 1_000)),
            waiting: Vec::new(),
            published: BTreeSet::new(),
            next_id: 0,
        }
    }

    fn publish(&mut self) {
        self.next_id += 1;
        let task_id = self.next_id.to_string();
        self.published.insert(task_id.clone());
        self.delay_queue.add(Entry {
            task_id,
            user_id: "ada".to_owned(),
        });
    }

    fn join(&mut self) {
        let delay_queue = Arc::clone(&self.delay_queue);
        let woken = Arc::<Woken>::default();
        woken.0.store(true, Ordering::Relaxed);
        self.waiting.push(Waiting {
            next: Box::pin(async move { delay_queue.next().await }),
            woken,
        });
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Join => self.join(),
            Act::Leave(index) if !self.waiting.is_empty() => {
                self.waiting.remove(index.index(self.waiting.len()));
            }
            Act::Leave(_) => {}
            Act::Publish => self.publish(),
            Act::PublishTwo => {
                self.publish();
                self.publish();
            }
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
            assert!(self.published.remove(id), "{id} came twice");
        }
        true
    }

    fn check(&self) {
        assert!(
            self.waiting.is_empty() || self.published.is_empty(),
            "{:?} is in the queue, and {} wait",
            self.published,
            self.waiting.len()
        );
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
        for _ in 0..world.published.len() {
            world.act(Act::Join);
            world.check();
        }
        prop_assert!(world.published.is_empty());
    }
}

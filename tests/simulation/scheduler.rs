//! Runs tasks one at a time on one thread, in an order that follows from the
//! seed, in virtual time.
//!
//! The next of the ready tasks is drawn at random. If none is ready, the time
//! jumps to the next timer. Tasks belong to a group, which represents a
//! process: it can be killed with all its tasks, or paused.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::LocalBoxFuture;

use crate::random::Random;

pub type Group = u32;

/// Who is outside of the system: it never ends.
pub const OUTSIDE: Group = 0;

pub struct Scheduler {
    random: Random,
    now: Cell<Duration>,
    steps: Cell<u64>,
    serial: Cell<u64>,
    tasks: RefCell<BTreeMap<u64, Task>>,
    woken: Woken,
    timers: RefCell<BTreeMap<(Duration, u64), Waker>>,
    held_up: RefCell<BTreeMap<Group, Duration>>,
    dead: RefCell<BTreeSet<Group>>,
    /// Some died whose tasks are still there.
    is_grave_open: Cell<bool>,
}

struct Task {
    group: Group,
    /// Taken while it is polled.
    work: Option<LocalBoxFuture<'static, ()>>,
    waker: Waker,
}

/// Those that can go on. In which order they were woken makes no difference.
type Woken = Arc<Mutex<BTreeSet<u64>>>;

struct Wakeup {
    id: u64,
    woken: Woken,
}

impl Wake for Wakeup {
    fn wake(self: Arc<Self>) {
        self.woken.lock().unwrap().insert(self.id);
    }
}

impl Scheduler {
    pub fn new(random: Random) -> Self {
        Self {
            random,
            now: Cell::default(),
            steps: Cell::default(),
            serial: Cell::default(),
            tasks: RefCell::default(),
            woken: Arc::default(),
            timers: RefCell::default(),
            held_up: RefCell::default(),
            dead: RefCell::default(),
            is_grave_open: Cell::default(),
        }
    }

    /// Since the beginning.
    pub fn now(&self) -> Duration {
        self.now.get()
    }

    pub fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// What is begun in a group that has ended is dropped at once.
    pub fn spawn(&self, group: Group, work: impl Future<Output = ()> + 'static) {
        if self.dead.borrow().contains(&group) {
            return;
        }
        let id = self.next_serial();
        let woken = Arc::clone(&self.woken);
        let waker = Waker::from(Arc::new(Wakeup { id, woken }));
        waker.wake_by_ref();
        let task = Task {
            group,
            work: Some(Box::pin(work)),
            waker,
        };
        self.tasks.borrow_mut().insert(id, task);
    }

    /// Lets others go first.
    pub async fn pause(&self) {
        let mut paused = false;
        poll_fn(|context| {
            if paused {
                return Poll::Ready(());
            }
            paused = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    pub fn sleep(&self, duration: Duration) -> Sleep<'_> {
        Sleep {
            scheduler: self,
            key: (self.now.get() + duration, self.next_serial()),
        }
    }

    /// Ends a group: none of its tasks goes on.
    pub fn end(&self, group: Group) {
        self.dead.borrow_mut().insert(group);
        self.is_grave_open.set(true);
    }

    /// Stops a group for a while, of which it notices nothing but the time.
    pub fn hold_up(&self, group: Group, duration: Duration) {
        let until = self.now.get() + duration;
        self.held_up.borrow_mut().insert(group, until);
        let key = (until, self.next_serial());
        self.timers.borrow_mut().insert(key, Waker::noop().clone());
    }

    /// Polls one task. False: nothing will ever happen again.
    pub fn step(&self) -> bool {
        let Some((id, group, mut work, waker)) = self.next() else {
            return false;
        };
        self.steps.set(self.steps.get() + 1);
        let done = work.as_mut().poll(&mut Context::from_waker(&waker));
        if done.is_pending() && !self.dead.borrow().contains(&group) {
            self.tasks.borrow_mut().get_mut(&id).unwrap().work = Some(work);
        } else {
            self.tasks.borrow_mut().remove(&id);
            drop(work);
        }
        self.bury();
        true
    }

    /// Drops all tasks, which hold what they work with, and what they leave.
    pub fn clear(&self) {
        while !self.tasks.borrow().is_empty() {
            let tasks = self.tasks.take();
            drop(tasks);
        }
    }

    fn next(&self) -> Option<(u64, Group, LocalBoxFuture<'static, ()>, Waker)> {
        loop {
            let now = self.now.get();
            self.held_up.borrow_mut().retain(|_, until| *until > now);
            if let Some(id) = self.draw() {
                let mut tasks = self.tasks.borrow_mut();
                let task = tasks.get_mut(&id).unwrap();
                let work = task.work.take().unwrap();
                return Some((id, task.group, work, task.waker.clone()));
            }
            self.pass_time()?;
        }
    }

    /// One of those that can go on.
    fn draw(&self) -> Option<u64> {
        let tasks = self.tasks.borrow();
        let held_up = self.held_up.borrow();
        let mut woken = self.woken.lock().unwrap();
        woken.retain(|id| tasks.contains_key(id));
        let able = |id: &u64| !held_up.contains_key(&tasks[id].group);
        let count = woken.iter().copied().filter(able).count();
        if count == 0 {
            return None;
        }
        let drawn = self.random.below(count);
        let id = woken.iter().copied().filter(able).nth(drawn)?;
        woken.remove(&id);
        Some(id)
    }

    /// To the next timer. None: there is none.
    fn pass_time(&self) -> Option<()> {
        let ((at, _), waker) = self.timers.borrow_mut().pop_first()?;
        self.now.set(self.now.get().max(at));
        waker.wake();
        Some(())
    }

    fn bury(&self) {
        if !self.is_grave_open.take() {
            return;
        }
        let dead = self.dead.borrow();
        let buried: Vec<Task> = self
            .tasks
            .borrow_mut()
            .extract_if(.., |_, task| dead.contains(&task.group))
            .map(|(_, task)| task)
            .collect();
        drop(dead);
        drop(buried);
    }

    fn next_serial(&self) -> u64 {
        self.serial.set(self.serial.get() + 1);
        self.serial.get()
    }
}

pub struct Sleep<'a> {
    scheduler: &'a Scheduler,
    key: (Duration, u64),
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.scheduler.now.get() >= self.key.0 {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        self.scheduler.timers.borrow_mut().insert(self.key, waker);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        self.scheduler.timers.borrow_mut().remove(&self.key);
    }
}

/// Something that happens once.
#[derive(Default)]
pub struct Flag {
    raised: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl Flag {
    pub fn raise(&self) {
        self.raised.set(true);
        let waiting = std::mem::take(&mut *self.waiting.borrow_mut());
        waiting.into_iter().for_each(Waker::wake);
    }

    pub async fn raised(&self) {
        poll_fn(|context| {
            if self.raised.get() {
                return Poll::Ready(());
            }
            self.waiting.borrow_mut().push(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

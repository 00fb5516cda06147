//! In-memory ports with scripted faults and a clock that jumps to the next
//! timer.

mod chunks;
mod held;
mod ports;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Fenced, ImageKind, ImageLength, NewImage, NewTask, Submission,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::refined;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::{FailureCause, Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_kit::store::MemoryStore;

use self::chunks::Time;
use crate::config::Config;
use crate::ports::{Clock, Failure, ModelRequest, Purpose};
use crate::process::{Outcome, process};

/// What the image store says of every image.
pub const SHA256: &str = "5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a";

/// The smallest whole GIF: one transparent pixel.
pub const GIF: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\
    \x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;";

pub const ORIGINAL: &str = "https://images.example.com/original.gif";

pub const ID: &str = "6f1c2a34-0000-4000-8000-000000000001";

/// The behaviour of the model.
pub enum Script {
    Answer(&'static [u8]),
    Declare(&'static [u8], u64),
    Location(&'static str),
    Unavailable(Option<Duration>),
    Unknown,
    Refuse(&'static str),
    Hang,
}

/// The answer of a URL.
#[derive(Clone)]
pub enum Page {
    Body(&'static [u8]),
    Declare(&'static [u8], u64),
    /// A file of this version, of which the rest can be asked for.
    File(&'static [u8], &'static str),
    /// The same, of which no more than so many bytes come.
    Cut(&'static [u8], &'static str, usize),
    /// The same, after which nothing comes, nor an end.
    Stall(&'static [u8], &'static str, usize),
    /// A file of no certain version, of which nothing comes where it is not read at once.
    Impatient(&'static [u8]),
    Status(u16),
    /// After so many seconds it may be asked for again.
    Busy(u16, &'static str),
    Redirect(&'static str),
    Encoded(&'static [u8]),
    /// A status that says more of the file than 200, and the part of it that this is.
    Part(u16, Option<&'static str>, &'static [u8]),
    /// What is there from an offset on, of which version, and whether it is compressed.
    Rest(&'static [u8], usize, &'static str, bool),
    Refuse(Failure),
    Silence,
}

pub struct World {
    time: Time,
    pub store: RefCell<MemoryStore>,
    pub lose_lease_after: Cell<Option<u32>>,
    pub task_store_down: Cell<bool>,
    pub finish_error: RefCell<Option<CapabilityError>>,
    pub image_store_error: RefCell<Option<CapabilityError>>,
    /// What the image store answers its first calls.
    pub image_outage: RefCell<Vec<CapabilityError>>,
    /// How long each chunk of a stored image takes.
    pub image_pace: Cell<Duration>,
    pub lose_at: Cell<Option<&'static str>>,
    /// An attempt that stores its image while the model is asked.
    pub late_image: Cell<Option<u32>>,
    /// What whoever the lease is lost to has done: claimed, failed or deleted
    /// the task.
    pub rival: Cell<&'static str>,
    pub pages: RefCell<BTreeMap<String, Page>>,
    /// What model's answers are answered with before their pages.
    pub before_pages: RefCell<VecDeque<Page>>,
    /// What downloads called themselves.
    pub user_agents: RefCell<BTreeSet<String>>,
    /// From where each request asked.
    pub offsets: RefCell<Vec<u64>>,
    /// The URLs that were requested, with their purpose.
    pub fetched: RefCell<Vec<(String, Purpose)>>,
    pub model: RefCell<VecDeque<Script>>,
    pub asked: RefCell<Vec<(ModelRequest, Vec<u8>)>>,
    pub images: RefCell<BTreeMap<String, (NewImage, Vec<u8>)>>,
    /// The names of images that were to be deleted.
    pub deleted: RefCell<Vec<String>>,
    pub stages: RefCell<Vec<Stage>>,
    pub renewals: Cell<u32>,
    /// For an original, in bytes.
    pub room: Cell<usize>,
    /// How long an answer waits for its room.
    pub wait_for_room: Cell<Duration>,
    /// Why nothing can be edited in part.
    pub refusal: Cell<Option<&'static str>>,
    /// What the model is to see of an original, if not all of it.
    pub view: Cell<Option<&'static [u8]>>,
    /// What happened around edits of a part.
    pub log: RefCell<Vec<String>>,
}

/// The mask that a model gets.
pub const MASK: &[u8] = GIF;

impl World {
    /// A world with one pending task, its original, and a working model.
    pub fn new() -> Self {
        let mut store = MemoryStore::default();
        let task = NewTask {
            is_anonymous: true,
            ..NewTask::new(
                ID,
                "ada",
                Refinement {
                    logo_description: Some("a cup".to_owned()),
                    ..Refinement::new(ORIGINAL, "  more minimalist ")
                },
            )
        };
        let submitted = store.submit(task, Timestamp::from_secs(1_000));
        assert!(matches!(submitted, Ok(Submission::Created(_))));
        Self {
            time: Time {
                now: Rc::new(Cell::new(Timestamp::from_secs(1_001))),
                timers: Rc::default(),
            },
            store: RefCell::new(store),
            lose_lease_after: Cell::new(None),
            task_store_down: Cell::new(false),
            finish_error: RefCell::default(),
            image_store_error: RefCell::default(),
            image_outage: RefCell::default(),
            image_pace: Cell::default(),
            lose_at: Cell::new(None),
            late_image: Cell::new(None),
            rival: Cell::new("claimed"),
            pages: RefCell::new(BTreeMap::from([(ORIGINAL.to_owned(), Page::Body(GIF))])),
            before_pages: RefCell::default(),
            user_agents: RefCell::default(),
            offsets: RefCell::default(),
            fetched: RefCell::default(),
            model: RefCell::new(VecDeque::from([Script::Answer(GIF)])),
            asked: RefCell::default(),
            images: RefCell::default(),
            deleted: RefCell::default(),
            stages: RefCell::default(),
            renewals: Cell::new(0),
            room: Cell::new(usize::MAX),
            wait_for_room: Cell::default(),
            refusal: Cell::default(),
            view: Cell::default(),
            log: RefCell::default(),
        }
    }

    pub fn page(self, url: &str, page: Page) -> Self {
        self.pages.borrow_mut().insert(url.to_owned(), page);
        self
    }

    pub fn model(self, script: impl IntoIterator<Item = Script>) -> Self {
        *self.model.borrow_mut() = script.into_iter().collect();
        self
    }

    pub fn change(self, change: impl FnOnce(&mut Task)) -> Self {
        self.store.borrow_mut().edit(ID, change);
        self
    }

    /// So many workers have claimed the task before.
    pub fn attempts(self, attempts: u32) -> Self {
        let set = |record: &mut TaskRecord| record.attempt = attempts;
        self.store.borrow_mut().edit_record(ID, set);
        self
    }

    fn image_store_works(&self) -> Result<(), CapabilityError> {
        if let Some(error) = self.image_store_error.borrow().clone() {
            return Err(error);
        }
        self.image_outage.borrow_mut().pop().map_or(Ok(()), Err)
    }

    pub fn task(&self) -> Option<Task> {
        let store = self.store.borrow();
        store.record(ID).map(|record| record.task.clone())
    }

    pub fn concepts(&self) -> Vec<Concept> {
        self.store.borrow().all_concepts().cloned().collect()
    }

    /// Processes the task with the default settings.
    pub fn process(&self) -> Outcome {
        self.process_with(&[])
    }

    /// Claims the task, and releases it if it is to be tried later, as a worker does.
    pub fn process_with(&self, settings: &[(&str, &str)]) -> Outcome {
        let config = Config::from_settings(|name| {
            let (_, value) = settings.iter().find(|(set, _)| *set == name)?;
            Some((*value).to_owned())
        });
        let claimed = self.store.borrow_mut().claim(ID, None, self.now()).unwrap();
        let outcome = self.run(process(self, &config.unwrap(), &claimed));
        if let Outcome::RetryLater(_) = outcome {
            let released = self.store.borrow_mut().release(&claimed.lease, self.now());
            assert_eq!(released, Fenced::Done);
        }
        outcome
    }

    /// Runs a future to its end; when nothing is ready, time advances.
    fn run<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(done) = work.as_mut().poll(&mut cx) {
                return done;
            }
            let mut timers = self.time.timers.borrow_mut();
            let next = timers.iter().min().copied().expect("it waits for nothing");
            timers.clear();
            self.time.now.set(next);
        }
    }

    pub fn elapsed(&self) -> Duration {
        self.now().since(Timestamp::from_secs(1_001))
    }

    pub fn status(&self) -> Option<Status> {
        self.task().map(|task| task.status)
    }

    pub fn error_message(&self) -> Option<String> {
        self.task()?.error_message
    }

    /// Whether the request was refused.
    pub fn is_refused(&self) -> bool {
        let task = self.task();
        task.is_some_and(|task| task.failure_cause == Some(FailureCause::Refused))
    }

    /// A call of the store, which may be the one before which the lease is lost.
    fn call<T>(
        &self,
        at: &'static str,
        call: impl FnOnce(&mut MemoryStore, Timestamp) -> T,
    ) -> Result<T, CapabilityError> {
        if self.task_store_down.get() {
            return Err(CapabilityError::unavailable("the task store is away"));
        }
        if self.lose_at.get() == Some(at) {
            self.lose_lease();
        }
        Ok(call(&mut self.store.borrow_mut(), self.now()))
    }

    fn lose_lease(&self) {
        let mut store = self.store.borrow_mut();
        match self.rival.get() {
            "deleted" => assert!(store.delete("ada", ID)),
            rival => store.edit_record(ID, |record| {
                record.attempt += 1;
                if rival == "failed" {
                    record.task.status = Status::Failed;
                }
            }),
        }
    }
}

pub fn refined_image(task_id: &str, attempt: u32) -> NewImage {
    NewImage {
        kind: ImageKind::Refined,
        name: refined::name(task_id, attempt),
        owner: "ada".to_owned(),
        media_type: "image/gif".to_owned(),
        length: ImageLength::Exactly(GIF.len() as u64),
        metadata: Vec::new(),
        limits: None,
    }
}

//! In-memory ports with scripted faults and a clock that jumps to the next
//! timer.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use concept_refinement_domain::capability::{
    CapabilityError, Fenced, Finished, ImageInfo, ImageKind, ImageLength, Lease, NewImage, NewTask,
    RefinedImage, Stored, StoredOrNot, Submission, TaskFailure,
};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::image::metadata::{self, Rewrite, SourceType};
use concept_refinement_domain::image::{self, Limits, Transfer, Unusable};
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::partial_edit::Region;
use concept_refinement_domain::provenance::original_had_credentials;
use concept_refinement_domain::refined;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::{FailureCause, Refinement, Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_kit::store::MemoryStore;

use crate::config::Config;
use crate::contents::{Contents, Inspected, Metadata, Received, Rejected};
use crate::ports::{
    Answer, Blob, Clock, Composite, Failure, ImageOrLocation, Images, ModelError, ModelRequest,
    Part, Ports, Purpose, Random, Response, Rest, Rewritten, View,
};
use crate::process::{Outcome, process};
use crate::reason::Reason;

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
    /// How many calls of it find the image store away.
    pub image_outage: Cell<u32>,
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

/// The time, and when somebody waits for it.
#[derive(Clone)]
struct Time {
    now: Rc<Cell<Timestamp>>,
    timers: Rc<RefCell<Vec<Timestamp>>>,
}

/// A stream of chunks.
pub struct Chunks {
    chunks: VecDeque<Vec<u8>>,
    then: Then,
}

/// What comes after the chunks.
enum Then {
    End,
    Nothing,
    /// An end, and before them where it is not this time any more.
    EndBy(Timestamp, Time),
    /// An end; each chunk takes so long.
    EndSlowly(Duration, Time),
}

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
            image_outage: Cell::new(0),
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
        match self.image_outage.get() {
            0 => Ok(()),
            calls => {
                self.image_outage.set(calls - 1);
                Err(CapabilityError::unavailable("the image store is away"))
            }
        }
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

impl Chunks {
    async fn next(&mut self) -> Option<Vec<u8>> {
        let next = self.chunks.pop_front();
        match &self.then {
            Then::Nothing if next.is_none() => std::future::pending().await,
            Then::EndBy(end, time) if time.now.get() > *end => None,
            Then::EndSlowly(pace, time) => {
                time.sleep(*pace).await;
                next
            }
            _ => next,
        }
    }
}

fn chunks(bytes: &[u8]) -> Chunks {
    Chunks {
        chunks: bytes.chunks(7).map(<[u8]>::to_vec).collect(),
        then: Then::End,
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.time.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        self.time.sleep(duration).await;
    }
}

impl Time {
    async fn sleep(&self, duration: Duration) {
        let end = self.now.get().plus(duration);
        poll_fn(|_| {
            if self.now.get() >= end {
                return Poll::Ready(());
            }
            self.timers.borrow_mut().push(end);
            Poll::Pending
        })
        .await;
    }
}

impl Random for World {
    fn random(&self) -> u64 {
        1 << 63
    }
}

/// Refuses bytes where there is no room.
pub struct Held {
    pub bytes: Vec<u8>,
    room: usize,
    transfer: Option<Transfer>,
}

fn no_room() -> CapabilityError {
    CapabilityError::unavailable("there is no room")
}

impl Held {
    fn rewritten(
        &self,
        rewrite: impl FnOnce(&metadata::Metadata) -> Option<Rewrite>,
    ) -> Rewritten<Self> {
        let rewrite = rewrite(&self.transfer.as_ref().unwrap().metadata()).unwrap();
        let (mut filter, mut bytes) = (rewrite.filter(), Vec::new());
        filter.push(&self.bytes, &mut bytes);
        filter.finish(&mut bytes);
        assert_eq!(bytes.len() as u64, rewrite.length());
        Rewritten {
            length: rewrite.length(),
            blob: Self {
                bytes,
                room: self.room,
                transfer: None,
            },
        }
    }
}

impl Blob for Held {
    type Stream = Chunks;

    async fn fill(
        &mut self,
        mut contents: Chunks,
        declared: Option<u64>,
        limits: Limits,
    ) -> Result<Received, Rejected> {
        let transfer = self.transfer.get_or_insert_with(|| Transfer::new(limits));
        let unusable = |unusable: Unusable| Rejected::Unusable(unusable.to_string());
        while let Some(mut chunk) = contents.next().await {
            transfer.push(&chunk, declared).map_err(unusable)?;
            if self.bytes.len() + chunk.len() > self.room {
                return Err(Rejected::NoRoom(no_room()));
            }
            self.bytes.append(&mut chunk);
        }
        Ok(match transfer.received(declared).map_err(unusable)? {
            image::Received::Whole(inspected) => Received::Whole(Inspected {
                format: inspected.format,
                length: inspected.bytes,
                metadata: Metadata::from(&transfer.metadata()),
            }),
            image::Received::Part(shortfall) => Received::Part(shortfall.to_string()),
        })
    }

    async fn length(&self) -> u64 {
        self.transfer.as_ref().map_or(0, Transfer::length)
    }

    async fn stripped(&self) -> Result<Rewritten<Self>, CapabilityError> {
        Ok(self.rewritten(|metadata| metadata.stripped()))
    }

    async fn marked(&self, source_type: SourceType) -> Result<Rewritten<Self>, CapabilityError> {
        Ok(self.rewritten(|metadata| Some(metadata.marked(source_type))))
    }

    async fn split(&mut self, length: u64) -> Result<Self, CapabilityError> {
        let room = length as usize;
        self.room -= room;
        Ok(Self {
            bytes: Vec::new(),
            room,
            transfer: None,
        })
    }
}

const NOTE: &str = "One thing was left as it was.";

fn answer(length: Option<u64>, bytes: &'static [u8]) -> Answer<Chunks> {
    Answer {
        image: ImageOrLocation::Image {
            length,
            contents: chunks(bytes),
        },
        notes: vec![NOTE.to_owned()],
        source_type: SourceType::CompositeWithTrainedAlgorithmicMedia,
    }
}

impl Ports for World {
    type Blob = Held;

    async fn renew(&self, lease: &Lease) -> Result<Option<Lease>, CapabilityError> {
        self.renewals.set(self.renewals.get() + 1);
        if self.lose_lease_after.get() == Some(self.renewals.get()) {
            self.lose_lease();
        }
        self.call("renew", |store, now| store.renew(lease, now))
    }

    async fn finish(
        &self,
        lease: &Lease,
        image: RefinedImage,
    ) -> Result<Finished, CapabilityError> {
        if let Some(error) = self.finish_error.borrow().clone() {
            return Err(error);
        }
        self.call("finish", |store, now| store.finish(lease, image, now))
    }

    async fn fail(&self, lease: &Lease, failure: TaskFailure) -> Result<Fenced, CapabilityError> {
        self.call("fail", |store, now| store.fail(lease, &failure, now))
    }

    async fn reserve(&self, purpose: Purpose, length: u64) -> Result<Held, CapabilityError> {
        let room = match purpose {
            Purpose::Original => self.room.get(),
            Purpose::ModelAnswer => {
                self.log.borrow_mut().push(format!("reserve {length}"));
                self.sleep(self.wait_for_room.get()).await;
                length as usize
            }
        };
        let held = Held {
            bytes: Vec::new(),
            room,
            transfer: None,
        };
        match purpose {
            Purpose::Original if length as usize > room => Err(no_room()),
            Purpose::Original | Purpose::ModelAnswer => Ok(held),
        }
    }

    async fn put(
        &self,
        image: NewImage,
        contents: &Contents<Self::Blob>,
    ) -> Result<StoredOrNot, CapabilityError> {
        self.image_store_works()?;
        let path = ImagePath::of(&image).unwrap().to_string();
        let bytes = contents.blob().bytes.clone();
        self.images
            .borrow_mut()
            .insert(path.clone(), (image, bytes));
        Ok(StoredOrNot::Stored(Stored {
            url: format!("/api/images/{path}"),
            path,
            sha256: Some(SHA256.to_owned()),
        }))
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        Ok(self.image(path).await?.map(|(info, _)| info))
    }

    async fn image(&self, path: &str) -> Result<Option<(ImageInfo, Chunks)>, CapabilityError> {
        self.image_store_works()?;
        Ok(self.images.borrow().get(path).map(|(image, bytes)| {
            let info = ImageInfo {
                path: path.to_owned(),
                kind: ImageKind::Upload,
                owner: image.owner.clone(),
                media_type: image.media_type.clone(),
                size: image.length.longest(),
                etag: "\"x\"".to_owned(),
                sha256: Some(SHA256.to_owned()),
                created_at: self.now(),
                original_had_credentials: original_had_credentials(&image.metadata),
            };
            let mut contents = chunks(bytes);
            contents.then = Then::EndSlowly(self.image_pace.get(), self.time.clone());
            (info, contents)
        }))
    }

    async fn delete_image(&self, path: &str) -> Result<(), CapabilityError> {
        self.images.borrow_mut().remove(path);
        self.deleted.borrow_mut().push(path.to_owned());
        Ok(())
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        Ok(format!("{origin}/api/images/{path}?signature=x"))
    }

    async fn began(&self, _: &Lease, stage: Stage) {
        self.stages.borrow_mut().push(stage);
    }

    async fn refine(
        &self,
        request: ModelRequest,
        Images { image, mask }: &Images<'_, Self::Blob>,
    ) -> Result<Answer<Chunks>, ModelError> {
        if let Some(mask) = mask {
            assert_eq!(mask.blob().bytes, MASK);
            self.log.borrow_mut().push("refine".to_owned());
        }
        let asked = (request, image.blob().bytes.clone());
        self.asked.borrow_mut().push(asked);
        if let Some(attempt) = self.late_image.take() {
            let image = refined_image(ID, attempt);
            let path = ImagePath::of(&image).unwrap().to_string();
            self.images.borrow_mut().insert(path, (image, GIF.to_vec()));
        }
        let script = self.model.borrow_mut().pop_front();
        match script.expect("the model is asked too often") {
            Script::Answer(bytes) => Ok(answer(None, bytes)),
            Script::Declare(bytes, length) => Ok(answer(Some(length), bytes)),
            Script::Location(url) => Ok(Answer {
                image: ImageOrLocation::Location(url.to_owned()),
                notes: vec![NOTE.to_owned()],
                source_type: SourceType::CompositeWithTrainedAlgorithmicMedia,
            }),
            Script::Unknown => Err(ModelError::Unknown("the provider answered 502".to_owned())),
            Script::Unavailable(retry_after) => Err(ModelError::Unavailable {
                reason: "the provider is overloaded".to_owned(),
                retry_after,
            }),
            Script::Refuse(reason) => Err(ModelError::Final(Reason::refusal(reason))),
            Script::Hang => std::future::pending().await,
        }
    }

    async fn prepare(
        &self,
        original: &Contents<Held>,
        part: &Part<Held>,
        part_only: bool,
    ) -> Result<View<Chunks>, String> {
        let part = match part {
            Part::Region(region) => format!("{}+{}", region.x, region.width),
            Part::Mask(mask) => format!("a mask of {} bytes", mask.blob().bytes.len()),
        };
        let only = if part_only { "only " } else { "" };
        let length = original.blob().bytes.len();
        let line = format!("prepare {only}{part} of {length} bytes");
        self.log.borrow_mut().push(line);
        if let Some(reason) = self.refusal.get() {
            return Err(reason.to_owned());
        }
        Ok(View {
            image: self.view.get().map(chunks),
            mask: chunks(MASK),
            area: Region {
                x: 7,
                y: 0,
                width: 1,
                height: 1,
            },
            result_length: 1_000,
        })
    }

    async fn compose(
        &self,
        _: &Contents<Held>,
        (mask, area): (&Contents<Held>, Region),
        feather: u32,
        answer: &Contents<Held>,
    ) -> Result<Composite<Chunks>, String> {
        assert_eq!(mask.blob().bytes, MASK);
        let line = format!("compose at {} with {feather}", area.x);
        self.log.borrow_mut().push(line);
        Ok(Composite {
            image: chunks(&answer.blob().bytes),
            notes: vec!["It was put together.".to_owned()],
        })
    }

    async fn get(
        &self,
        url: &str,
        purpose: Purpose,
        rest: Option<&Rest>,
        user_agent: &str,
    ) -> Result<Response<Chunks>, Failure> {
        self.user_agents.borrow_mut().insert(user_agent.to_owned());
        let fetched = (url.to_owned(), purpose);
        self.fetched.borrow_mut().push(fetched);
        let offset = rest.map_or(0, |rest| rest.offset);
        self.offsets.borrow_mut().push(offset);
        let before = match purpose {
            Purpose::Original => None,
            Purpose::ModelAnswer => self.before_pages.borrow_mut().pop_front(),
        };
        let page = before.or_else(|| self.pages.borrow().get(url).cloned());
        let mut response = Response {
            status: 200,
            location: None,
            content_length: None,
            is_compressed: false,
            content_range: None,
            etag: None,
            retry_after: None,
            body: chunks(b""),
        };
        let from = |etag: &str| match rest {
            Some(rest) if rest.etag == etag => Some(rest.offset as usize),
            _ => None,
        };
        match page.unwrap_or(Page::Status(404)) {
            Page::Body(bytes) => response.body = chunks(bytes),
            Page::Declare(bytes, length) => {
                response.body = chunks(bytes);
                response.content_length = Some(length);
            }
            Page::File(bytes, etag) | Page::Cut(bytes, etag, _) | Page::Stall(bytes, etag, _)
                if from(etag).is_some() =>
            {
                let from = from(etag).unwrap();
                response.status = 206;
                response.content_range =
                    Some(format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len()));
                response.body = chunks(&bytes[from..]);
            }
            Page::File(bytes, etag) => {
                response.body = chunks(bytes);
                response.content_length = Some(bytes.len() as u64);
                response.etag = Some(etag.to_owned());
            }
            Page::Cut(bytes, etag, at) => {
                response.body = chunks(&bytes[..at]);
                response.content_length = Some(bytes.len() as u64);
                response.etag = Some(etag.to_owned());
            }
            Page::Stall(bytes, etag, at) => {
                response.body = chunks(&bytes[..at]);
                response.body.then = Then::Nothing;
                response.content_length = Some(bytes.len() as u64);
                response.etag = Some(etag.to_owned());
            }
            Page::Impatient(bytes) => {
                response.body = chunks(bytes);
                response.body.then = Then::EndBy(self.now(), self.time.clone());
                response.content_length = Some(bytes.len() as u64);
            }
            Page::Status(status) => response.status = status,
            Page::Busy(status, seconds) => {
                response.status = status;
                response.retry_after = Some(seconds.to_owned());
            }
            Page::Redirect(location) => {
                response.status = 302;
                response.location = Some(location.to_owned());
            }
            Page::Encoded(bytes) => {
                response.body = chunks(bytes);
                response.is_compressed = true;
            }
            Page::Part(status, range, bytes) => {
                response.status = status;
                response.content_range = range.map(str::to_owned);
                response.body = chunks(bytes);
            }
            Page::Refuse(error) => return Err(error),
            Page::Silence => response.body.then = Then::Nothing,
        }
        Ok(response)
    }
}

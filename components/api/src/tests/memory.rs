//! In-memory ports, with a manual clock and faults on demand.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use concept_refinement_domain::capability::{
    ByteRange, Cancellation, CapabilityError, CapabilityState, ConceptPage, Erased, Fenced,
    ImageInfo, ImageKind, NewImage, NewTask, Position, Resolved, Stored, StoredOrNot, Submission,
    TaskPage,
};
use concept_refinement_domain::concept::{Concept, ConceptContent};
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::signature;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::task::{Change, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{Redelivery, WebhookDelivery};
use concept_refinement_kit::store::MemoryStore;
use futures::StreamExt as _;
use futures::channel::mpsc;
use futures::stream::{self, LocalBoxStream};
use sha2::{Digest as _, Sha256};

use crate::ports::{self, ByteStream, Changes, KeyDocument};

const KEY: &[u8] = b"the key of image URLs";
const TTL: Duration = Duration::from_secs(3600);

#[derive(Clone, Default)]
pub struct Memory(pub Rc<RefCell<State>>);

#[derive(Default)]
pub struct State {
    pub settings: BTreeMap<String, String>,
    pub settings_read: usize,
    pub now: Timestamp,
    pub ids: u128,
    pub store: MemoryStore,
    pub images: BTreeMap<String, (ImageInfo, Vec<u8>)>,
    /// What everybody has of images under way elsewhere.
    pub under_way: ImageUsage,
    /// Until when users have sessions who own something.
    pub sessions: BTreeMap<String, Timestamp>,
    pub messages: Vec<Vec<u8>>,
    /// Errors that functions return instead, by name.
    pub faults: BTreeMap<&'static str, CapabilityError>,
    /// The issuer's key set, and the URLs that were fetched.
    pub key_set: Vec<u8>,
    pub asked_issuer: String,
    /// Whether the issuer hangs.
    pub is_issuer_slow: bool,
    /// The capabilities that are not ready.
    pub problems: BTreeMap<&'static str, String>,
    /// Whether a worker claims a task before it is published.
    pub is_taken_at_once: bool,
    /// Whether the disk is full, so that an image must be deleted before a
    /// concept.
    pub is_full_until_an_image_goes: bool,
    /// Which functions were called, in order.
    pub calls: Vec<&'static str>,
    /// Those who watch a task.
    pub watching: Vec<mpsc::UnboundedSender<Change>>,
    pub background: Vec<Pin<Box<dyn Future<Output = ()>>>>,
}

impl Memory {
    fn call(&self, name: &'static str) -> Result<(), CapabilityError> {
        let mut state = self.0.borrow_mut();
        state.calls.push(name);
        state.faults.get(name).cloned().map_or(Ok(()), Err)
    }

    pub fn fail(&self, name: &'static str) {
        let error = CapabilityError::unavailable(format!("{name} is out of reach."));
        self.0.borrow_mut().faults.insert(name, error);
    }

    pub fn called(&self, name: &str) -> usize {
        self.0
            .borrow()
            .calls
            .iter()
            .filter(|call| **call == name)
            .count()
    }

    pub fn advance(&self, duration: Duration) {
        let mut state = self.0.borrow_mut();
        state.now = state.now.plus(duration);
    }

    /// The only task.
    pub fn task(&self) -> Task {
        let state = self.0.borrow();
        let mut tasks = state.store.tasks();
        let task = tasks.next().expect("there is a task");
        assert_eq!(tasks.next(), None, "there is one task");
        task.clone()
    }

    /// The visible concepts.
    pub fn concepts(&self) -> Vec<Concept> {
        self.0.borrow().store.all_concepts().cloned().collect()
    }

    /// Changes the only task.
    pub fn edit_task(&self, edit: impl FnOnce(&mut Task)) {
        let id = self.task().id;
        self.0.borrow_mut().store.edit(&id, edit);
    }

    /// Changes the only task, and tells those who watch it.
    pub fn change_task(&self, edit: impl FnOnce(&mut Task)) {
        self.edit_task(edit);
        self.tell(Change::Task(Box::new(self.task())));
    }

    /// Tells all who watch something. Nothing comes after the last state.
    pub fn tell(&self, change: Change) {
        let is_last = match &change {
            Change::Task(task) => task.status.is_final(),
            Change::Progress(_) => false,
            Change::Deleted => true,
        };
        let watching = &mut self.0.borrow_mut().watching;
        watching.retain(|watcher| watcher.unbounded_send(change.clone()).is_ok() && !is_last);
    }

    /// How many watch a task and have not left.
    pub fn watchers(&self) -> usize {
        let watching = &mut self.0.borrow_mut().watching;
        watching.retain(|watcher| !watcher.is_closed());
        watching.len()
    }

    pub fn put_image(&self, kind: ImageKind, path: &str, owner: &str, bytes: &[u8]) {
        let mut state = self.0.borrow_mut();
        let info = ImageInfo {
            path: path.to_owned(),
            kind,
            owner: owner.to_owned(),
            media_type: "image/png".to_owned(),
            size: bytes.len() as u64,
            etag: format!("\"{path}\""),
            sha256: None,
            created_at: state.now,
            original_had_credentials: false,
        };
        state.images.insert(path.to_owned(), (info, bytes.to_vec()));
    }

    /// A refined concept and its image.
    pub fn put_concept(&self, id: &str, owner: &str) {
        self.put_child(id, owner, None);
    }

    /// Says what the image of a concept hashes to.
    pub fn set_sha256(&self, id: &str, sha256: &str) {
        let mut state = self.0.borrow_mut();
        let mut concept = state.store.concept("ann", id).unwrap();
        concept.content.image_sha256 = Some(sha256.to_owned());
        state.store.insert_concept(concept);
    }

    /// A concept that was refined from another one.
    pub fn put_child(&self, id: &str, owner: &str, parent_id: Option<&str>) {
        let path = format!("refined/{id}.png");
        self.put_image(ImageKind::Refined, &path, owner, b"refined");
        let mut state = self.0.borrow_mut();
        let created_at = state.now;
        state.store.insert_concept(Concept {
            id: id.to_owned(),
            created_at,
            content: ConceptContent {
                task_id: "00000000-0000-4000-8000-00000000000a".into(),
                user_id: owner.to_owned(),
                is_anonymous: true,
                image_url: format!("/api/images/{path}"),
                image_path: path,
                image_sha256: None,
                original_image_url: "https://example.com/a.png".into(),
                parent_id: parent_id.map(str::to_owned),
                refinement_prompt: "make it brown".into(),
                logo_description: None,
                theme_description: Some("warm".into()),
                color_palettes: Vec::new(),
                notes: vec!["Not understood: sparkles.".into()],
                provenance: None,
                other: Default::default(),
            },
        });
    }
}

impl ports::Ports for Memory {
    type Contents = Vec<u8>;

    async fn submit(&self, new: NewTask) -> Result<Submission, CapabilityError> {
        self.call("submit")?;
        let state = &mut *self.0.borrow_mut();
        let submitted = state.store.submit(new, state.now);
        submitted.map_err(|refusal| CapabilityError::invalid(refusal.to_string()))
    }

    async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, CapabilityError> {
        self.call("withdraw")?;
        let state = &mut *self.0.borrow_mut();
        Ok(state.store.withdraw(id, error_message, state.now))
    }

    async fn renew_session(
        &self,
        user: &str,
        until: Timestamp,
        owns_images: bool,
    ) -> Result<(), CapabilityError> {
        self.call("renew session")?;
        let mut state = self.0.borrow_mut();
        if owns_images {
            state.sessions.insert(user.to_owned(), until);
        }
        Ok(())
    }

    async fn task(&self, user: &str, id: &str) -> Result<Option<Task>, CapabilityError> {
        self.call("task")?;
        Ok(self.0.borrow().store.get(user, id))
    }

    async fn tasks(
        &self,
        user: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, CapabilityError> {
        self.call("tasks")?;
        Ok(self.0.borrow().store.list(user, status, limit, after))
    }

    async fn used(&self, user: &str, window: Window) -> Result<u32, CapabilityError> {
        self.call("used")?;
        let state = self.0.borrow();
        Ok(state.store.used(user, window, state.now))
    }

    async fn spending(&self, user: &str, window: Window) -> Result<Spending, CapabilityError> {
        self.call("spending")?;
        let state = self.0.borrow();
        Ok(state.store.spending(user, window, state.now))
    }

    async fn cancel(&self, user: &str, id: &str) -> Result<Option<Cancellation>, CapabilityError> {
        self.call("cancel task")?;
        let state = &mut *self.0.borrow_mut();
        Ok(state.store.cancel(user, id, state.now))
    }

    async fn delete_task(&self, user: &str, id: &str) -> Result<bool, CapabilityError> {
        self.call("delete task")?;
        let deleted = self.0.borrow_mut().store.delete(user, id);
        if deleted {
            self.tell(Change::Deleted);
        }
        Ok(deleted)
    }

    async fn erase_user(&self, user: &str, limit: u32) -> Result<Erased, CapabilityError> {
        self.call("erase user")?;
        let is_active = |task: &Task| task.user_id == user && !task.status.is_final();
        let was_active = self.0.borrow().store.tasks().any(is_active);
        let erased = self.0.borrow_mut().store.erase_user(user, limit);
        if was_active {
            self.tell(Change::Deleted);
        }
        self.0.borrow_mut().sessions.remove(user);
        Ok(erased)
    }

    async fn watch(&self, user: &str, id: &str) -> Result<Option<Changes>, CapabilityError> {
        self.call("watch")?;
        let state = &mut *self.0.borrow_mut();
        let Some(task) = state.store.get(user, id) else {
            return Ok(None);
        };
        let (sender, changes) = mpsc::unbounded();
        if !task.status.is_final() {
            state.watching.push(sender);
        }
        let now = stream::iter([Change::Task(Box::new(task))]);
        Ok(Some(now.chain(changes).boxed_local()))
    }

    async fn publish(&self, message: Vec<u8>) -> Result<(), CapabilityError> {
        if self.0.borrow().is_taken_at_once {
            self.edit_task(|task| task.status = Status::Processing);
        }
        self.call("publish")?;
        self.0.borrow_mut().messages.push(message);
        Ok(())
    }

    async fn position(&self, task_id: &str) -> Result<Option<u32>, CapabilityError> {
        self.call("position")?;
        let state = self.0.borrow();
        let order = state.store.claim_order(1_000, state.now);
        let place = order.iter().position(|waiting| waiting == task_id);
        Ok(place.map(|place| u32::try_from(place).unwrap() + 1))
    }

    async fn put(
        &self,
        image: NewImage,
        contents: &mut impl ByteStream,
    ) -> Result<StoredOrNot, CapabilityError> {
        self.call("put")?;
        let mut usage = self.0.borrow().under_way;
        for (info, _) in self.0.borrow().images.values() {
            if info.owner == image.owner && info.kind == image.kind {
                usage.add_stored(info.size);
            }
        }
        if let Some(limits) = image.limits
            && let Err(limit) = limits.admit(usage, image.length.longest())
        {
            return Ok(StoredOrNot::LimitReached(limit));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = contents.next().await {
            assert!(!chunk.is_empty());
            bytes.extend_from_slice(&chunk);
        }
        if !image.length.is_met_by(bytes.len() as u64) {
            return Ok(StoredOrNot::WrongLength);
        }
        let path = format!("uploads/{}", image.name);
        self.put_image(image.kind, &path, &image.owner, &bytes);
        let url = format!("/api/images/{path}");
        Ok(StoredOrNot::Stored(Stored {
            path,
            url,
            sha256: Some(hex(&Sha256::digest(&bytes))),
        }))
    }

    fn chunks(contents: Vec<u8>) -> LocalBoxStream<'static, Vec<u8>> {
        let chunks: Vec<_> = contents.chunks(7).map(<[u8]>::to_vec).collect();
        stream::iter(chunks).boxed_local()
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        self.call("stat")?;
        let state = self.0.borrow();
        Ok(state.images.get(path).map(|(info, _)| info.clone()))
    }

    async fn image(
        &self,
        path: &str,
        range: Option<ByteRange>,
    ) -> Result<Option<(ImageInfo, Vec<u8>)>, CapabilityError> {
        self.call("image")?;
        let state = self.0.borrow();
        Ok(state.images.get(path).map(|(info, bytes)| {
            let bytes = match range {
                None => bytes.clone(),
                Some(ByteRange { offset, length }) => {
                    bytes[offset as usize..(offset + length) as usize].to_vec()
                }
            };
            (info.clone(), bytes)
        }))
    }

    async fn has_uploads(&self, owner: &str) -> Result<bool, CapabilityError> {
        self.call("has uploads")?;
        let state = self.0.borrow();
        Ok(state.images.values().any(|(info, _)| info.owner == owner))
    }

    async fn delete_image(&self, path: &str) -> Result<(), CapabilityError> {
        self.call("delete image")?;
        let mut state = self.0.borrow_mut();
        state.images.remove(path);
        state.is_full_until_an_image_goes = false;
        Ok(())
    }

    async fn delete_uploads(&self, owner: &str, limit: u32) -> Result<bool, CapabilityError> {
        self.call("delete uploads")?;
        let images = &mut self.0.borrow_mut().images;
        let uploads = images.iter().filter(|(_, (info, _))| {
            (info.owner.as_str(), info.kind) == (owner, ImageKind::Upload)
        });
        let uploads: Vec<_> = uploads.map(|(path, _)| path.clone()).collect();
        for path in uploads.iter().take(limit as usize) {
            images.remove(path);
        }
        Ok(uploads.len() > limit as usize)
    }

    async fn sign(&self, path: &str, origin: &str) -> Result<String, CapabilityError> {
        self.call("sign")?;
        let state = self.0.borrow();
        let origin = state.settings.get("public-url").map_or(origin, |url| url);
        let query = signature::sign(KEY, path, state.now, TTL);
        Ok(format!("{origin}/api/images/{path}?{query}"))
    }

    async fn resolve(&self, url: &str, origin: &str) -> Result<Option<Resolved>, CapabilityError> {
        self.call("resolve")?;
        let state = self.0.borrow();
        let public = state.settings.get("public-url").map(String::as_str);
        let path_and_query = [Some(origin), public]
            .into_iter()
            .flatten()
            .find_map(|origin| url.strip_prefix(origin)?.strip_prefix("/api/images/"));
        Ok(path_and_query.map(|rest| {
            let (path, query) = match rest.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (rest, None),
            };
            Resolved {
                path: path.to_owned(),
                access: signature::access(KEY, path, query, state.now),
            }
        }))
    }

    async fn concept(&self, user: &str, id: &str) -> Result<Option<Concept>, CapabilityError> {
        self.call("concept")?;
        Ok(self.0.borrow().store.concept(user, id))
    }

    async fn concepts(
        &self,
        user: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, CapabilityError> {
        self.call("concepts")?;
        Ok(self.0.borrow().store.concepts(user, limit, after))
    }

    async fn children(
        &self,
        user: &str,
        id: &str,
        limit: u32,
    ) -> Result<Vec<Concept>, CapabilityError> {
        self.call("children")?;
        Ok(self.0.borrow().store.children(user, id, limit))
    }

    async fn find_image(&self, sha256: &str) -> Result<Option<Timestamp>, CapabilityError> {
        self.call("find image")?;
        Ok(self.0.borrow().store.find_image(sha256))
    }

    async fn delete_concept(
        &self,
        user: &str,
        id: &str,
    ) -> Result<Option<String>, CapabilityError> {
        self.call("delete concept")?;
        let mut state = self.0.borrow_mut();
        if state.is_full_until_an_image_goes {
            return Err(CapabilityError::full("There is no room left."));
        }
        Ok(state.store.delete_concept(user, id))
    }

    async fn webhook(
        &self,
        user: &str,
        task_id: &str,
    ) -> Result<Option<WebhookDelivery>, CapabilityError> {
        self.call("webhook")?;
        Ok(self.0.borrow().store.webhook(user, task_id))
    }

    async fn redeliver(&self, user: &str, task_id: &str) -> Result<Redelivery, CapabilityError> {
        self.call("redeliver")?;
        let mut state = self.0.borrow_mut();
        let now = state.now;
        Ok(state.store.redeliver(user, task_id, now))
    }

    async fn check(&self) -> Vec<CapabilityState> {
        let mut state = self.0.borrow_mut();
        state.calls.push("check");
        ["tasks", "queue", "images", "model"]
            .into_iter()
            .map(|name| CapabilityState {
                name: name.to_owned(),
                problem: state.problems.get(name).cloned(),
            })
            .collect()
    }

    async fn model(&self) -> String {
        self.0.borrow_mut().calls.push("model");
        "It edits by rules.".into()
    }

    async fn key_set(&self, url: &str) -> Result<KeyDocument, String> {
        self.call("key set").map_err(|error| error.message)?;
        poll_fn(|_| match self.0.borrow().is_issuer_slow {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        let mut state = self.0.borrow_mut();
        state.asked_issuer = url.to_owned();
        Ok(KeyDocument {
            bytes: state.key_set.clone(),
            is_known: false,
        })
    }

    fn uuid(&self) -> String {
        let mut state = self.0.borrow_mut();
        state.ids += 1;
        format!("00000000-0000-4000-8000-{:012x}", state.ids)
    }

    fn task_id(&self) -> String {
        self.uuid()
    }

    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().background.push(Box::pin(work));
    }
}

impl ports::Settings for Memory {
    async fn get(&self, name: &str) -> Option<String> {
        let mut state = self.0.borrow_mut();
        state.settings_read += 1;
        state.settings.get(name).cloned()
    }
}

impl ports::Clock for Memory {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }

    /// Completes when it is polled after the clock was advanced far enough.
    async fn sleep(&self, duration: Duration) {
        let end = self.now().plus(duration);
        poll_fn(|_| match self.now() < end {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }
}

/// The set of a JSON object's keys.
pub fn keys(value: &serde_json::Value) -> BTreeSet<&str> {
    value
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

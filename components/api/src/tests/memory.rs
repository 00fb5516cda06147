//! In-memory ports, with a manual clock and faults on demand.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use concept_refinement_domain::capability::{
    Accepted, ByteRange, CapabilityError, CapabilityState, ConceptPage, Deleted, Fenced, ImageInfo,
    ImageKind, NewImage, NewTask, Position, Resolved, Stored, StoredOrNot, Submission, TaskPage,
};
use concept_refinement_domain::concept::{Concept, NewConcept};
use concept_refinement_domain::signature;
use concept_refinement_domain::task::{Change, Refinement, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use futures::StreamExt as _;
use futures::channel::mpsc;
use futures::stream;

use crate::ports::{self, Changes, Chunks};

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
    pub tasks: Vec<Task>,
    pub concepts: Vec<Concept>,
    pub images: BTreeMap<String, (ImageInfo, Vec<u8>)>,
    pub messages: Vec<Vec<u8>>,
    /// What was submitted under an idempotency key.
    pub keys: BTreeMap<(String, String), (Refinement, Accepted)>,
    pub used: BTreeMap<String, u32>,
    /// If set, the backlog is full.
    pub backlog: Option<u32>,
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

    /// Changes the only task.
    pub fn edit_task(&self, edit: impl FnOnce(&mut Task)) {
        let mut state = self.0.borrow_mut();
        assert_eq!(state.tasks.len(), 1);
        edit(&mut state.tasks[0]);
    }

    /// Changes the only task, and tells those who watch it.
    pub fn change_task(&self, edit: impl FnOnce(&mut Task)) {
        self.edit_task(edit);
        let task = self.0.borrow().tasks[0].clone();
        self.tell(Change::Task(Box::new(task)));
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
            created_at: state.now,
        };
        state.images.insert(path.to_owned(), (info, bytes.to_vec()));
    }

    /// A refined concept and its image.
    pub fn put_concept(&self, id: &str, owner: &str) {
        let path = format!("refined/{id}.png");
        self.put_image(ImageKind::Refined, &path, owner, b"refined");
        let mut state = self.0.borrow_mut();
        let created_at = state.now;
        state.concepts.push(Concept {
            id: id.to_owned(),
            created_at,
            content: NewConcept {
                task_id: "00000000-0000-4000-8000-00000000000a".into(),
                user_id: owner.to_owned(),
                is_anonymous: true,
                image_url: format!("/api/images/{path}"),
                image_path: path,
                original_image_url: "https://example.com/a.png".into(),
                refinement_prompt: "make it brown".into(),
                logo_description: None,
                theme_description: Some("warm".into()),
                color_palettes: Vec::new(),
            },
        });
    }
}

impl ports::TaskStore for Memory {
    async fn submit(&self, new: NewTask) -> Result<Submission, CapabilityError> {
        self.call("submit")?;
        let state = &mut *self.0.borrow_mut();
        let key = new.idempotency_key.map(|key| (new.user_id.clone(), key));
        if let Some((refinement, accepted)) = key.as_ref().and_then(|key| state.keys.get(key)) {
            return Ok(if *refinement == new.refinement {
                Submission::Replayed(accepted.clone())
            } else {
                Submission::KeyReused
            });
        }
        if !new.original_found {
            return Ok(Submission::OriginalMissing);
        }
        let now = state.now;
        let used = state.used.entry(new.user_id.clone()).or_default();
        let active = state
            .tasks
            .iter()
            .find(|task| task.user_id == new.user_id && !task.status.is_final());
        if let Some(task) = active {
            return Ok(Submission::Active(Accepted {
                task: task.clone(),
                quota: new.quota.map(|quota| quota.state(*used, now)),
            }));
        }
        if let Some(quota) = new.quota.filter(|quota| *used >= quota.limit) {
            return Ok(Submission::QuotaExceeded(quota.state(*used, now)));
        }
        if let Some(seconds) = state.backlog {
            return Ok(Submission::BacklogFull(seconds));
        }
        *used += 1;
        let task = Task {
            id: new.id,
            user_id: new.user_id,
            is_anonymous: new.is_anonymous,
            status: Status::Pending,
            refinement: new.refinement.clone(),
            original_path: new.original_path,
            created_at: now,
            updated_at: None,
            completed_at: None,
            result_id: None,
            image_path: None,
            error_message: None,
            lease_until: None,
        };
        let accepted = Accepted {
            task: task.clone(),
            quota: new.quota.map(|quota| quota.state(*used, now)),
        };
        state.tasks.push(task);
        if let Some(key) = key {
            state.keys.insert(key, (new.refinement, accepted.clone()));
        }
        Ok(Submission::Created(accepted))
    }

    async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, CapabilityError> {
        self.call("withdraw")?;
        let state = &mut *self.0.borrow_mut();
        let now = state.now;
        let task = state
            .tasks
            .iter_mut()
            .find(|task| task.id == id && task.status == Status::Pending);
        let Some(task) = task else {
            return Ok(Fenced::Lost);
        };
        task.status = Status::Failed;
        task.error_message = Some(error_message.to_owned());
        task.completed_at = Some(now);
        *state.used.entry(task.user_id.clone()).or_default() -= 1;
        state.keys.retain(|_, (_, accepted)| accepted.task.id != id);
        Ok(Fenced::Done)
    }

    async fn get(&self, user: &str, id: &str) -> Result<Option<Task>, CapabilityError> {
        self.call("task")?;
        let state = self.0.borrow();
        let mut tasks = state.tasks.iter();
        Ok(tasks
            .find(|task| task.user_id == user && task.id == id)
            .cloned())
    }

    async fn list(
        &self,
        user: &str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Result<TaskPage, CapabilityError> {
        self.call("tasks")?;
        let state = self.0.borrow();
        let of_user = state
            .tasks
            .iter()
            .filter(|task| task.user_id == user)
            .filter(|task| status.is_none_or(|status| task.status == status))
            .cloned()
            .map(|task| (position(task.created_at, &task.id), task));
        let (items, next) = page(of_user.collect(), limit, after);
        Ok(TaskPage { items, next })
    }

    async fn delete(&self, user: &str, id: &str) -> Result<Option<Deleted>, CapabilityError> {
        self.call("delete task")?;
        let mut state = self.0.borrow_mut();
        let found = state
            .tasks
            .iter()
            .position(|task| task.user_id == user && task.id == id);
        let Some(index) = found else {
            return Ok(None);
        };
        let task = state.tasks.remove(index);
        drop(state);
        self.tell(Change::Deleted);
        Ok(Some(Deleted {
            unpublished_image: task.image_path.filter(|_| !task.status.is_final()),
        }))
    }

    async fn watch(&self, user: &str, id: &str) -> Result<Option<Changes>, CapabilityError> {
        self.call("watch")?;
        let state = &mut *self.0.borrow_mut();
        let mut tasks = state.tasks.iter();
        let found = tasks.find(|task| task.user_id == user && task.id == id);
        let Some(task) = found.cloned() else {
            return Ok(None);
        };
        let (sender, changes) = mpsc::unbounded();
        if !task.status.is_final() {
            state.watching.push(sender);
        }
        let now = stream::iter([Change::Task(Box::new(task))]);
        Ok(Some(now.chain(changes).boxed_local()))
    }
}

impl ports::TaskQueue for Memory {
    async fn publish(&self, message: Vec<u8>) -> Result<(), CapabilityError> {
        let mut state = self.0.borrow_mut();
        if state.is_taken_at_once {
            for task in &mut state.tasks {
                task.status = Status::Processing;
            }
        }
        drop(state);
        self.call("publish")?;
        self.0.borrow_mut().messages.push(message);
        Ok(())
    }
}

impl ports::ImageStore for Memory {
    type Contents = Vec<u8>;

    async fn put(
        &self,
        image: NewImage,
        contents: &mut impl Chunks,
    ) -> Result<StoredOrNot, CapabilityError> {
        self.call("put")?;
        let kept = self
            .0
            .borrow()
            .images
            .values()
            .filter(|(info, _)| info.owner == image.owner && info.kind == image.kind)
            .count();
        if image.at_most.is_some_and(|most| kept >= most as usize) {
            return Ok(StoredOrNot::TooMany);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = contents.next().await {
            assert!(!chunk.is_empty());
            bytes.extend_from_slice(&chunk);
        }
        if bytes.len() as u64 != image.length {
            return Ok(StoredOrNot::WrongLength);
        }
        let path = format!("uploads/{}", image.name);
        self.put_image(image.kind, &path, &image.owner, &bytes);
        let url = format!("/api/images/{path}");
        Ok(StoredOrNot::Stored(Stored { path, url }))
    }

    async fn stat(&self, path: &str) -> Result<Option<ImageInfo>, CapabilityError> {
        self.call("stat")?;
        let state = self.0.borrow();
        Ok(state.images.get(path).map(|(info, _)| info.clone()))
    }

    async fn get(
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

    async fn delete(&self, path: &str) -> Result<(), CapabilityError> {
        self.call("delete image")?;
        let mut state = self.0.borrow_mut();
        state.images.remove(path);
        state.is_full_until_an_image_goes = false;
        Ok(())
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
}

impl ports::ConceptStore for Memory {
    async fn get(&self, user: &str, id: &str) -> Result<Option<Concept>, CapabilityError> {
        self.call("concept")?;
        let state = self.0.borrow();
        let mut concepts = state.concepts.iter();
        Ok(concepts
            .find(|concept| concept.content.user_id == user && concept.id == id)
            .cloned())
    }

    async fn list(
        &self,
        user: &str,
        limit: u32,
        after: Option<Position>,
    ) -> Result<ConceptPage, CapabilityError> {
        self.call("concepts")?;
        let state = self.0.borrow();
        let of_user = state
            .concepts
            .iter()
            .filter(|concept| concept.content.user_id == user)
            .cloned()
            .map(|concept| (position(concept.created_at, &concept.id), concept));
        let (items, next) = page(of_user.collect(), limit, after);
        Ok(ConceptPage { items, next })
    }

    async fn delete(&self, user: &str, id: &str) -> Result<Option<String>, CapabilityError> {
        self.call("delete concept")?;
        let mut state = self.0.borrow_mut();
        if state.is_full_until_an_image_goes {
            return Err(CapabilityError::full("There is no room left."));
        }
        let found = state
            .concepts
            .iter()
            .position(|concept| concept.content.user_id == user && concept.id == id);
        Ok(found.map(|index| state.concepts.remove(index).content.image_path))
    }
}

impl ports::Health for Memory {
    async fn check(&self) -> Vec<CapabilityState> {
        let state = self.0.borrow();
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
}

impl ports::Issuer for Memory {
    async fn key_set(&self, url: &str) -> Result<Vec<u8>, String> {
        self.call("key set").map_err(|error| error.message)?;
        poll_fn(|_| match self.0.borrow().is_issuer_slow {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        let mut state = self.0.borrow_mut();
        state.asked_issuer = url.to_owned();
        Ok(state.key_set.clone())
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

impl ports::Ids for Memory {
    fn uuid(&self) -> String {
        let mut state = self.0.borrow_mut();
        state.ids += 1;
        format!("00000000-0000-4000-8000-{:012x}", state.ids)
    }
}

impl ports::Background for Memory {
    fn spawn(&self, work: impl Future<Output = ()> + 'static) {
        self.0.borrow_mut().background.push(Box::pin(work));
    }
}

fn position(created_at: Timestamp, id: &str) -> Position {
    Position {
        created_at,
        id: id.to_owned(),
    }
}

/// Newest first, at most `limit`, after a position.
fn page<T>(
    items: Vec<(Position, T)>,
    limit: u32,
    after: Option<Position>,
) -> (Vec<T>, Option<Position>) {
    let place = |position: &Position| (position.created_at, position.id.clone());
    let mut items: Vec<_> = items
        .into_iter()
        .filter(|(position, _)| {
            after
                .as_ref()
                .is_none_or(|after| place(position) < place(after))
        })
        .collect();
    items.sort_by_key(|(position, _)| std::cmp::Reverse(place(position)));
    let has_more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items
        .last()
        .filter(|_| has_more)
        .map(|(position, _)| position.clone());
    (items.into_iter().map(|(_, item)| item).collect(), next)
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

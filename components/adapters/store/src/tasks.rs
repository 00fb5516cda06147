//! `task-store`: each operation on a task is one swap of its user's record.

use std::ops::RangeInclusive;
use std::time::Duration;

use concept_refinement_domain::capability::{
    Cancellation, Claimed, Fenced, Finished, Lease, NewTask, RefinedImage, Submission, TaskFailure,
};
use concept_refinement_domain::concept::id_for;
use concept_refinement_domain::duration;
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::{
    self, ActiveTasks, Claim, Decision, ImageFacts, Operation,
};
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::timestamp::Timestamp;

use crate::documents::{self, TaskDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::reads::end_of;
use crate::store::{Attempts, Store};
use crate::user_record::UserRecord;
use crate::user_record::entries::{Entry, Segment};
use crate::user_record::keys;
use crate::user_record::submit::{Created, RecordedAccount};

/// The default of the setting `lease`, as in our host.
const LEASE: Duration = Duration::from_secs(30);

/// Allowed leases, as in our host: with a shorter one, renewals would never stop.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60 * 60);

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn submit(&self, task: NewTask) -> Result<Submission, Fault> {
        let document =
            names::task(&task.id).ok_or(Fault::Invalid("This is not the id of a task."))?;
        let mut is_new = false;
        let mut attempts = Attempts::default();
        loop {
            let (mut user_record, held) = self.held(&task.user_id).await?;
            let now = self.machine.now();
            let active = self.active_tasks(&user_record).await?;
            if active.is_none() && user_record.active().next().is_some() {
                // The oldest one was deleted meanwhile.
                attempts.pause(&self.machine).await?;
                continue;
            }
            // Ids are random. A submission whose id exists already is refused; if two
            // users submit the same id at the same time, only one task is stored.
            let is_own = |entry: &Entry| entry.task_id == task.id;
            let is_taken = match is_new {
                true => user_record.active().any(is_own),
                false => self.platform.get(&document).await?.is_some(),
            };
            let account = RecordedAccount {
                submitted: self.submitted(&task, &user_record, now).await?,
                user_record: &user_record,
                active,
                is_taken,
            };
            let Decision { answer, effects } = rulebook::submit(&account, task.clone(), now)?;
            let Some(creation) = effects else {
                if is_new {
                    self.remove_unreferenced(std::slice::from_ref(&document))
                        .await;
                }
                return Ok(answer);
            };
            is_new = true;
            let created = user_record.create(creation, || self.drawn(), now);
            self.move_entries(&task.user_id, created.moved_entries.as_ref())
                .await?;
            let written = before_creation(&task.user_id, &document, &created);
            self.platform.set_many(written).await?;
            if self.platform.swap(held, user_record.encode()).await? {
                return Ok(answer);
            }
            attempts.pause(&self.machine).await?;
        }
    }

    pub async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, Fault> {
        self.apply(Operation::withdraw(id, error_message)).await
    }

    pub async fn claim(&self, id: &str, user_id: Option<&str>) -> Result<Option<Claimed>, Fault> {
        let lease = self.lease().await;
        let claim = self.apply(Operation::claim(id, user_id, lease));
        Ok(match claim.await? {
            Claim::Claimed(claimed) => Some(*claimed),
            Claim::Refused | Claim::GivenUp => None,
        })
    }

    pub async fn renew(&self, held: &Lease) -> Result<Option<Lease>, Fault> {
        let lease = self.lease().await;
        self.apply(Operation::renew(held, lease)).await
    }

    pub async fn finish(&self, held: &Lease, image: RefinedImage) -> Result<Finished, Fault> {
        let path = image.stored.path.clone();
        if let Some(task) = self.task_document(&held.task_id).await? {
            self.index(&held.task_id, &task, &image).await?;
        }
        if self.apply(Operation::finish(held, image)).await? == Fenced::Done {
            return Ok(Finished::Done);
        }
        let is_unreferenced = self.is_unreferenced(&held.task_id, &path).await?;
        Ok(rulebook::late(is_unreferenced))
    }

    /// Whether an image that was stored for a task is not needed.
    async fn is_unreferenced(&self, id: &str, path: &str) -> Result<bool, Fault> {
        let (mut task, mut concept) = (None, None);
        if let Some(user_id) = self.user_of(id).await? {
            task = self.get(&user_id, id).await?;
            concept = self.concept(&user_id, &id_for(id)).await?;
        }
        let facts = ImageFacts {
            task: task.as_ref(),
            is_forgotten: task.is_none(),
            concept_image: concept.as_ref().map(|it| it.content.image_path.as_str()),
            is_original: self.is_original(path).await?,
        };
        Ok(rulebook::is_unreferenced(path, facts))
    }

    /// Whether the image is the original or the mask of an active task of its owner.
    async fn is_original(&self, path: &str) -> Result<bool, Fault> {
        let Some(image) = ImagePath::parse(path) else {
            return Ok(false);
        };
        let owner = names::user_of_tag(&image.tag);
        let record = self.platform.peek(&owner).await?;
        let user_record = UserRecord::decode(record.as_deref())?;
        let tasks = user_record.active().map(|entry| &entry.task_id);
        let keys: Vec<_> = tasks.filter_map(|id| names::task(id)).collect();
        for document in self.platform.get_many(&keys).await?.into_iter().flatten() {
            let task: TaskDocument = documents::decode(&document)?;
            if task.refers_to(path) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The user who owns the task; also known after its deletion while its concept
    /// exists.
    async fn user_of(&self, id: &str) -> Result<Option<String>, Fault> {
        if let Some(task) = self.task_document(id).await? {
            return Ok(Some(task.user_id));
        }
        let location = self.place_of_concept(&id_for(id)).await?;
        Ok(location.map(|location| location.user_id))
    }

    pub async fn fail(&self, held: &Lease, failure: &TaskFailure) -> Result<Fenced, Fault> {
        self.apply(Operation::fail(held, failure)).await
    }

    pub async fn release(&self, held: &Lease) -> Result<Fenced, Fault> {
        self.apply(Operation::release(held)).await
    }

    pub async fn cancel(&self, user_id: &str, id: &str) -> Result<Option<Cancellation>, Fault> {
        let cancelled = self.apply(Operation::cancel(user_id, id)).await?;
        // With the times that were saved, which differ if the clock was set back.
        let task = self.get(user_id, id).await?;
        Ok(match (cancelled, task) {
            (Some(_), Some(task)) => Some(Cancellation::Cancelled(task)),
            (Some(cancelled), None) => Some(cancelled),
            (None, task) => task.map(Cancellation::Ended),
        })
    }

    /// How many tasks the user has created in the current window.
    pub async fn used(&self, user_id: &str, window: Window) -> Result<u32, Fault> {
        let user_record = self.user_record(user_id).await?;
        Ok(user_record.usage.used(window, self.machine.now()))
    }

    /// What the user's tasks of the current window cost.
    pub async fn spending(&self, user_id: &str, window: Window) -> Result<Spending, Fault> {
        let user_record = self.user_record(user_id).await?;
        Ok(user_record.spending.within(window, self.machine.now()))
    }

    pub async fn delete(&self, user_id: &str, id: &str) -> Result<bool, Fault> {
        let Some(document) = self.own_document(user_id, id).await? else {
            return Ok(false);
        };
        let active = self.change(user_id, |user_record| {
            user_record.delete_active(Some(id), self.machine.now())
        });
        if active.await? {
            let leftovers: Vec<_> = names::task(id).into_iter().collect();
            self.remove_unreferenced(&leftovers).await;
            return Ok(true);
        }
        let delete = |entry: &mut Entry| {
            if entry.task_is_deleted {
                return None;
            }
            entry.delete_task();
            Some(end_of(entry).filter(|_| !entry.has_concept()))
        };
        let deleted = self.change_entry(user_id, document.number, id, delete);
        let Some(end) = deleted.await? else {
            return Ok(false);
        };
        let leftovers: Vec<_> = names::task(id).into_iter().chain(end).collect();
        self.remove_unreferenced(&leftovers).await;
        Ok(true)
    }

    pub(crate) async fn task_document(&self, id: &str) -> Result<Option<TaskDocument>, Fault> {
        self.document(names::task(id)).await
    }

    /// None: this user has no such task.
    pub(crate) async fn own_document(
        &self,
        user_id: &str,
        id: &str,
    ) -> Result<Option<TaskDocument>, Fault> {
        let document = self.task_document(id).await?;
        Ok(document.filter(|document| document.user_id == user_id))
    }

    /// The submission under the same key.
    async fn submitted(
        &self,
        task: &NewTask,
        user_record: &UserRecord,
        now: Timestamp,
    ) -> Result<Option<Submitted>, Fault> {
        let Some(hash) = task.idempotency_key.as_deref().map(keys::hash) else {
            return Ok(None);
        };
        let may_have_moved = user_record.may_have_moved(&hash, now);
        let key = may_have_moved.then(|| names::key(&task.user_id, &hash));
        let moved = self.document(key).await?;
        Ok(user_record.submitted(&hash, moved))
    }

    /// None: there are none, or the oldest one was deleted meanwhile.
    async fn active_tasks(&self, user_record: &UserRecord) -> Result<Option<ActiveTasks>, Fault> {
        let Some(oldest) = user_record.active().next() else {
            return Ok(None);
        };
        let Some(document) = self.task_document(&oldest.task_id).await? else {
            return Ok(None);
        };
        Ok(Some(ActiveTasks {
            count: u32::try_from(user_record.active().count()).unwrap_or(u32::MAX),
            oldest: document.task(oldest, None)?,
        }))
    }

    /// Writes a segment under its new name.
    async fn move_entries(
        &self,
        user_id: &str,
        moved: Option<&(String, Segment)>,
    ) -> Result<(), Fault> {
        let Some((name, segment)) = moved else {
            return Ok(());
        };
        let key = names::segment(user_id, name);
        let (_, held) = self.platform.read(&key).await?;
        if self.platform.swap(held, segment.clone().encode()).await? {
            Ok(())
        } else {
            Err(Fault::Unavailable("a name was drawn twice".to_owned()))
        }
    }

    async fn lease(&self) -> Duration {
        let Some(text) = self.platform.setting("lease").await else {
            return LEASE;
        };
        let lease = duration::parse(&text).ok();
        lease
            .filter(|lease| LEASES.contains(lease))
            .unwrap_or_else(|| {
                crate::log::warn(format_args!("lease cannot be used, so it is {LEASE:?}"));
                LEASE
            })
    }
}

fn before_creation(user_id: &str, document: &str, created: &Created) -> Vec<(String, Vec<u8>)> {
    let task = (document.to_owned(), documents::encode(&created.document));
    let keys = created.moved_keys.iter().map(|key| {
        let name = names::key(user_id, &key.hash);
        (name, documents::encode(key))
    });
    std::iter::once(task).chain(keys).collect()
}

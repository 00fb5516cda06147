//! `task-store`: each operation on a task is one swap of its user's record.

use std::ops::RangeInclusive;
use std::time::Duration;

use concept_refinement_domain::capability::{
    Cancellation, Claimed, Fenced, Finished, Lease, NewTask, RefinedImage, Submission,
};
use concept_refinement_domain::concept::id_for;
use concept_refinement_domain::duration;
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::{self, Claim, Decision, Finish, ImageFacts, TaskRecord};
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;

use crate::concepts::place_of_concept;
use crate::documents::{self, EndDocument, TaskDocument};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::{Attempts, Store, Written};
use crate::user_record::entries::{Entry, Location, Segment};
use crate::user_record::keys::{self, Key};
use crate::user_record::submit::{Created, RecordedAccount};
use crate::user_record::{Outcome, UserRecord};

/// The default of the setting `lease`, as in our host.
const LEASE: Duration = Duration::from_secs(30);

/// Allowed leases, as in our host: with a shorter one, renewals would never stop.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60 * 60);

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn submit(&self, task: NewTask) -> Result<Submission, Fault> {
        let document =
            names::task(&task.id).ok_or(Fault::Invalid("This is not the id of a task."))?;
        let hash = task.idempotency_key.as_deref().map(keys::hash);
        let mut is_new = false;
        let mut attempts = Attempts::default();
        loop {
            let (mut user_record, held) = self.held(&task.user_id).await?;
            let now = self.machine.now();
            let active = self.active_task(&user_record).await?;
            if active.is_none() && user_record.active().is_some() {
                // The task was deleted meanwhile.
                attempts.pause(&self.machine).await?;
                continue;
            }
            // Ids are random. A submission whose id exists already is refused; if two
            // users submit the same id at the same time, only one task is stored.
            let is_taken =
                active.is_none() && !is_new && self.platform.get(&document).await?.is_some();
            let account = RecordedAccount {
                submitted: self
                    .submitted(&task, hash.as_deref(), &user_record, now)
                    .await?,
                user_record: &user_record,
                active,
                is_taken,
                now,
            };
            let mut accepted = match rulebook::submit(&account, task.clone(), now)? {
                Submission::Created(accepted) => accepted,
                refused => {
                    if is_new {
                        self.remove_unreferenced(std::slice::from_ref(&document))
                            .await;
                    }
                    return Ok(refused);
                }
            };
            is_new = true;
            let webhook = task.webhook.clone();
            let name = || self.drawn();
            let created = user_record.create(
                &mut accepted.task,
                webhook,
                task.quota,
                hash.clone(),
                name,
                now,
            );
            self.move_entries(&task.user_id, created.moved_entries.as_ref())
                .await?;
            let written = before_creation(&task, &document, created)?;
            self.platform.set_many(written).await?;
            if self.platform.swap(held, user_record.encode()?).await? {
                return Ok(Submission::Created(accepted));
            }
            attempts.pause(&self.machine).await?;
        }
    }

    pub async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, Fault> {
        self.change_task(id, Fenced::Lost, |record, now| {
            Ok(rulebook::withdraw(record, error_message, now))
        })
        .await
    }

    pub async fn claim(&self, id: &str, user_id: Option<&str>) -> Result<Option<Claimed>, Fault> {
        let lease = self.lease().await;
        let claim = self
            .change_task(id, Claim::Refused, |record, now| {
                Ok(rulebook::claim(record, user_id, lease, now))
            })
            .await?;
        Ok(match claim {
            Claim::Claimed(claimed) => Some(*claimed),
            Claim::Refused | Claim::GivenUp => None,
        })
    }

    pub async fn renew(&self, held: &Lease) -> Result<Option<Lease>, Fault> {
        let lease = self.lease().await;
        self.change_task(&held.task_id, None, |record, now| {
            Ok(rulebook::renew(record, held, lease, now))
        })
        .await
    }

    pub async fn finish(&self, held: &Lease, image: RefinedImage) -> Result<Finished, Fault> {
        let id = &held.task_id;
        if let Some(document) = self.task_document(id).await? {
            let finish = self.change_ending(
                id,
                &document,
                Finish::Late,
                |record, now| Ok(rulebook::finish(record, held, image.clone(), now)),
                |finish, _| match finish {
                    Finish::Done(concept) => {
                        Some(EndDocument::Concept(Box::new(concept.content.clone())))
                    }
                    Finish::Late => None,
                },
            );
            if let Finish::Done(_) = finish.await? {
                return Ok(Finished::Done);
            }
        }
        let is_unreferenced = self.is_unreferenced(id, &image.stored.path).await?;
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

    /// Whether the image is the original of its owner's active task.
    async fn is_original(&self, path: &str) -> Result<bool, Fault> {
        let Some(image) = ImagePath::parse(path) else {
            return Ok(false);
        };
        let owner = names::user_of_tag(&image.tag);
        let record = self.platform.peek(&owner).await?;
        let active = self
            .active_task(&UserRecord::decode(record.as_deref())?)
            .await?;
        let original = active.and_then(|task| task.original_path);
        Ok(original.as_deref() == Some(path))
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

    pub async fn fail(&self, held: &Lease, error_message: &str) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, Fenced::Lost, |record, now| {
            Ok(rulebook::fail(record, held, error_message, now))
        })
        .await
    }

    pub async fn release(&self, held: &Lease) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, Fenced::Lost, |record, now| {
            Ok(rulebook::release(record, held, now))
        })
        .await
    }

    pub async fn cancel(&self, user_id: &str, id: &str) -> Result<Option<Cancellation>, Fault> {
        let cancelled = self.change_task(id, None, |record, now| {
            Ok(rulebook::cancel(record, user_id, now))
        });
        if let Some(cancelled) = cancelled.await? {
            return Ok(Some(cancelled));
        }
        let task = self.get(user_id, id).await?;
        Ok(task.map(Cancellation::Ended))
    }

    /// How many tasks the user has created in the current window.
    pub async fn used(&self, user_id: &str, window: Window) -> Result<u32, Fault> {
        let user_record = self.user_record(user_id).await?;
        Ok(user_record.used(window, self.machine.now()))
    }

    pub async fn delete(&self, user_id: &str, id: &str) -> Result<bool, Fault> {
        let Some(document) = self.own_document(user_id, id).await? else {
            return Ok(false);
        };
        let deleted = self.change_entry(user_id, document.number, |entry| {
            let reason = reason_of(entry);
            entry.delete_task(id).then_some(reason)
        });
        let Some(reason) = deleted.await? else {
            return Ok(false);
        };
        let mut leftovers: Vec<_> = reason.into_iter().collect();
        leftovers.extend(names::task(id));
        self.remove_unreferenced(&leftovers).await;
        Ok(true)
    }

    pub(crate) async fn task_document(&self, id: &str) -> Result<Option<TaskDocument>, Fault> {
        match names::task(id) {
            Some(key) => self.document(&key).await,
            None => Ok(None),
        }
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

    /// Changes an entry, in its user's record or in a segment. None: nothing changed.
    pub(crate) async fn change_entry<T>(
        &self,
        user_id: &str,
        number: usize,
        mut rule: impl FnMut(&mut Entry) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let changed = self
            .change(user_id, |user_record| {
                Ok(match user_record.location(number) {
                    Some(Location::Record(index)) => {
                        match user_record.change_entry(index, &mut rule) {
                            Some(answer) => Outcome::Changed(Ok(Some(answer))),
                            None => Outcome::Unchanged(Ok(None)),
                        }
                    }
                    Some(Location::Segment(name, index)) => {
                        let segment = names::segment(user_id, name);
                        Outcome::Unchanged(Err((segment, index)))
                    }
                    None => Outcome::Unchanged(Ok(None)),
                })
            })
            .await?;
        match changed {
            Ok(answer) => Ok(answer),
            Err((segment, index)) => self.change_segment(&segment, index, rule).await,
        }
    }

    /// Changes an entry in a segment.
    async fn change_segment<T>(
        &self,
        key: &str,
        index: usize,
        mut rule: impl FnMut(&mut Entry) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let mut attempts = Attempts::default();
        loop {
            let (record, held) = self.platform.read(key).await?;
            let mut segment = Segment::decode(record.as_deref())?;
            let Some(answer) = segment.entries.get_mut(index).and_then(&mut rule) else {
                return Ok(None);
            };
            if self.platform.swap(held, segment.encode()?).await? {
                return Ok(Some(answer));
            }
            attempts.pause(&self.machine).await?;
        }
    }

    /// Applies a rule to a task, and saves the change with all its side effects. `gone`
    /// is the result if there is no such task, or if it is final.
    pub(crate) async fn change_task<T: Clone>(
        &self,
        id: &str,
        gone: T,
        rule: impl FnMut(&mut TaskRecord, Timestamp) -> Result<Decision<T>, Fault>,
    ) -> Result<T, Fault> {
        let Some(document) = self.task_document(id).await? else {
            return Ok(gone);
        };
        self.change_ending(id, &document, gone, rule, |_, record| {
            let reason = record.task.error_message.clone();
            reason.map(EndDocument::ErrorMessage)
        })
        .await
    }

    /// The same, with the documents that say how the task ended, if it did.
    async fn change_ending<T: Clone>(
        &self,
        id: &str,
        document: &TaskDocument,
        gone: T,
        mut rule: impl FnMut(&mut TaskRecord, Timestamp) -> Result<Decision<T>, Fault>,
        end: impl Fn(&T, &TaskRecord) -> Option<EndDocument>,
    ) -> Result<T, Fault> {
        self.change_with(&document.user_id, |user_record| {
            let Some(mut record) = user_record.record(id, document) else {
                return Ok((Outcome::Unchanged(gone.clone()), Written::default()));
            };
            let Decision { answer, event } = rule(&mut record, self.machine.now())?;
            let Some(event) = event else {
                return Ok((Outcome::Unchanged(answer), Written::default()));
            };
            let name = self.drawn();
            let mut written = Written::default();
            if let Some(end) = end(&answer, &record) {
                if let EndDocument::Concept(_) = end {
                    written.shared.extend(place_of_concept(id, document)?);
                }
                let content = documents::encode(&end)?;
                written.own.push((names::end(id, &name), content));
            }
            user_record.save(record, event, &name);
            Ok((Outcome::Changed(answer), written))
        })
        .await
    }

    /// The submission under the key with this hash.
    async fn submitted(
        &self,
        task: &NewTask,
        hash: Option<&str>,
        user_record: &UserRecord,
        now: Timestamp,
    ) -> Result<Option<Submitted>, Fault> {
        let Some(hash) = hash else {
            return Ok(None);
        };
        let moved: Option<Key> = if user_record.may_have_moved(hash, now) {
            self.document(&names::key(&task.user_id, hash)).await?
        } else {
            None
        };
        Ok(user_record.submitted(hash, moved))
    }

    async fn active_task(&self, user_record: &UserRecord) -> Result<Option<Task>, Fault> {
        let Some((active, entry)) = user_record.active() else {
            return Ok(None);
        };
        let document = self.task_document(&entry.task_id).await?;
        Ok(document.map(|document| document.task(entry, Some(active), None)))
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
        if self.platform.swap(held, segment.clone().encode()?).await? {
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

/// The document with the error message of a task.
fn reason_of(entry: &Entry) -> Option<String> {
    let end = entry.end.as_ref()?;
    let is_failed = end.status == Status::Failed;
    is_failed.then(|| names::end(&entry.task_id, &end.document))
}

fn before_creation(
    task: &NewTask,
    document: &str,
    created: Created,
) -> Result<Vec<(String, Vec<u8>)>, Fault> {
    let content = TaskDocument::new(task, created.number);
    let mut written = vec![(document.to_owned(), documents::encode(&content)?)];
    for key in created.moved_keys {
        let name = names::key(&task.user_id, &key.hash);
        written.push((name, documents::encode(&key)?));
    }
    Ok(written)
}

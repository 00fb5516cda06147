//! `task-store`: each operation on a task is one swap of its user's record.

use std::ops::RangeInclusive;
use std::time::Duration;

use concept_refinement_domain::capability::{Claimed, Deleted, Fenced, Lease, NewTask, Submission};
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::rulebook::{self, Claim, Decision, TaskRecord};
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::{concept, duration};

use crate::documents::{self, EndDocument, TaskDocument};
use crate::ledger::entries::{Entry, Place, Segment};
use crate::ledger::keys::{self, Key};
use crate::ledger::submit::{Created, RecordedAccount};
use crate::ledger::{Active, Ledger, Outcome};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::{Attempts, Store, Written};

/// The default of the setting `lease` (contract, section 4).
const LEASE: Duration = Duration::from_secs(30);

/// Allowed leases, as on our host: a shorter one would be renewed all the time.
const LEASES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(60 * 60);

impl<P: Platform, M: Machine> Store<P, M> {
    pub async fn submit(&self, task: NewTask) -> Result<Submission, Fault> {
        let document =
            names::task(&task.id).ok_or(Fault::Invalid("This is not the id of a task."))?;
        let hash = task.idempotency_key.as_deref().map(keys::hash);
        let mut is_new = false;
        let mut attempts = Attempts::default();
        loop {
            let (mut ledger, held) = self.held(&task.user_id).await?;
            let now = self.machine.now();
            let active = self.active_task(&ledger).await?;
            if active.is_none() && ledger.active().is_some() {
                // It was deleted meanwhile.
                attempts.pause(&self.machine).await?;
                continue;
            }
            // Ids are drawn at random: who draws one that is there is refused,
            // and of two who draw the same at once only one user's is stored.
            let is_taken =
                active.is_none() && !is_new && self.platform.get(&document).await?.is_some();
            let account = RecordedAccount {
                submitted: self.submitted(&task, hash.as_deref(), &ledger, now).await?,
                ledger: &ledger,
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
            let created = ledger.create(&mut accepted.task, hash.clone(), || self.drawn(), now);
            self.move_entries(&task.user_id, created.moved_entries.as_ref())
                .await?;
            let written = before_creation(&task, &document, created)?;
            self.platform.set_many(written).await?;
            if self.platform.swap(held, ledger.encode()?).await? {
                return Ok(Submission::Created(accepted));
            }
            attempts.pause(&self.machine).await?;
        }
    }

    pub async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, Fault> {
        self.change_task(id, Fenced::Lost, |record, _, now| {
            Ok(rulebook::withdraw(record, error_message, now))
        })
        .await
    }

    pub async fn claim(&self, id: &str, user_id: Option<&str>) -> Result<Option<Claimed>, Fault> {
        let lease = self.lease().await;
        let claim = self
            .change_task(id, Claim::Refused, |record, _, now| {
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
        self.change_task(&held.task_id, None, |record, _, now| {
            Ok(rulebook::renew(record, held, lease, now))
        })
        .await
    }

    pub async fn checkpoint(&self, held: &Lease, image_path: &str) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, Fenced::Lost, |record, _, _| {
            Ok(rulebook::checkpoint(record, held, image_path))
        })
        .await
    }

    pub async fn complete(&self, held: &Lease, result_id: &str) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, Fenced::Lost, |record, active, now| {
            rulebook::complete(record, held, result_id, now, || {
                Ok(active.prepared.is_some())
            })
        })
        .await
    }

    pub async fn fail(&self, held: &Lease, error_message: &str) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, Fenced::Lost, |record, _, now| {
            Ok(rulebook::fail(record, held, error_message, now))
        })
        .await
    }

    pub async fn release(&self, held: &Lease) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, Fenced::Lost, |record, _, now| {
            Ok(rulebook::release(record, held, now))
        })
        .await
    }

    pub async fn delete(&self, user_id: &str, id: &str) -> Result<Option<Deleted>, Fault> {
        let Some(document) = self.task_document(id).await? else {
            return Ok(None);
        };
        if document.user_id != user_id {
            return Ok(None);
        }
        let deleted = self
            .change_entry(
                user_id,
                document.number,
                |ledger, index| {
                    let mut leftovers = prepared_for(ledger, id);
                    leftovers.extend(ledger.entry(index).and_then(reason_of));
                    match ledger.delete_task(index, id) {
                        Outcome::Changed(Some(deleted)) => {
                            Outcome::Changed(Some((deleted, leftovers)))
                        }
                        _ => Outcome::Unchanged(None),
                    }
                },
                |entry| {
                    let leftovers = reason_of(entry).into_iter().collect();
                    Some((entry.delete_task(id)?, leftovers))
                },
            )
            .await?;
        let Some((deleted, mut leftovers)) = deleted else {
            return Ok(None);
        };
        leftovers.extend(names::task(id));
        leftovers.push(names::stage(id));
        self.remove_unreferenced(&leftovers).await;
        Ok(Some(deleted))
    }

    pub(crate) async fn task_document(&self, id: &str) -> Result<Option<TaskDocument>, Fault> {
        match names::task(id) {
            Some(key) => self.document(&key).await,
            None => Ok(None),
        }
    }

    /// Changes an entry by the first rule if it is in its user's record, by the
    /// second if it is in a segment. None: nothing was changed.
    pub(crate) async fn change_entry<T>(
        &self,
        user_id: &str,
        number: usize,
        mut in_record: impl FnMut(&mut Ledger, usize) -> Outcome<Option<T>>,
        in_segment: impl FnMut(&mut Entry) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let changed = self
            .change(user_id, |ledger| {
                let index = match ledger.place(number) {
                    Some(Place::Record(index)) => index,
                    Some(Place::Segment(name, index)) => {
                        let segment = names::segment(user_id, name);
                        return Ok(Outcome::Unchanged(Err((segment, index))));
                    }
                    None => return Ok(Outcome::Unchanged(Ok(None))),
                };
                Ok(match in_record(ledger, index) {
                    Outcome::Changed(answer) => Outcome::Changed(Ok(answer)),
                    Outcome::Unchanged(answer) => Outcome::Unchanged(Ok(answer)),
                })
            })
            .await?;
        match changed {
            Ok(answer) => Ok(answer),
            Err((segment, index)) => self.change_segment(&segment, index, in_segment).await,
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

    /// Applies a rule to a task, and saves what it changed with all that goes
    /// with it. `gone` is answered where there is no such task, or where it is
    /// final.
    async fn change_task<T: Clone>(
        &self,
        id: &str,
        gone: T,
        mut rule: impl FnMut(&mut TaskRecord, &Active, Timestamp) -> Result<Decision<T>, Fault>,
    ) -> Result<T, Fault> {
        let Some(document) = self.task_document(id).await? else {
            return Ok(gone);
        };
        let mut leftovers = Vec::new();
        let answer = self
            .change_with(&document.user_id, |ledger| {
                leftovers.clear();
                let loaded = ledger.active_task(id).zip(ledger.record(id, &document));
                let Some((active, mut record)) = loaded else {
                    return Ok((Outcome::Unchanged(gone.clone()), Written::new()));
                };
                let Decision { answer, event } = rule(&mut record, active, self.machine.now())?;
                let Some(event) = event else {
                    return Ok((Outcome::Unchanged(answer), Written::new()));
                };
                if event.drops_concept() {
                    leftovers = prepared_for(ledger, id);
                }
                if record.task.status.is_final() {
                    leftovers.push(names::stage(id));
                }
                let name = self.drawn();
                let mut written = Written::new();
                if let Some(reason) = &record.task.error_message {
                    let reason = EndDocument::ErrorMessage(reason.clone());
                    written.push((names::end(id, &name), documents::encode(&reason)?));
                }
                ledger.save(record, event, &name);
                Ok((Outcome::Changed(answer), written))
            })
            .await?;
        self.remove_unreferenced(&leftovers).await;
        Ok(answer)
    }

    /// What was submitted under the key of this hash.
    async fn submitted(
        &self,
        task: &NewTask,
        hash: Option<&str>,
        ledger: &Ledger,
        now: Timestamp,
    ) -> Result<Option<Submitted>, Fault> {
        let Some(hash) = hash else {
            return Ok(None);
        };
        let moved: Option<Key> = if ledger.may_have_moved(hash, now) {
            self.document(&names::key(&task.user_id, hash)).await?
        } else {
            None
        };
        Ok(ledger.submitted(hash, moved))
    }

    async fn active_task(&self, ledger: &Ledger) -> Result<Option<Task>, Fault> {
        let Some((active, entry)) = ledger.active() else {
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

/// The documents prepared for an active task, which are useless unless it
/// completes.
fn prepared_for(ledger: &Ledger, id: &str) -> Vec<String> {
    let active = ledger.active_task(id);
    let Some(name) = active.and_then(|active| active.prepared.as_deref()) else {
        return Vec::new();
    };
    let mut prepared = vec![names::end(id, name)];
    prepared.extend(names::concept(&concept::id_for(id)));
    prepared
}

/// The document with the error message of a task.
fn reason_of(entry: &Entry) -> Option<String> {
    let end = entry.end.as_ref()?;
    let is_failed = end.status == Status::Failed;
    is_failed.then(|| names::end(&entry.task_id, &end.document))
}

fn before_creation(task: &NewTask, document: &str, created: Created) -> Result<Written, Fault> {
    let content = TaskDocument::new(task, created.number);
    let mut written = vec![(document.to_owned(), documents::encode(&content)?)];
    for key in created.moved_keys {
        let name = names::key(&task.user_id, &key.hash);
        written.push((name, documents::encode(&key)?));
    }
    Ok(written)
}

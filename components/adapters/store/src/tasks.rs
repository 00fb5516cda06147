//! `task-store`: the steps of a task, each one swap of its user's record.

use std::ops::RangeInclusive;
use std::time::Duration;

use concept_refinement_domain::capability::{
    Accepted, Claimed, Deleted, Fenced, Lease, NewTask, Submission,
};
use concept_refinement_domain::sentence::WORKER_DIED;
use concept_refinement_domain::task::{Status, Task};
use concept_refinement_domain::{concept, duration};

use crate::documents::{self, EndDocument, TaskDocument};
use crate::ledger::entries::{Entry, Place, Segment};
use crate::ledger::keys::{self, Key};
use crate::ledger::leases::Claim;
use crate::ledger::submit::{Created, Judgement};
use crate::ledger::{Ledger, Outcome};
use crate::names;
use crate::ports::{Fault, Machine, Platform};
use crate::store::{Attempts, Store, Written};

/// Where the setting `lease` is not there (contract, section 4).
const LEASE: Duration = Duration::from_secs(30);

/// What a lease may be, as our host has it: a shorter one would be renewed all
/// the time.
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
            let moved: Option<Key> = match &hash {
                Some(hash) if ledger.may_have_moved(hash, now) => {
                    self.document(&names::key(&task.user_id, hash)).await?
                }
                _ => None,
            };
            let judged = ledger.submit(&task, moved.as_ref(), || self.drawn(), now);
            let created = match judged {
                Outcome::Unchanged(judgement) => {
                    if is_new {
                        self.discard(std::slice::from_ref(&document)).await;
                        is_new = false;
                    }
                    if let Some(refused) = self.refused(&task, judgement, &ledger).await? {
                        return Ok(refused);
                    }
                    attempts.pause(&self.machine).await?;
                    continue;
                }
                Outcome::Changed(Judgement::Created(created)) => created,
                Outcome::Changed(_) => return Err(Fault::Invalid("A submission was lost.")),
            };
            // Ids are drawn at random: who draws one that is there is refused,
            // and of two who draw the same at once only one user's is kept.
            if !is_new && self.platform.get(&document).await?.is_some() {
                return Err(Fault::Invalid("There is a task of this id already."));
            }
            is_new = true;
            let at = created.at;
            self.move_entries(&task.user_id, created.moved_entries.as_ref())
                .await?;
            let written = before_creation(&task, &document, created)?;
            self.platform.set_many(written).await?;
            let quota = ledger.quota_state(task.quota, now);
            if self.platform.swap(held, ledger.encode()?).await? {
                let task = task.created(at);
                return Ok(Submission::Created(Accepted { task, quota }));
            }
            attempts.pause(&self.machine).await?;
        }
    }

    pub async fn withdraw(&self, id: &str, error_message: &str) -> Result<Fenced, Fault> {
        self.end_of(id, error_message, |ledger, name| {
            ledger.withdraw(id, name, self.machine.now())
        })
        .await
    }

    pub async fn claim(&self, id: &str, user_id: Option<&str>) -> Result<Option<Claimed>, Fault> {
        let Some(document) = self.task_document(id).await? else {
            return Ok(None);
        };
        let owner = document.user_id.clone();
        if user_id.is_some_and(|user_id| user_id != owner) {
            return Ok(None);
        }
        let lease = self.lease().await;
        let name = self.drawn();
        let mut claimed = None;
        let mut leftovers = Vec::new();
        let claim = self
            .change_with(&owner, |ledger| {
                leftovers = prepared_for(ledger, id);
                let outcome = ledger.claim(id, &name, lease, self.machine.now());
                claimed = ledger
                    .active()
                    .map(|(active, entry)| (active.clone(), entry.clone()));
                let written = match &outcome {
                    Outcome::Changed(Claim::GivenUp) => {
                        let reason = EndDocument::ErrorMessage(WORKER_DIED.to_owned());
                        vec![(names::end(id, &name), documents::encode(&reason)?)]
                    }
                    _ => Written::new(),
                };
                Ok((outcome, written))
            })
            .await?;
        if claim == Claim::GivenUp {
            leftovers.push(names::stage(id));
            self.discard(&leftovers).await;
        }
        Ok(match (claim, claimed) {
            (Claim::Taken(lease), Some((active, entry))) => Some(Claimed {
                lease,
                task: document.task(&entry, Some(&active), None),
                checkpoint: active.checkpoint,
            }),
            _ => None,
        })
    }

    pub async fn renew(&self, held: &Lease) -> Result<Option<Lease>, Fault> {
        let Some(document) = self.task_document(&held.task_id).await? else {
            return Ok(None);
        };
        let lease = self.lease().await;
        self.change(&document.user_id, |ledger| {
            Ok(ledger.renew(held, lease, self.machine.now()))
        })
        .await
    }

    pub async fn checkpoint(&self, held: &Lease, image_path: &str) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, |ledger| {
            Ok(ledger.checkpoint(held, image_path))
        })
        .await
    }

    pub async fn complete(&self, held: &Lease, result_id: &str) -> Result<Fenced, Fault> {
        let is_of_the_task = result_id == concept::id_for(&held.task_id);
        let fenced = self
            .change_task(&held.task_id, |ledger| {
                match ledger.complete(held, self.machine.now())? {
                    // Whoever lost the lease is told so first.
                    Outcome::Changed(_) if !is_of_the_task => {
                        Err(Fault::Invalid("The task has no such concept prepared."))
                    }
                    outcome => Ok(outcome),
                }
            })
            .await?;
        self.discard(&[names::stage(&held.task_id)]).await;
        Ok(fenced)
    }

    pub async fn fail(&self, held: &Lease, error_message: &str) -> Result<Fenced, Fault> {
        let fenced = self
            .end_of(&held.task_id, error_message, |ledger, name| {
                ledger.fail(held, name, self.machine.now())
            })
            .await?;
        self.discard(&[names::stage(&held.task_id)]).await;
        Ok(fenced)
    }

    pub async fn release(&self, held: &Lease) -> Result<Fenced, Fault> {
        self.change_task(&held.task_id, |ledger| {
            Ok(ledger.release(held, self.machine.now()))
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
        self.discard(&leftovers).await;
        Ok(Some(deleted))
    }

    pub(crate) async fn task_document(&self, id: &str) -> Result<Option<TaskDocument>, Fault> {
        match names::task(id) {
            Some(key) => self.document(&key).await,
            None => Ok(None),
        }
    }

    /// Changes an entry wherever it is: by one rule in its user's record, by the
    /// other once it has left that. None: nothing was changed.
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

    /// Changes an entry that has left its user's record.
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

    /// Lets a rule change the record of a task's user. A task that is gone is
    /// lost.
    async fn change_task(
        &self,
        id: &str,
        rule: impl FnMut(&mut Ledger) -> Result<Outcome<Fenced>, Fault>,
    ) -> Result<Fenced, Fault> {
        match self.task_document(id).await? {
            Some(document) => self.change(&document.user_id, rule).await,
            None => Ok(Fenced::Lost),
        }
    }

    /// The same for a rule that ends the task with a reason, in a document of
    /// the name that it gets.
    async fn end_of(
        &self,
        id: &str,
        error_message: &str,
        mut rule: impl FnMut(&mut Ledger, &str) -> Outcome<Fenced>,
    ) -> Result<Fenced, Fault> {
        let Some(document) = self.task_document(id).await? else {
            return Ok(Fenced::Lost);
        };
        let name = self.drawn();
        let reason = documents::encode(&EndDocument::ErrorMessage(error_message.to_owned()))?;
        let mut leftovers = Vec::new();
        let fenced = self
            .change_with(&document.user_id, |ledger| {
                leftovers = prepared_for(ledger, id);
                let written = vec![(names::end(id, &name), reason.clone())];
                Ok((rule(ledger, &name), written))
            })
            .await?;
        if fenced == Fenced::Done {
            self.discard(&leftovers).await;
        }
        Ok(fenced)
    }

    /// What is answered where nothing was created. None: the task that stood in
    /// the way was deleted meanwhile.
    async fn refused(
        &self,
        new_task: &NewTask,
        judgement: Judgement,
        ledger: &Ledger,
    ) -> Result<Option<Submission>, Fault> {
        let quota = ledger.quota_state(new_task.quota, self.machine.now());
        Ok(Some(match judgement {
            Judgement::KeyReused => Submission::KeyReused,
            Judgement::Replayed(key) => {
                let created_at = key.created_at;
                let task = NewTask {
                    id: key.task_id,
                    is_anonymous: key.is_anonymous,
                    original_path: key.original_path,
                    ..new_task.clone()
                };
                let task = task.created(created_at);
                Submission::Replayed(Accepted { task, quota })
            }
            Judgement::OriginalMissing => Submission::OriginalMissing,
            Judgement::Active => match self.active_task(ledger).await? {
                Some(task) => Submission::Active(Accepted { task, quota }),
                None => return Ok(None),
            },
            Judgement::QuotaExceeded(state) => Submission::QuotaExceeded(state),
            Judgement::Created(_) => return Err(Fault::Invalid("A submission was lost.")),
        }))
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

/// What a worker prepared for an active task, which is of no use if that does
/// not complete.
fn prepared_for(ledger: &Ledger, id: &str) -> Vec<String> {
    let active = ledger.active_task(id);
    let Some(name) = active.and_then(|active| active.prepared.as_deref()) else {
        return Vec::new();
    };
    let mut prepared = vec![names::end(id, name)];
    prepared.extend(names::concept(&concept::id_for(id)));
    prepared
}

/// Where it is told why a task failed.
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

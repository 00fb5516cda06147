//! A backend and the reference, with the same done to both.

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::clock::{Clock, ManualClock, before};
use concept_refinement_capability::intercept::{Intercepted, Operations as _};
use concept_refinement_capability::tasks::{TaskOperation, TaskReply, TaskStore};
use concept_refinement_domain::capability::{Lease, NewTask, RefinedImage, TaskFailure};
use concept_refinement_domain::concept::id_for;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::image_path::tag_of;
use concept_refinement_domain::money::MicroDollars;
use concept_refinement_domain::payment::Usage;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::refined;
use concept_refinement_domain::spending::Reservation;
use concept_refinement_domain::task::{Parent, Refinement, Status};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::trace::TraceContext;
use concept_refinement_domain::webhook::{
    DeliveryAnswer, DeliveryLease, DeliveryOutcome, DeliveryPermits, Holder, Webhook,
};
use concept_refinement_kit::store::MemoryStore;
use sha2::{Digest as _, Sha256};

use super::history::{By, Call, History, Original, Step, Submit, USERS};
use super::mutants::{Mutant, Mutated};
use super::{Compared, options, reference, rules};
use crate::tasks::{LEASE, MICROSECOND, START, stored};

/// The only link of the model.
const MODEL: &str = "openai";

const UPLOAD: &str = "uploads/ada/a.png";

/// It is remembered for 30 days that a task was forgotten.
const LONGEST: Duration = Duration::from_secs(29 * 24 * 3600);

pub struct World {
    store: Arc<dyn TaskStore>,
    reference: MemoryStore,
    clock: Arc<ManualClock>,
    is_hosts: bool,
    is_set_back: bool,
    /// Ids and users of all that was ever created.
    tasks: Vec<(String, String)>,
    leases: Vec<Lease>,
    deliveries: Vec<DeliveryLease>,
    /// All that workers stored.
    images: Vec<String>,
    /// The backend lasts as long as what is compared.
    _backend: Box<dyn std::any::Any + Send>,
}

impl World {
    pub fn start<B: Compared>(mutant: Option<Mutant>, history: &History) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let backend = B::start(rules(), clock.clone());
        let mut store = backend.store();
        if let Some(mutant) = mutant {
            store = Arc::new(Intercepted::new(
                store,
                Arc::new(Mutated::new(mutant, clock.clone())),
            ));
        }
        Self {
            store,
            reference: MemoryStore::new(options(B::IS_HOSTS)),
            clock,
            is_hosts: B::IS_HOSTS,
            is_set_back: history.is_set_back,
            tasks: vec![],
            leases: vec![],
            deliveries: vec![],
            images: vec![],
            _backend: Box::new(backend),
        }
    }

    pub async fn take(&mut self, step: &Step) -> Result<(), String> {
        self.clock.advance(MICROSECOND);
        match step {
            Step::Pass(time) => {
                self.pass(*time);
                Ok(())
            }
            Step::PassTo { window, is_new } => {
                // The next step comes a microsecond later.
                let end = window.end(self.clock.now());
                let last = before(end, MICROSECOND * if *is_new { 1 } else { 2 });
                self.clock.set(last.min(START.plus(LONGEST)));
                Ok(())
            }
            Step::SetBack(time) => {
                self.clock.set(before(self.clock.now(), *time));
                Ok(())
            }
            Step::Look => self.look().await,
            Step::Submit(submit) => self.submit(submit).await,
            Step::Withdraw { task } => {
                let (id, _) = self.task(*task);
                let error_message = "It could not be published.";
                self.compare(TaskOperation::Withdraw {
                    id: &id,
                    error_message,
                })
                .await
            }
            Step::Claim { task, by } => {
                let (id, owner) = self.task(*task);
                let user_id = match by {
                    By::Anybody => None,
                    By::Owner | By::Stranger => Some(user(*by, &owner)),
                };
                self.compare(TaskOperation::Claim { id: &id, user_id })
                    .await
            }
            Step::Abandon { task, workers } => {
                let (id, _) = self.task(*task);
                for _ in 0..*workers {
                    let (id, user_id) = (&id, None);
                    self.compare(TaskOperation::Claim { id, user_id }).await?;
                    self.pass(LEASE + MICROSECOND);
                }
                Ok(())
            }
            Step::Cancel { task, by } => {
                let (id, owner) = self.task(*task);
                let user_id = user(*by, &owner);
                self.compare(TaskOperation::Cancel { user_id, id: &id })
                    .await
            }
            Step::Delete { task, by } => {
                let (id, owner) = self.task(*task);
                let user_id = user(*by, &owner);
                self.compare(TaskOperation::Delete { user_id, id: &id })
                    .await
            }
            Step::DeleteConcept { task, by } => {
                let (id, owner) = self.task(*task);
                let (id, user_id) = (id_for(&id), user(*by, &owner));
                self.compare(TaskOperation::DeleteConcept { user_id, id: &id })
                    .await
            }
            Step::Erase { user } => {
                // Which of many go first is not said.
                let (user_id, limit) = (USERS[*user], 1_000);
                self.compare(TaskOperation::EraseUser { user_id, limit })
                    .await
            }
            Step::Redeliver { task, by } => {
                let (task_id, owner) = self.task(*task);
                let (user_id, task_id) = (user(*by, &owner), task_id.as_str());
                self.compare(TaskOperation::Redeliver { user_id, task_id })
                    .await
            }
            Step::Deliver {
                total,
                per_receiver,
                taken,
            } => {
                let taken = taken.iter().map(|(receiver, user)| Holder {
                    receiver: format!("https://receiver-{receiver}.example"),
                    user_id: USERS[*user].to_owned(),
                });
                let taken: Vec<_> = taken.collect();
                // Which of two that have waited equally long goes first is not said.
                let permits = match self.is_set_back {
                    true => DeliveryPermits::new(1_000, 1_000, []),
                    false => DeliveryPermits::new(*total, *per_receiver, &taken),
                };
                self.compare(TaskOperation::ClaimDeliveries { permits })
                    .await
            }
            Step::RecordAttempt { delivery, code } => {
                let Some(lease) = from_newest(&self.deliveries, *delivery).cloned() else {
                    return Ok(());
                };
                let outcome = DeliveryOutcome {
                    at: self.clock.now(),
                    answer: DeliveryAnswer::Status {
                        code: *code,
                        retry_after: (*code == 503).then_some(Duration::from_secs(60)),
                    },
                };
                self.compare(TaskOperation::RecordAttempt {
                    lease: &lease,
                    outcome,
                    jitter: 0.5,
                })
                .await
            }
            Step::Due { limit } => self.compare(TaskOperation::Due { limit: *limit }).await,
            Step::MissDeadlines { limit } => {
                self.compare(TaskOperation::MissDeadlines { limit: *limit })
                    .await
            }
            Step::Recover { are_messages_lost } => {
                let are_messages_lost = *are_messages_lost;
                self.compare(TaskOperation::Recover { are_messages_lost })
                    .await
            }
            Step::Expire {
                task,
                is_with_it,
                limit,
            } => {
                let (id, owner) = self.task(*task);
                let end = self.reference.get(&owner, &id);
                let end = end.and_then(|task| task.completed_at);
                let mut before = end.unwrap_or(START);
                if *is_with_it {
                    before = before.plus(MICROSECOND);
                }
                // Which of two of one age goes first is not said.
                let limit = if self.is_set_back { 1_000 } else { *limit };
                self.compare(TaskOperation::Expire { before, limit }).await
            }
            Step::Renew { lease }
            | Step::Finish { lease, .. }
            | Step::Fail { lease, .. }
            | Step::Pay { lease, .. }
            | Step::Release { lease } => {
                let Some(held) = from_newest(&self.leases, *lease).cloned() else {
                    return Ok(());
                };
                self.work(step, &held).await
            }
        }
    }

    fn pass(&mut self, time: Duration) {
        let latest = START.plus(LONGEST);
        self.clock.set(self.clock.now().plus(time).min(latest));
    }

    async fn work(&mut self, step: &Step, lease: &Lease) -> Result<(), String> {
        match step {
            Step::Renew { .. } => self.compare(TaskOperation::Renew { lease }).await,
            Step::Finish { is_own, .. } => {
                let attempt = lease.attempt - u32::from(!is_own);
                let mut tasks = self.tasks.iter();
                let owner = tasks.find(|(id, _)| *id == lease.task_id);
                let owner = owner.map_or("nobody", |(_, owner)| owner.as_str());
                let image = stored(owner, &lease.task_id, attempt);
                self.images.push(image.path.clone());
                let notes = vec![format!("Note {attempt}.")];
                let image = RefinedImage {
                    stored: image,
                    notes,
                    provenance: None,
                };
                self.compare(TaskOperation::Finish { lease, image }).await
            }
            Step::Pay { call, .. } => {
                let record = self.reference.record(&lease.task_id);
                let payment = record.map(|record| record.payment.clone());
                let payment = payment.unwrap_or_default();
                let payment = &match call {
                    Call::Begun(price) => payment.call_begun(MODEL, price.map(MicroDollars)),
                    Call::Refused => payment.call_not_accepted(MODEL),
                    Call::Cost(cost) => {
                        let usage = Usage {
                            cost: Some(*cost),
                            ..Usage::default()
                        };
                        payment.with_usage(MODEL, &usage)
                    }
                };
                self.compare(TaskOperation::Pay { lease, payment }).await
            }
            Step::Fail { is_refusal, .. } => {
                let failure = &TaskFailure {
                    is_refusal: *is_refusal,
                    ..TaskFailure::new("It failed.")
                };
                self.compare(TaskOperation::Fail { lease, failure }).await
            }
            _ => self.compare(TaskOperation::Release { lease }).await,
        }
    }

    async fn submit(&mut self, submit: &Submit) -> Result<(), String> {
        let (taken, owner) = self.task(0);
        let is_there = self.reference.get(&owner, &taken).is_some();
        let id = if submit.has_taken_id && is_there {
            taken
        } else {
            id(self.tasks.len() + 1)
        };
        let original_path = match submit.original {
            Original::Elsewhere | Original::Missing => None,
            Original::Upload => Some(UPLOAD.to_owned()),
            Original::Refined => {
                let tag = tag_of(USERS[submit.user]);
                let mut images = self.images.iter().rev();
                images.find(|path| path.contains(&tag)).cloned()
            }
        };
        let parent = self.concept_of(original_path.as_deref(), USERS[submit.user]);
        let task = NewTask {
            id: id.clone(),
            user_id: USERS[submit.user].to_owned(),
            is_anonymous: submit.is_anonymous,
            refinement: Refinement {
                original_image_url: Some("https://example.com/logo.png".into()),
                refinement_prompt: format!("Make it lighter {}", submit.prompt),
                logo_description: Some("A coffee cup".into()),
                // A platform looks at deadlines when it reads.
                deadline_seconds: submit.deadline_seconds.filter(|_| self.is_hosts),
                ..Refinement::default()
            },
            webhook: submit.webhook.map(|receiver| Webhook {
                url: format!("https://receiver-{receiver}.example/hook"),
                origin: "http://localhost:8080".into(),
            }),
            original_path,
            mask_path: None,
            parent,
            images_found: !matches!(submit.original, Original::Missing),
            replayed_within: submit.replayed_within,
            idempotency_key: submit.key.map(|key| format!("key {key}")),
            quota: submit.quota,
            active_tasks: submit.active_tasks,
            budget: submit.budget,
            reservation: submit.price.map(|price| Reservation {
                model: MODEL.to_owned(),
                price: MicroDollars(price),
            }),
            trace: self.is_hosts.then_some(TraceContext {
                trace_id: [u8::try_from(self.tasks.len() % 200).unwrap() + 1; 16],
                span_id: [1; 8],
                is_sampled: true,
            }),
        };
        self.compare(TaskOperation::Submit { task }).await?;
        let is_new = self.tasks.iter().all(|(known, _)| *known != id);
        if is_new && self.reference.record(&id).is_some() {
            self.tasks.push((id, USERS[submit.user].to_owned()));
        }
        Ok(())
    }

    /// The concept with this image, if it is one of the user's.
    fn concept_of(&self, image_path: Option<&str>, user_id: &str) -> Option<Parent> {
        let (task_id, _) = refined::task_and_attempt(image_path?)?;
        let concept = self.reference.concept(user_id, &id_for(task_id))?;
        Some(Parent {
            id: concept.id,
            image_url: concept.content.image_url,
        })
    }

    /// Compares all that can be seen.
    pub async fn look(&mut self) -> Result<(), String> {
        for (id, owner) in self.tasks.clone() {
            let concept = id_for(&id);
            for user_id in [owner.as_str(), "mallory"] {
                self.compare(TaskOperation::Get { user_id, id: &id })
                    .await?;
                let task_id = &id;
                self.compare(TaskOperation::GetWebhook { user_id, task_id })
                    .await?;
                let id = &concept;
                self.compare(TaskOperation::GetConcept { user_id, id })
                    .await?;
            }
            // Of a concept that is gone nobody asks for children.
            if self.reference.concept(&owner, &concept).is_some() {
                for user_id in [owner.as_str(), "mallory"] {
                    let (id, limit) = (concept.as_str(), 100);
                    self.compare(TaskOperation::Children { user_id, id, limit })
                        .await?;
                }
            }
        }
        for path in self.images.clone() {
            let sha256 = &hex(&Sha256::digest(&path));
            self.compare(TaskOperation::FindImage { sha256 }).await?;
        }
        for user_id in USERS {
            for window in Window::ALL {
                self.compare(TaskOperation::Used { user_id, window })
                    .await?;
                self.compare(TaskOperation::Spending { user_id, window })
                    .await?;
            }
            for status in [None, Some(Status::Pending), Some(Status::Failed)] {
                let mut after = None;
                loop {
                    let limit = 3;
                    let page = self.reference.list(user_id, status, limit, after.clone());
                    self.compare(TaskOperation::List {
                        user_id,
                        status,
                        limit,
                        after,
                    })
                    .await?;
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
            }
            let mut after = None;
            loop {
                let limit = 2;
                let page = self.reference.concepts(user_id, limit, after.clone());
                self.compare(TaskOperation::ListConcepts {
                    user_id,
                    limit,
                    after,
                })
                .await?;
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
        }
        if self.is_hosts {
            self.compare(TaskOperation::Tally {}).await?;
            self.compare(TaskOperation::NextDue {}).await?;
            self.compare(TaskOperation::NextDeadline {}).await?;
            self.compare(TaskOperation::ClaimOrder { limit: 5 }).await?;
            self.compare(TaskOperation::NextDelivery {}).await?;
            let mut image_paths = self.images.clone();
            image_paths.push(UPLOAD.to_owned());
            self.compare(TaskOperation::Unreferenced { image_paths })
                .await?;
        }
        Ok(())
    }

    async fn compare(&mut self, operation: TaskOperation<'_>) -> Result<(), String> {
        let now = self.clock.now();
        let mut expected = reference::run(&mut self.reference, operation.clone(), now);
        if let Ok(TaskReply::Erased(erased)) = &mut expected
            && !self.is_hosts
        {
            // It deletes them itself.
            erased.image_paths.clear();
        }
        if let Ok(TaskReply::Claimed(Some(claimed))) = &mut expected
            && !self.is_hosts
        {
            // It stays with the host.
            claimed.is_takeover = false;
        }
        let answered = self.store.run(operation.clone()).await;
        let (rule, answer) = (reference::text(&expected), reference::text(&answered));
        if rule != answer {
            let at = Timestamp(now.0 - START.0.min(now.0));
            return Err(format!(
                "{operation:?}\nafter {} µs\nis to answer {rule}\nand answered {answer}",
                at.0
            ));
        }
        match expected {
            Ok(TaskReply::Claimed(Some(claimed))) => self.leases.push(claimed.lease),
            Ok(TaskReply::Deliveries(due)) => {
                let begun = due.into_iter().map(|due| due.lease);
                self.deliveries.extend(begun);
            }
            _ => {}
        }
        Ok(())
    }

    /// A task and its user.
    fn task(&self, from_newest_on: usize) -> (String, String) {
        let nobodys = || (id(0), USERS[0].to_owned());
        from_newest(&self.tasks, from_newest_on).map_or_else(nobodys, Clone::clone)
    }
}

fn from_newest<T>(all: &[T], number: usize) -> Option<&T> {
    all.iter()
        .rev()
        .nth(number.min(all.len().saturating_sub(1)))
}

fn user(by: By, owner: &str) -> &str {
    match by {
        By::Anybody | By::Owner => owner,
        By::Stranger => "mallory",
    }
}

fn id(number: usize) -> String {
    format!("0190c0de-0000-7000-8000-{number:012x}")
}

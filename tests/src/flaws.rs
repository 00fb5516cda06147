//! Stores that break one promise each, which the suites must detect.
//!
//! A flaw is a wrapper around a correct store or clock, so that the product needs no
//! switch for it.

use std::collections::HashMap;
use std::future::ready;
use std::str::FromStr;
use std::sync::Arc;

use concept_refinement_capability::Answer;
use concept_refinement_capability::clock::{Clock as _, SystemClock};
use concept_refinement_capability::images::{Contents, ImageOperation, ImageReply, ImageStore};
use concept_refinement_capability::intercept::{Intercepted, Interceptor, Operations as _};
use concept_refinement_capability::tasks::{TaskOperation, TaskReply, TaskStore, Tasks};
use concept_refinement_domain::capability::{
    Accepted, CapabilityError, Claimed, Erased, Fenced, Finished, ImageKind, Lease, NewImage,
    NewTask, Stored, StoredOrNot, Submission,
};
use concept_refinement_domain::image_path::ImagePath;
use concept_refinement_domain::refined::is_refined;
use concept_refinement_domain::task::Status;
use tokio::sync::Mutex;

crate::listed! {
    /// The promise that is broken.
    pub enum Flaw {
        /// A claimed task can be claimed again.
        ClaimAtomicity = "claim-atomicity",
        /// A worker that lost its lease can still write.
        Fencing = "fencing",
        /// The next worker does not find the image of an earlier one.
        Forgetting = "forgetting",
        /// Due tasks are not found.
        Redelivery = "redelivery",
        /// Webhooks that are due are not found.
        Silence = "silence",
        /// A task or a refined image that cannot be stored is answered as if it were.
        Acceptance = "acceptance",
        /// What a user wants to have erased stays.
        Remnant = "remnant",
        /// A host goes by the time of its own machine.
        OwnClock = "own-clock",
    }
}

impl FromStr for Flaw {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        let mut all = Self::ALL.iter().copied();
        all.find(|flaw| flaw.as_str() == name).ok_or(())
    }
}

/// Stands before a sound store and breaks the promise.
pub struct Flawed {
    flaw: Flaw,
    /// The newest claim of each task.
    claims: Mutex<HashMap<String, Claimed>>,
}

impl Flawed {
    pub fn store(flaw: Flaw, sound: Arc<dyn TaskStore>) -> Arc<dyn TaskStore> {
        let flawed = Self {
            flaw,
            claims: Mutex::default(),
        };
        Arc::new(Intercepted::new(sound, Arc::new(flawed)))
    }

    /// The flaws of images.
    pub fn images(flaw: Flaw, sound: Arc<dyn ImageStore>) -> Arc<dyn ImageStore> {
        Arc::new(Intercepted::new(sound, Arc::new(FlawedImages(flaw))))
    }

    async fn claim(
        &self,
        id: &str,
        user_id: Option<&str>,
        sound: &Arc<dyn TaskStore>,
    ) -> Result<Option<Claimed>, CapabilityError> {
        // Locked meanwhile, so that a refused caller sees the winner.
        let mut claims = self.claims.lock().await;
        let Some(claimed) = sound.claim(id, user_id).await? else {
            let earlier = claims.get(id).cloned();
            let Some(claimed) = earlier.filter(|_| self.flaw == Flaw::ClaimAtomicity) else {
                return Ok(None);
            };
            let task = Tasks::get(&**sound, &claimed.task.user_id, id).await?;
            let is_held = task.is_some_and(|task| task.status == Status::Processing);
            return Ok(is_held.then_some(claimed));
        };
        claims.insert(id.to_owned(), claimed.clone());
        Ok(Some(claimed))
    }

    /// A task that may not be stored at all.
    async fn submit(
        task: NewTask,
        sound: &Arc<dyn TaskStore>,
    ) -> Result<Submission, CapabilityError> {
        let quota = task.quota;
        let created = task.clone().created(SystemClock.now());
        let submitted = sound.submit(task).await;
        Ok(submitted.unwrap_or_else(|_| {
            Submission::Created(Accepted {
                quota: quota.map(|quota| quota.state(1, created.created_at)),
                task: created,
            })
        }))
    }

    /// A write under the lease of the worker after this one, whichever host that is
    /// of. None: there is none.
    async fn as_the_next(
        operation: &TaskOperation<'_>,
        sound: &Arc<dyn TaskStore>,
    ) -> Result<Option<TaskReply>, CapabilityError> {
        let mut forged = operation.clone();
        let Some(lease) = lease_of(&mut forged) else {
            return Ok(None);
        };
        let next = Lease {
            attempt: lease.attempt + 1,
            ..lease.clone()
        };
        *lease = &next;
        let reply = sound.run(forged).await?;
        Ok(is_confirmed(&reply).then_some(reply))
    }

    /// The newest lease of the task.
    async fn newest(&self, lease: &Lease) -> Option<Lease> {
        let claims = self.claims.lock().await;
        Some(claims.get(&lease.task_id)?.lease.clone())
    }
}

/// The lease among an operation's arguments.
pub fn lease_of<'o, 'a>(operation: &'o mut TaskOperation<'a>) -> Option<&'o mut &'a Lease> {
    match operation {
        TaskOperation::Renew { lease }
        | TaskOperation::Finish { lease, .. }
        | TaskOperation::Fail { lease, .. }
        | TaskOperation::Release { lease }
        | TaskOperation::Progress { lease, .. } => Some(lease),
        _ => None,
    }
}

/// Whether a worker is told that it still had its lease as it wrote.
pub fn is_confirmed(write: &TaskReply) -> bool {
    matches!(
        write,
        TaskReply::Fenced(Fenced::Done)
            | TaskReply::Finished(Finished::Done)
            | TaskReply::Lease(Some(_))
    )
}

struct FlawedImages(Flaw);

impl FlawedImages {
    /// An image that may not be stored at all.
    async fn put(
        image: NewImage,
        contents: Contents,
        sound: &Arc<dyn ImageStore>,
    ) -> Result<ImageReply, CapabilityError> {
        let path = ImagePath::of(&image).unwrap().to_string();
        let stored = sound.put(image, contents).await;
        let url = format!("/api/images/{path}");
        Ok(stored
            .unwrap_or(StoredOrNot::Stored(Stored {
                path,
                url,
                sha256: None,
            }))
            .into())
    }
}

impl Interceptor<dyn ImageStore> for FlawedImages {
    fn intercept<'a>(
        &'a self,
        operation: ImageOperation<'a>,
        sound: &'a Arc<dyn ImageStore>,
    ) -> Answer<'a, ImageReply> {
        match (operation, self.0) {
            (ImageOperation::Stat { path }, Flaw::Forgetting) if is_refined(path) => {
                Box::pin(ready(Ok(ImageReply::Info(None))))
            }
            (ImageOperation::Put { image, contents }, Flaw::Acceptance)
                if image.kind == ImageKind::Refined =>
            {
                Box::pin(Self::put(image, contents, sound))
            }
            (operation, _) => sound.run(operation),
        }
    }
}

impl Interceptor<dyn TaskStore> for Flawed {
    fn intercept<'a>(
        &'a self,
        operation: TaskOperation<'a>,
        sound: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        Box::pin(async move {
            let newest;
            let mut operation = operation;
            if self.flaw == Flaw::Fencing
                && let Some(reply) = Self::as_the_next(&operation, sound).await?
            {
                return Ok(reply);
            }
            match (&operation, self.flaw) {
                (TaskOperation::Claim { id, user_id }, _) => {
                    return Ok(self.claim(id, *user_id, sound).await?.into());
                }
                (TaskOperation::Due { .. }, Flaw::Redelivery) => {
                    return Ok(TaskReply::Tasks(vec![]));
                }
                (TaskOperation::ClaimDeliveries { .. }, Flaw::Silence) => {
                    return Ok(TaskReply::Deliveries(vec![]));
                }
                (TaskOperation::Recover { .. }, Flaw::Redelivery) => {
                    return Ok(TaskReply::Count(0));
                }
                (TaskOperation::EraseUser { .. }, Flaw::Remnant) => {
                    return Ok(TaskReply::Erased(Erased::default()));
                }
                (TaskOperation::Submit { task }, Flaw::Acceptance) => {
                    return Ok(Self::submit(task.clone(), sound).await?.into());
                }
                (TaskOperation::Progress { .. }, _) => {}
                (_, Flaw::Fencing) => {
                    if let Some(lease) = lease_of(&mut operation) {
                        newest = self.newest(lease).await.unwrap_or_else(|| lease.clone());
                        *lease = &newest;
                    }
                }
                _ => {}
            }
            sound.run(operation).await
        })
    }
}

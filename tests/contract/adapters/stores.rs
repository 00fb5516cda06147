//! The stores of the suite over the exports of an adapter.
//!
//! What only a host offers is not called by the promises of `wit/`.

use concept_refinement_capability::Answer;
use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::images::{Contents, ImageStore, Images, Listed};
use concept_refinement_capability::tasks::{Changes, Expired, Leases, Maintenance, Tally, Tasks};
use concept_refinement_capability::webhooks::Webhooks;
use concept_refinement_domain::capability::{
    ByteRange, Cancellation, CapabilityError, CapabilityState, Claimed, ConceptPage, Erased,
    Fenced, Finished, ImageInfo, ImageKind, Lease, NewImage, NewTask, Position, RefinedImage,
    Resolved, StoredOrNot, Submission, TaskFailure, TaskPage,
};
use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::convert::Convert;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::{Stage, Status, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::{
    DeliveryLease, DeliveryOutcome, DeliveryPermits, DueDelivery, Redelivery, WebhookDelivery,
};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc;
use wasmtime::component::StreamReader;

use super::instances::Instances;
use super::streams::{self, Chunks};

const HOST_ONLY: &str = "only a host offers this";

/// Calls a function of the adapter's exports.
macro_rules! ask {
    ($instances:ident.$export:ident.$call:ident($($argument:expr),*)) => {
        Box::pin($instances.ask(move |accessor, adapter| {
            Box::pin(adapter.$export().$call(accessor, $($argument),*))
        }))
    };
}

macro_rules! host_only {
    ($($call:ident($($argument:ty),*) -> $answer:ty,)+) => {
        $(fn $call(&self, $(_: $argument),*) -> Answer<'_, $answer> {
            panic!("{HOST_ONLY}")
        })+
    };
}

impl Tasks for Instances {
    fn renew_session<'a>(
        &'a self,
        user_id: &'a str,
        until: Timestamp,
        owns_images: bool,
    ) -> Answer<'a, ()> {
        let user_id = user_id.to_owned();
        ask! {
            self.concept_refinement_task_store.call_renew_session(user_id, until.0, owns_images)
        }
    }

    fn submit(&self, task: NewTask) -> Answer<'_, Submission> {
        ask! { self.concept_refinement_task_store.call_submit(task.convert()) }
    }

    fn withdraw<'a>(&'a self, id: &'a str, error_message: &'a str) -> Answer<'a, Fenced> {
        let (id, error_message) = (id.to_owned(), error_message.to_owned());
        ask! { self.concept_refinement_task_store.call_withdraw(id, error_message) }
    }

    fn used<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, u32> {
        let (user_id, window) = (user_id.to_owned(), window.convert());
        ask! { self.concept_refinement_task_store.call_used(user_id, window) }
    }

    fn spending<'a>(&'a self, user_id: &'a str, window: Window) -> Answer<'a, Spending> {
        let (user_id, window) = (user_id.to_owned(), window.convert());
        ask! { self.concept_refinement_task_store.call_get_spending(user_id, window) }
    }

    fn cancel<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Cancellation>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        ask! { self.concept_refinement_task_store.call_cancel(user_id, id) }
    }

    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Task>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        ask! { self.concept_refinement_task_store.call_get(user_id, id) }
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        status: Option<Status>,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, TaskPage> {
        let user_id = user_id.to_owned();
        let (status, after) = (status.convert(), after.convert());
        ask! { self.concept_refinement_task_store.call_list(user_id, status, limit, after) }
    }

    fn erase_user<'a>(&'a self, user_id: &'a str, limit: u32) -> Answer<'a, Erased> {
        let user_id = user_id.to_owned();
        ask! { self.concept_refinement_task_store.call_erase_user(user_id, limit) }
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, bool> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        ask! { self.concept_refinement_task_store.call_delete(user_id, id) }
    }

    fn watch<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Changes>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        Box::pin(self.open(|accessor, adapter, answer| {
            Box::pin(async move {
                let store = adapter.concept_refinement_task_store();
                let changes = match store.call_watch(accessor, user_id, id).await? {
                    Ok(changes) => changes,
                    Err(error) => {
                        let _ = answer.send(Err(error.convert()));
                        return Ok(());
                    }
                };
                let Some(changes) = changes else {
                    let _ = answer.send(Ok(None));
                    return Ok(());
                };
                let (changes, drained) = accessor.with(|access| streams::items(changes, access))?;
                let changes: Changes = changes.map(Convert::convert).boxed();
                let _ = answer.send(Ok(Some(changes)));
                let _ = drained.await;
                Ok(())
            })
        }))
    }
}

impl Webhooks for Instances {
    fn webhook<'a>(
        &'a self,
        user_id: &'a str,
        task_id: &'a str,
    ) -> Answer<'a, Option<WebhookDelivery>> {
        let (user_id, task_id) = (user_id.to_owned(), task_id.to_owned());
        ask! { self.concept_refinement_webhook_store.call_get(user_id, task_id) }
    }

    fn redeliver<'a>(&'a self, user_id: &'a str, task_id: &'a str) -> Answer<'a, Redelivery> {
        let (user_id, task_id) = (user_id.to_owned(), task_id.to_owned());
        ask! { self.concept_refinement_webhook_store.call_redeliver(user_id, task_id) }
    }

    host_only! {
        claim_deliveries(DeliveryPermits) -> Vec<DueDelivery>,
        next_delivery() -> Option<Timestamp>,
    }

    fn record_attempt<'a>(
        &'a self,
        _: &'a DeliveryLease,
        _: DeliveryOutcome,
        _: f64,
    ) -> Answer<'a, Fenced> {
        panic!("{HOST_ONLY}")
    }

    fn delivery_due(&self) -> BoxFuture<'static, ()> {
        panic!("{HOST_ONLY}")
    }
}

impl Leases for Instances {
    fn claim<'a>(&'a self, id: &'a str, user_id: Option<&'a str>) -> Answer<'a, Option<Claimed>> {
        let (id, user_id) = (id.to_owned(), user_id.map(str::to_owned));
        ask! { self.concept_refinement_task_store.call_claim(id, user_id) }
    }

    fn renew<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Option<Lease>> {
        let lease = lease.clone();
        ask! { self.concept_refinement_task_store.call_renew(lease.convert()) }
    }

    fn finish<'a>(&'a self, lease: &'a Lease, image: RefinedImage) -> Answer<'a, Finished> {
        let lease = lease.clone();
        ask! { self.concept_refinement_task_store.call_finish(lease.convert(), image.convert()) }
    }

    fn fail<'a>(&'a self, lease: &'a Lease, failure: &'a TaskFailure) -> Answer<'a, Fenced> {
        let (lease, failure) = (lease.clone(), failure.clone());
        ask! { self.concept_refinement_task_store.call_fail(lease.convert(), failure.convert()) }
    }

    fn pay<'a>(&'a self, _: &'a Lease, _: &'a Payment) -> Answer<'a, Fenced> {
        panic!("{HOST_ONLY}")
    }

    fn release<'a>(&'a self, lease: &'a Lease) -> Answer<'a, Fenced> {
        let lease = lease.clone();
        ask! { self.concept_refinement_task_store.call_release(lease.convert()) }
    }

    fn progress<'a>(&'a self, lease: &'a Lease, stage: Stage) -> Answer<'a, ()> {
        let lease = lease.clone();
        Box::pin(self.open(move |accessor, adapter, answer| {
            Box::pin(async move {
                let progress = adapter.concept_refinement_progress();
                progress
                    .call_began(accessor, lease.convert(), stage.convert())
                    .await?;
                let _ = answer.send(Ok(()));
                Ok(())
            })
        }))
    }

    /// A platform shows no stories of tasks.
    fn add_step(&self, _: &str, _: u32, _: StepKind, _: &str) {}

    fn revocation(&self, _: &str) -> BoxFuture<'static, ()> {
        panic!("{HOST_ONLY}")
    }
}

impl Maintenance for Instances {
    host_only! {
        due(u32) -> Vec<Task>,
        miss_deadlines(u32) -> u32,
        next_deadline() -> Option<Timestamp>,
        claim_order(u32) -> Vec<String>,
        next_due() -> Option<Timestamp>,
        recover(bool) -> u32,
        unreferenced(Vec<String>) -> Vec<String>,
        expire(Timestamp, u32) -> Expired,
        abandon(Timestamp, u32) -> Expired,
        without_session(Vec<String>, Timestamp) -> Vec<String>,
        last_round() -> Option<LastRound>,
        remember_round(LastRound) -> (),
        tally() -> Tally,
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.checked("tasks"))
    }
}

impl Concepts for Instances {
    fn get<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<Concept>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        ask! { self.concept_refinement_concept_store.call_get(user_id, id) }
    }

    fn list<'a>(
        &'a self,
        user_id: &'a str,
        limit: u32,
        after: Option<Position>,
    ) -> Answer<'a, ConceptPage> {
        let (user_id, after) = (user_id.to_owned(), after.convert());
        ask! { self.concept_refinement_concept_store.call_list(user_id, limit, after) }
    }

    fn children<'a>(
        &'a self,
        user_id: &'a str,
        id: &'a str,
        limit: u32,
    ) -> Answer<'a, Vec<Concept>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        ask! { self.concept_refinement_concept_store.call_children(user_id, id, limit) }
    }

    fn find_image<'a>(&'a self, sha256: &'a str) -> Answer<'a, Option<Timestamp>> {
        let sha256 = sha256.to_owned();
        ask! { self.concept_refinement_concept_store.call_find_image(sha256) }
    }

    fn delete<'a>(&'a self, user_id: &'a str, id: &'a str) -> Answer<'a, Option<String>> {
        let (user_id, id) = (user_id.to_owned(), id.to_owned());
        ask! { self.concept_refinement_concept_store.call_delete(user_id, id) }
    }
}

impl ImageStore for Instances {
    fn has_uploads<'a>(&'a self, owner: &'a str) -> Answer<'a, bool> {
        let owner = owner.to_owned();
        ask! { self.concept_refinement_image_store.call_has_uploads(owner) }
    }

    fn delete_uploads<'a>(&'a self, owner: &'a str, limit: u32) -> Answer<'a, bool> {
        let owner = owner.to_owned();
        ask! { self.concept_refinement_image_store.call_delete_uploads(owner, limit) }
    }

    /// Whoever goes away, or cannot send the rest, ends the contents early.
    fn put(&self, image: NewImage, mut contents: Contents) -> Answer<'_, StoredOrNot> {
        Box::pin(async move {
            let (sender, chunks) = mpsc::channel(1);
            let stored = self.ask(|accessor, adapter| {
                Box::pin(async move {
                    let contents =
                        accessor.with(|access| StreamReader::new(access, Chunks(chunks)))?;
                    let store = adapter.concept_refinement_image_store();
                    store.call_put(accessor, image.convert(), contents).await
                })
            });
            let send = async {
                let sender = sender;
                while let Some(chunk) = contents.next().await {
                    if sender.send(chunk?).await.is_err() {
                        break;
                    }
                }
                Ok::<_, CapabilityError>(())
            };
            tokio::pin!(stored);
            let stored = tokio::select! {
                stored = &mut stored => stored,
                sent = send => {
                    let stored = stored.await;
                    sent?;
                    stored
                }
            };
            stored
        })
    }

    fn stat<'a>(&'a self, path: &'a str) -> Answer<'a, Option<ImageInfo>> {
        let path = path.to_owned();
        ask! { self.concept_refinement_image_store.call_stat(path) }
    }

    fn get<'a>(
        &'a self,
        path: &'a str,
        range: Option<ByteRange>,
    ) -> Answer<'a, Option<(ImageInfo, Contents)>> {
        let path = path.to_owned();
        let range = range.convert();
        Box::pin(self.open(move |accessor, adapter, answer| {
            Box::pin(async move {
                let store = adapter.concept_refinement_image_store();
                let image = match store.call_get(accessor, path, range).await? {
                    Ok(image) => image,
                    Err(error) => {
                        let _ = answer.send(Err(error.convert()));
                        return Ok(());
                    }
                };
                let Some((info, contents)) = image else {
                    let _ = answer.send(Ok(None));
                    return Ok(());
                };
                let (contents, drained) =
                    accessor.with(|access| streams::bytes(contents, access))?;
                let contents: Contents = contents.map(Ok).boxed();
                let _ = answer.send(Ok(Some((info.convert(), contents))));
                let _ = drained.await;
                Ok(())
            })
        }))
    }

    fn delete<'a>(&'a self, path: &'a str) -> Answer<'a, ()> {
        let path = path.to_owned();
        ask! { self.concept_refinement_image_store.call_delete(path) }
    }

    fn sign<'a>(&'a self, path: &'a str, origin: &'a str) -> Answer<'a, String> {
        let (path, origin) = (path.to_owned(), origin.to_owned());
        ask! { self.concept_refinement_image_store.call_sign(path, origin) }
    }

    fn resolve<'a>(&'a self, url: &'a str, origin: &'a str) -> Answer<'a, Option<Resolved>> {
        let (url, origin) = (url.to_owned(), origin.to_owned());
        ask! { self.concept_refinement_image_store.call_resolve(url, origin) }
    }

    fn list(&self, _: ImageKind) -> Answer<'_, Images> {
        panic!("{HOST_ONLY}")
    }

    fn describe<'a>(&'a self, _: &'a str) -> Answer<'a, Option<Listed>> {
        panic!("{HOST_ONLY}")
    }

    fn check(&self) -> Answer<'_, ()> {
        Box::pin(self.checked("images"))
    }
}

impl Instances {
    pub async fn setting(&self, name: &str) -> Option<String> {
        let name = name.to_owned();
        self.open(|accessor, adapter, answer| {
            Box::pin(async move {
                let settings = adapter.concept_refinement_settings();
                let _ = answer.send(settings.call_get(accessor, name).await?);
                Ok(())
            })
        })
        .await
    }

    /// What the adapter's health says of a capability.
    async fn checked(&self, name: &'static str) -> Result<(), CapabilityError> {
        let states = self.ask(|accessor, adapter| {
            Box::pin(async move {
                let health = adapter.concept_refinement_health();
                Ok(Ok(health.call_check(accessor).await?))
            })
        });
        let states: Vec<CapabilityState> = states.await?;
        let state = states.into_iter().find(|state| state.name == name);
        let state = state.unwrap_or_else(|| panic!("nothing is said of {name}"));
        match state.problem {
            None => Ok(()),
            Some(problem) => Err(CapabilityError::unavailable(problem)),
        }
    }
}

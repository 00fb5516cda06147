//! `task-store`, as linked into a component.

use std::sync::Arc;

use concept_refinement_capability::traces::{Attempt, Kind, Span, Start, TASK};
use concept_refinement_domain::capability::{
    Fenced, Finished, NewTask, RefinedImage, Submission, TaskFailure,
};
use concept_refinement_domain::convert::Convert;
use concept_refinement_domain::note;
use concept_refinement_domain::sentence;
use concept_refinement_domain::task::Stage;
use futures::StreamExt as _;
use wasmtime::component::StreamReader;

use super::{Answer, forward, granted};
use crate::wasm::bindings::capabilities::concept::refinement::task_store::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Caller, Linked, Sandbox, request_of};
use crate::wasm::stream::Items;

impl Host for &mut Sandbox {}

/// How long the task has been worked on, in milliseconds.
fn since_claim(caller: &Caller) -> Option<u64> {
    let begin = caller.with(|mut access| access.get().claimed_at)?;
    u64::try_from(begin.elapsed().as_millis()).ok()
}

/// The caller's attempt at the task that it has claimed.
fn attempt(caller: &Caller) -> Attempt {
    caller.with(|mut access| access.get().attempt.clone())
}

impl HostWithStore<Sandbox> for Linked {
    forward! { |host|
        withdraw(id: String, error_message: String) -> types::Fenced =
            host.tasks().withdraw(&id, &error_message);
        renew_session(user_id: String, until: u64, owns_images: bool) -> () =
            host.tasks().renew_session(&user_id, until.convert(), owns_images);
        claim(id: String, user_id: Option<String>) -> Option<types::Claimed> =
            host.leases().claim(&id, user_id.as_deref());
        release(lease: types::Lease) -> types::Fenced = host.leases().release(&lease.convert());
        get(user_id: String, id: String) -> Option<types::Task> = host.tasks().get(&user_id, &id);
        list(
            user_id: String, status: Option<types::Status>, limit: u32,
            after: Option<types::Position>
        ) -> types::TaskPage =
            host.tasks().list(&user_id, status.convert(), limit, after.convert());
        used(user_id: String, window: types::Window) -> u32 =
            host.tasks().used(&user_id, window.convert());
        get_spending(user_id: String, window: types::Window) -> types::Spending =
            host.tasks().spending(&user_id, window.convert());
        cancel(user_id: String, id: String) -> Option<types::Cancellation> =
            host.tasks().cancel(&user_id, &id);
        delete(user_id: String, id: String) -> bool = host.tasks().delete(&user_id, &id);
        erase_user(user_id: String, limit: u32) -> types::Erased =
            host.tasks().erase_user(&user_id, limit);
    }

    async fn submit(caller: &Caller, new_task: types::NewTask) -> Answer<types::Submission> {
        let host = granted(caller)?;
        let mut new_task: NewTask = new_task.convert();
        new_task.trace = request_of(caller);
        let mut span = match new_task.trace {
            None => Span::default(),
            request => host
                .traces
                .start(Start::within(request, "submit", Kind::Internal)),
        };
        let submission = host.tasks().submit(new_task).await;
        match &submission {
            Ok(
                Submission::Created(accepted)
                | Submission::Replayed(accepted)
                | Submission::Active(accepted),
            ) => span.set_text(TASK, &accepted.task.id),
            Ok(_) => {}
            Err(_) => span.fail("store"),
        }
        Ok(submission.convert())
    }

    async fn renew(caller: &Caller, lease: types::Lease) -> Answer<Option<types::Lease>> {
        let host = granted(caller)?;
        let renewed = host.leases().renew(&lease.convert()).await;
        if let Ok(None) = &renewed {
            attempt(caller).end("lost", None);
        }
        Ok(renewed.convert())
    }

    async fn finish(
        caller: &Caller,
        lease: types::Lease,
        image: types::RefinedImage,
    ) -> Answer<types::Finished> {
        let host = granted(caller)?;
        let (lease, image): (_, RefinedImage) = (lease.convert(), image.convert());
        let redaction = caller.with(|mut access| Arc::clone(&access.get().grants.redaction));
        // Before it cut them, the processor was given them without secrets that are long.
        let notes = image.notes.iter().map(|note| redaction.apply(note));
        let notes = note::bounded(notes).join(" ");
        let finished = host.leases().finish(&lease, image).await;
        match &finished {
            Ok(Finished::Done) => attempt(caller).end("completed", None),
            Ok(Finished::Lost | Finished::Over) => attempt(caller).end("lost", None),
            // The task is tried again.
            Err(_) => {}
        }
        if let Ok(Finished::Done) = finished {
            let (attempt, milliseconds) = (lease.attempt, since_claim(caller));
            let notes = Some(notes).filter(|notes| !notes.is_empty());
            tracing::info!(attempt, milliseconds, notes, "completed");
        }
        Ok(finished.convert())
    }

    async fn fail(
        caller: &Caller,
        lease: types::Lease,
        failure: types::TaskFailure,
    ) -> Answer<types::Fenced> {
        let host = granted(caller)?;
        let (lease, failure): (_, TaskFailure) = (lease.convert(), failure.convert());
        let fenced = host.leases().fail(&lease, &failure).await;
        let stage = failure.stage;
        if let Ok(Fenced::Lost) = fenced {
            attempt(caller).end("lost", None);
        }
        if let Ok(Fenced::Done) = fenced {
            attempt(caller).end("failed", Some(stage.map_or("task", Stage::as_str)));
            let redaction = caller.with(|mut access| Arc::clone(&access.get().grants.redaction));
            tracing::warn!(
                step = stage.map(Stage::step),
                reason = redaction.apply(sentence::reason(&failure.error_message)),
                attempt = lease.attempt,
                milliseconds = since_claim(caller),
                "failed"
            );
        }
        Ok(fenced.convert())
    }

    async fn watch(
        caller: &Caller,
        user_id: String,
        id: String,
    ) -> Answer<Option<StreamReader<types::Change>>> {
        let (host, place) = caller.with(|mut access| {
            let sandbox = access.get();
            let place = sandbox.grants.watchers.admit(&user_id);
            wasmtime::error::Ok((sandbox.capabilities()?, place))
        })?;
        let place = match place {
            Ok(place) => place,
            Err(error) => return Ok(Err(error.convert())),
        };
        match host.tasks().watch(&user_id, &id).await {
            Ok(None) => Ok(Ok(None)),
            Ok(Some(changes)) => {
                let changes = Items::new(place.hold(changes).map(Convert::convert));
                let reader = caller.with(|access| StreamReader::new(access, changes))?;
                Ok(Ok(Some(reader)))
            }
            Err(error) => Ok(Err(error.convert())),
        }
    }
}

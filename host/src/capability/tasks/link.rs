//! `task-store`, as linked into a component.

use concept_refinement_domain::capability::{Accepted, Claimed, NewTask, Submission};
use concept_refinement_domain::quota::{Quota, QuotaState, Window};
use concept_refinement_domain::task::Change;
use futures::StreamExt as _;
use wasmtime::component::{Accessor, StreamReader};

use crate::wasm::bindings::capabilities::concept::refinement::task_store as wit;
use crate::wasm::bindings::capabilities::concept::refinement::task_store::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Linked, Sandbox};
use crate::wasm::stream::Items;

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn submit(
        accessor: &Accessor<Sandbox, Self>,
        new_task: wit::NewTask,
    ) -> Answer<wit::Submission> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let submission = host.tasks().submit(new_task.into()).await;
        Ok(submission.map(Into::into).map_err(Into::into))
    }

    async fn withdraw(
        accessor: &Accessor<Sandbox, Self>,
        id: String,
        error_message: String,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host.tasks().withdraw(&id, &error_message).await;
        Ok(fenced.map(Into::into).map_err(Into::into))
    }

    async fn claim(
        accessor: &Accessor<Sandbox, Self>,
        id: String,
        user_id: Option<String>,
    ) -> Answer<Option<wit::Claimed>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let claimed = host.leases().claim(&id, user_id.as_deref()).await;
        if let Ok(Some(claimed)) = &claimed {
            let lease = claimed.lease.clone();
            accessor.with(|mut access| access.get().claimed().set(Some(lease)));
        }
        Ok(claimed
            .map(|claimed| claimed.map(Into::into))
            .map_err(Into::into))
    }

    async fn renew(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
    ) -> Answer<Option<types::Lease>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let renewed = host.leases().renew(&lease.into()).await;
        Ok(renewed
            .map(|lease| lease.map(Into::into))
            .map_err(Into::into))
    }

    async fn checkpoint(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
        image_path: String,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host.leases().checkpoint(&lease.into(), &image_path).await;
        Ok(fenced.map(Into::into).map_err(Into::into))
    }

    async fn complete(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
        result_id: String,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host.leases().complete(&lease.into(), &result_id).await;
        Ok(fenced.map(Into::into).map_err(Into::into))
    }

    async fn fail(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
        error_message: String,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host.leases().fail(&lease.into(), &error_message).await;
        Ok(fenced.map(Into::into).map_err(Into::into))
    }

    async fn release(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host.leases().release(&lease.into()).await;
        Ok(fenced.map(Into::into).map_err(Into::into))
    }

    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<types::Task>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let task = host.tasks().get(&user_id, &id).await;
        Ok(task.map(|task| task.map(Into::into)).map_err(Into::into))
    }

    async fn list(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        status: Option<types::Status>,
        limit: u32,
        after: Option<types::Position>,
    ) -> Answer<wit::Page> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let (status, after) = (status.map(Into::into), after.map(Into::into));
        let page = host.tasks().list(&user_id, status, limit, after).await;
        Ok(page
            .map(|page| wit::Page {
                tasks: page.items.into_iter().map(Into::into).collect(),
                next: page.next.map(Into::into),
            })
            .map_err(Into::into))
    }

    async fn delete(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<wit::Deleted>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let deleted = host.tasks().delete(&user_id, &id).await;
        Ok(deleted
            .map(|deleted| {
                deleted.map(|deleted| wit::Deleted {
                    unpublished_image: deleted.unpublished_image,
                })
            })
            .map_err(Into::into))
    }

    async fn watch(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<StreamReader<wit::Change>>> {
        let (host, place) = accessor.with(|mut access| {
            let sandbox = access.get();
            wasmtime::error::Ok((sandbox.capabilities()?, sandbox.watchers().admit()))
        })?;
        let place = match place {
            Ok(place) => place,
            Err(error) => return Ok(Err(error.into())),
        };
        match host.tasks().watch(&user_id, &id).await {
            Ok(None) => Ok(Ok(None)),
            Ok(Some(changes)) => {
                let changes = Items::new(place.hold(changes).map(wit::Change::from));
                let reader = accessor.with(|access| StreamReader::new(access, changes))?;
                Ok(Ok(Some(reader)))
            }
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl From<wit::NewTask> for NewTask {
    fn from(task: wit::NewTask) -> Self {
        Self {
            id: task.id,
            user_id: task.user_id,
            is_anonymous: task.is_anonymous,
            refinement: task.refinement.into(),
            original_path: task.original_path,
            original_found: task.original_found,
            idempotency_key: task.idempotency_key,
            quota: task.quota.map(|quota| Quota {
                limit: quota.limit,
                window: match quota.window {
                    wit::Window::Hour => Window::Hour,
                    wit::Window::Day => Window::Day,
                    wit::Window::Month => Window::Month,
                },
            }),
        }
    }
}

impl From<QuotaState> for wit::QuotaState {
    fn from(state: QuotaState) -> Self {
        Self {
            limit: state.limit,
            remaining: state.remaining,
            reset: state.reset.0,
        }
    }
}

impl From<Accepted> for wit::Accepted {
    fn from(accepted: Accepted) -> Self {
        Self {
            task: accepted.task.into(),
            quota: accepted.quota.map(Into::into),
        }
    }
}

impl From<Submission> for wit::Submission {
    fn from(submission: Submission) -> Self {
        match submission {
            Submission::KeyReused => Self::KeyReused,
            Submission::Replayed(accepted) => Self::Replayed(accepted.into()),
            Submission::OriginalMissing => Self::OriginalMissing,
            Submission::Active(accepted) => Self::Active(accepted.into()),
            Submission::QuotaExceeded(state) => Self::QuotaExceeded(state.into()),
            Submission::BacklogFull(seconds) => Self::BacklogFull(seconds),
            Submission::Created(accepted) => Self::Created(accepted.into()),
        }
    }
}

impl From<Claimed> for wit::Claimed {
    fn from(claimed: Claimed) -> Self {
        Self {
            lease: claimed.lease.into(),
            task: claimed.task.into(),
            checkpoint: claimed.checkpoint,
        }
    }
}

impl From<Change> for wit::Change {
    fn from(change: Change) -> Self {
        match change {
            Change::Task(task) => Self::Task((*task).into()),
            Change::Progress(stage) => Self::Progress(stage.into()),
            Change::Deleted => Self::Deleted,
        }
    }
}

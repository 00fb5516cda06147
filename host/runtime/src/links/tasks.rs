//! `task-store`, as linked into a component.

use concept_refinement_capability::health::Asker;
use concept_refinement_domain::convert::Convert;
use futures::StreamExt as _;
use wasmtime::component::{Accessor, StreamReader};

use crate::wasm::bindings::capabilities::concept::refinement::task_store::{Host, HostWithStore};
use crate::wasm::bindings::capabilities::concept::refinement::types;
use crate::wasm::sandbox::{Linked, Sandbox};
use crate::wasm::stream::Items;

type Answer<T> = wasmtime::Result<Result<T, types::Error>>;

impl Host for &mut Sandbox {}

impl HostWithStore<Sandbox> for Linked {
    async fn submit(
        accessor: &Accessor<Sandbox, Self>,
        new_task: types::NewTask,
    ) -> Answer<types::Submission> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let submission = host.tasks().submit(new_task.convert()).await;
        Ok(submission.convert())
    }

    async fn withdraw(
        accessor: &Accessor<Sandbox, Self>,
        id: String,
        error_message: String,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host.tasks().withdraw(&id, &error_message).await;
        Ok(fenced.convert())
    }

    async fn renew_session(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        until: u64,
        owns_images: bool,
    ) -> Answer<()> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let tasks = host.tasks();
        let renewed = tasks.renew_session(&user_id, until.convert(), owns_images);
        Ok(renewed.await.convert())
    }

    async fn claim(
        accessor: &Accessor<Sandbox, Self>,
        id: String,
        user_id: Option<String>,
    ) -> Answer<Option<types::Claimed>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let claimed = host.leases().claim(&id, user_id.as_deref()).await;
        if let Ok(Some(claimed)) = &claimed {
            let lease = claimed.lease.clone();
            let asker = Asker::of(&claimed.task);
            accessor.with(|mut access| {
                access.get().claimed().set(Some(lease));
                access.get().works_for(asker);
            });
        }
        Ok(claimed.convert())
    }

    async fn renew(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
    ) -> Answer<Option<types::Lease>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let renewed = host.leases().renew(&lease.convert()).await;
        Ok(renewed.convert())
    }

    async fn finish(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
        image: types::RefinedImage,
    ) -> Answer<types::Finished> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let (lease, image) = (lease.convert(), image.convert());
        let finished = host.leases().finish(&lease, image).await;
        Ok(finished.convert())
    }

    async fn fail(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
        stage: Option<types::Stage>,
        error_message: String,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host
            .leases()
            .fail(&lease.convert(), stage.convert(), &error_message)
            .await;
        Ok(fenced.convert())
    }

    async fn release(
        accessor: &Accessor<Sandbox, Self>,
        lease: types::Lease,
    ) -> Answer<types::Fenced> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let fenced = host.leases().release(&lease.convert()).await;
        Ok(fenced.convert())
    }

    async fn get(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<types::Task>> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let task = host.tasks().get(&user_id, &id).await;
        Ok(task.convert())
    }

    async fn list(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        status: Option<types::Status>,
        limit: u32,
        after: Option<types::Position>,
    ) -> Answer<types::TaskPage> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let (status, after) = (status.convert(), after.convert());
        let page = host.tasks().list(&user_id, status, limit, after).await;
        Ok(page.convert())
    }

    async fn delete(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<bool> {
        let host = accessor.with(|mut access| access.get().capabilities())?;
        let deleted = host.tasks().delete(&user_id, &id).await;
        Ok(deleted.convert())
    }

    async fn watch(
        accessor: &Accessor<Sandbox, Self>,
        user_id: String,
        id: String,
    ) -> Answer<Option<StreamReader<types::Change>>> {
        let (host, place) = accessor.with(|mut access| {
            let sandbox = access.get();
            let place = sandbox.watchers().admit(&user_id);
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
                let reader = accessor.with(|access| StreamReader::new(access, changes))?;
                Ok(Ok(Some(reader)))
            }
            Err(error) => Ok(Err(error.convert())),
        }
    }
}

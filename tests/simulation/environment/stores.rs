//! The task store and the queue, as a process reaches them.

use std::fmt;
use std::sync::Arc;

use concept_refinement_capability::Answer;
use concept_refinement_capability::intercept::Interceptor;
use concept_refinement_capability::queue::{QueueOperation, QueueReply, TaskQueue};
use concept_refinement_capability::tasks::{TaskOperation, TaskReply, TaskStore};
use concept_refinement_tests::flaws::lease_of;
use futures::TryFutureExt as _;

use super::{Environment, local};
use crate::faults::Side;
use crate::store::drive;

impl Interceptor<dyn TaskStore> for Environment {
    fn intercept<'a>(
        &'a self,
        mut operation: TaskOperation<'a>,
        _: &'a Arc<dyn TaskStore>,
    ) -> Answer<'a, TaskReply> {
        let name = operation.name();
        let lease = lease_of(&mut operation).map(|lease| &lease.task_id);
        let task = match &operation {
            TaskOperation::Submit { task } => task.id.as_str(),
            TaskOperation::Withdraw { id, .. }
            | TaskOperation::Get { id, .. }
            | TaskOperation::Cancel { id, .. }
            | TaskOperation::Delete { id, .. }
            | TaskOperation::Claim { id, .. } => *id,
            _ => lease.map_or("", String::as_str),
        }
        .to_owned();
        if let TaskOperation::Progress { .. } = operation {
            let progress = async { self.point("progress", Side::Before).await };
            return local(progress.map_ok(Into::into));
        }
        let reply = self.call(name, task, move |world| {
            world.store.run(self.process.group, operation).map(Shown)
        });
        Box::pin(reply.map_ok(|reply| reply.0))
    }
}

/// The queue of the process, or one that all share.
impl Interceptor<dyn TaskQueue> for Environment {
    fn intercept<'a>(
        &'a self,
        operation: QueueOperation<'a>,
        queue: &'a Arc<dyn TaskQueue>,
    ) -> Answer<'a, QueueReply> {
        match operation {
            QueueOperation::Publish { message } => {
                let published = self.call("publish", "", move |_| drive(queue.publish(message)));
                Box::pin(published.map_ok(Into::into))
            }
            QueueOperation::Receive {} => Box::pin(queue.receive().map_ok(Into::into)),
            QueueOperation::Position { task_id } => {
                Box::pin(queue.position(task_id).map_ok(Into::into))
            }
            QueueOperation::Check {} => Box::pin(queue.check().map_ok(Into::into)),
            QueueOperation::Length {} => Box::pin(queue.length().map_ok(Into::into)),
        }
    }
}

/// In the trace.
struct Shown(TaskReply);

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            TaskReply::Submission(reply) => reply.fmt(f),
            TaskReply::Fenced(reply) => reply.fmt(f),
            TaskReply::Task(reply) => reply.fmt(f),
            TaskReply::Cancelled(reply) => reply.fmt(f),
            TaskReply::Deleted(reply) => reply.fmt(f),
            TaskReply::Finished(reply) => reply.fmt(f),
            TaskReply::Claimed(reply) => reply.fmt(f),
            TaskReply::Lease(reply) => reply.fmt(f),
            TaskReply::Text(reply) => reply.fmt(f),
            TaskReply::Tasks(reply) => reply.fmt(f),
            TaskReply::Time(reply) => reply.fmt(f),
            TaskReply::Count(reply) => reply.fmt(f),
            TaskReply::ImagePaths(reply) => reply.fmt(f),
            TaskReply::Expired(reply) => reply.fmt(f),
            _ => f.write_str("done"),
        }
    }
}

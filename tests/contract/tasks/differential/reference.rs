//! The operations of a task store, done to the reference.

use concept_refinement_capability::tasks::{self, TaskOperation, TaskReply};
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::rulebook::Refusal;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_kit::store::{Expired, MemoryStore, Tally};

pub type Reply = Result<TaskReply, CapabilityError>;

pub fn run(store: &mut MemoryStore, operation: TaskOperation<'_>, now: Timestamp) -> Reply {
    use TaskOperation as Operation;
    let refused = |refusal: Refusal| CapabilityError::invalid(refusal.to_string());
    Ok(match operation {
        Operation::Submit { task } => store.submit(task, now).map_err(refused)?.into(),
        Operation::Withdraw { id, error_message } => store.withdraw(id, error_message, now).into(),
        Operation::Get { user_id, id } => store.get(user_id, id).into(),
        Operation::List {
            user_id,
            status,
            limit,
            after,
        } => store.list(user_id, status, limit, after).into(),
        Operation::Used { user_id, window } => store.used(user_id, window, now).into(),
        Operation::Spending { user_id, window } => store.spending(user_id, window, now).into(),
        Operation::Cancel { user_id, id } => store.cancel(user_id, id, now).into(),
        Operation::Delete { user_id, id } => store.delete(user_id, id).into(),
        Operation::EraseUser { user_id, limit } => store.erase_user(user_id, limit).into(),
        Operation::GetConcept { user_id, id } => store.concept(user_id, id).into(),
        Operation::ListConcepts {
            user_id,
            limit,
            after,
        } => store.concepts(user_id, limit, after).into(),
        Operation::Children { user_id, id, limit } => store.children(user_id, id, limit).into(),
        Operation::FindImage { sha256 } => store.find_image(sha256).into(),
        Operation::DeleteConcept { user_id, id } => store.delete_concept(user_id, id).into(),
        Operation::Claim { id, user_id } => store.claim(id, user_id, now).into(),
        Operation::Renew { lease } => store.renew(lease, now).into(),
        Operation::Finish { lease, image } => store.finish(lease, image, now).into(),
        Operation::Fail { lease, failure } => store.fail(lease, failure, now).into(),
        Operation::Pay { lease, payment } => store.pay(lease, payment).into(),
        Operation::Release { lease } => store.release(lease, now).into(),
        Operation::GetWebhook { user_id, task_id } => store.webhook(user_id, task_id).into(),
        Operation::Redeliver { user_id, task_id } => store.redeliver(user_id, task_id, now).into(),
        Operation::ClaimDeliveries { permits } => store.claim_deliveries(permits, now).into(),
        Operation::RecordAttempt {
            lease,
            outcome,
            jitter,
        } => store.record_attempt(lease, outcome, jitter, now).into(),
        Operation::NextDelivery {} => store.next_delivery().into(),
        Operation::Due { limit } => store.due(limit, now).into(),
        Operation::MissDeadlines { limit } => store.miss_deadlines(limit, now).into(),
        Operation::NextDeadline {} => store.next_deadline().into(),
        Operation::ClaimOrder { limit } => store.claim_order(limit, now).into(),
        Operation::NextDue {} => store.next_due().into(),
        Operation::Recover { are_messages_lost } => store.recover(are_messages_lost, now).into(),
        Operation::Unreferenced { image_paths } => store.unreferenced(image_paths).into(),
        Operation::Expire { before, limit } => expired(store.expire(before, limit)).into(),
        Operation::Tally {} => tally(store.tally()).into(),
        Operation::Watch { .. }
        | Operation::Progress { .. }
        | Operation::RenewSession { .. }
        | Operation::Abandon { .. }
        | Operation::WithoutSession { .. }
        | Operation::LastRound {}
        | Operation::RememberRound { .. }
        | Operation::Check {} => {
            panic!("{} is not compared", operation.name())
        }
    })
}

/// What a reply says, to compare and to print.
pub fn text(reply: &Reply) -> String {
    match reply {
        Err(error) => format!("{error:?}"),
        Ok(TaskReply::Submission(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Fenced(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Task(reply)) => format!("{reply:?}"),
        Ok(TaskReply::TaskPage(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Cancelled(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Deleted(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Finished(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Concept(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Concepts(reply)) => format!("{reply:?}"),
        Ok(TaskReply::ConceptPage(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Claimed(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Webhook(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Redelivery(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Deliveries(reply)) => {
            // Of those that have waited equally long any may be first.
            let mut reply = reply.clone();
            reply.sort_by(|one, other| one.task.id.cmp(&other.task.id));
            format!("{reply:?}")
        }
        Ok(TaskReply::Lease(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Text(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Tasks(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Time(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Count(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Spending(reply)) => format!("{reply:?}"),
        Ok(TaskReply::ImagePaths(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Expired(reply)) => {
            let mut reply = reply.clone();
            reply.image_paths.sort();
            format!("{reply:?}")
        }
        Ok(TaskReply::Erased(reply)) => {
            let mut reply = reply.clone();
            reply.image_paths.sort();
            format!("{reply:?}")
        }
        Ok(TaskReply::Tally(reply)) => format!("{reply:?}"),
        Ok(TaskReply::Changes(_) | TaskReply::Round(_) | TaskReply::Done(())) => {
            "not compared".to_owned()
        }
    }
}

fn expired(expired: Expired) -> tasks::Expired {
    let Expired {
        tasks,
        concepts,
        image_paths,
    } = expired;
    tasks::Expired {
        tasks,
        concepts,
        image_paths,
    }
}

fn tally(tally: Tally) -> tasks::Tally {
    let Tally {
        pending,
        processing,
        completed,
        failed,
        oldest_pending,
        given_up,
        spent,
    } = tally;
    tasks::Tally {
        pending,
        processing,
        completed,
        failed,
        oldest_pending,
        given_up,
        spent,
    }
}

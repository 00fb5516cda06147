//! Claims, and writes under a lease.

use concept_refinement_domain::capability::{Claimed, Fenced, Finished, Lease, RefinedImage};
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::rulebook::{self, Claim, Finish};

use crate::PostgresTasks;
use crate::connection::fault::Fault;
use crate::tasks::change::{self, change, change_with};
use crate::tasks::references;

pub(crate) async fn claim(
    store: &PostgresTasks,
    id: &str,
    user_id: Option<&str>,
) -> Result<Option<Claimed>, Fault> {
    let lease = store.options.lease;
    let rule = |record: &mut _, now| rulebook::claim(record, user_id, lease, now);
    Ok(
        match change::claim(store, id, Claim::Refused, rule).await? {
            Claim::Claimed(claimed) => Some(*claimed),
            Claim::Refused => None,
            Claim::GivenUp => {
                store.count_given_up();
                None
            }
        },
    )
}

pub(crate) async fn renew(store: &PostgresTasks, held: &Lease) -> Result<Option<Lease>, Fault> {
    let lease = store.options.lease;
    let rule = |record: &mut _, now| rulebook::renew(record, held, lease, now);
    change(store, &held.task_id, None, rule).await
}

pub(crate) async fn finish(
    store: &PostgresTasks,
    held: &Lease,
    image: RefinedImage,
) -> Result<Finished, Fault> {
    let rule = |record: &mut _, now| rulebook::finish(record, held, image.clone(), now);
    match change_with(store, &held.task_id, Finish::Late, rule, concept).await? {
        Finish::Done(_) => Ok(Finished::Done),
        Finish::Late => {
            let session = store.database.session().await?;
            let left = references::unreferenced(&session, vec![image.stored.path]).await?;
            Ok(rulebook::late(!left.is_empty()))
        }
    }
}

fn concept(finish: &Finish) -> Option<&Concept> {
    match finish {
        Finish::Done(concept) => Some(concept),
        Finish::Late => None,
    }
}

pub(crate) async fn fail(
    store: &PostgresTasks,
    held: &Lease,
    error_message: &str,
) -> Result<Fenced, Fault> {
    let rule = |record: &mut _, now| rulebook::fail(record, held, error_message, now);
    change(store, &held.task_id, Fenced::Lost, rule).await
}

pub(crate) async fn pay(
    store: &PostgresTasks,
    held: &Lease,
    payment: &Payment,
) -> Result<Fenced, Fault> {
    let rule = |record: &mut _, _| rulebook::pay(record, held, payment);
    change(store, &held.task_id, Fenced::Lost, rule).await
}

pub(crate) async fn release(store: &PostgresTasks, held: &Lease) -> Result<Fenced, Fault> {
    let rule = |record: &mut _, now| rulebook::release(record, held, now);
    change(store, &held.task_id, Fenced::Lost, rule).await
}

//! Fetches tasks for the workers of this host that wait, and claims them by the same
//! commit: each costs one row version and one wait for the disk less. The workers are
//! answered from memory then (see `handovers`).

use concept_refinement_domain::lease::PENDING_OVERDUE;
use concept_refinement_domain::rulebook::{self, Claim};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;
use futures::future::join_all;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::PostgresTasks;
use super::database::Session;
use super::fault::Fault;
use super::group_commit::{BEGIN, MAX_WRITES};
use super::rows::{Swap, columns, read};
use super::values::{Cells, Parameter, Time, id};

/// Tasks that are fetched at once at most.
pub(super) const MAX_FETCH: usize = MAX_WRITES;

pub(super) enum Fetched {
    /// Those that wait the longest, the first one first.
    Tasks(Vec<Task>),
    /// There are none, and when the next one will be there.
    Nothing { next: Option<Timestamp> },
}

pub(super) async fn fetch(store: &PostgresTasks, limit: usize) -> Result<Fetched, Fault> {
    const DUE: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM schema.due_tasks_1 ($1, $2) AS task"
    );
    let now = store.clock.now();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let at = Time(now);
    let parameters: [Parameter<'_>; 2] = [(&at, Type::TIMESTAMPTZ), (&limit, Type::INT8)];
    let session = store.database.session().await?;
    let (_, due) = futures::try_join!(session.begin_with(&BEGIN), session.query(DUE, &parameters))?;
    if due.is_empty() {
        return nothing(&session).await;
    }
    let (mut claims, mut unclaimed) = (Vec::new(), Vec::new());
    for row in &due {
        let before = read(&mut Cells::of(row))?;
        let mut after = before.clone();
        match rulebook::claim(&mut after, None, store.options.lease, now).answer {
            Claim::Claimed(claimed) => {
                let swap = Swap {
                    before,
                    after,
                    concept: None,
                };
                claims.push((swap, *claimed));
            }
            // Whoever claims it decides.
            Claim::Refused | Claim::GivenUp => unclaimed.push(before),
        }
    }
    let ids: Vec<_> = unclaimed
        .iter()
        .filter_map(|record| id(&record.task.id))
        .collect();
    let (written, put_off, committed) = futures::join!(
        join_all(claims.iter().map(|(swap, _)| swap.run(&session))),
        put_off(&session, &ids, now.plus(PENDING_OVERDUE)),
        session.commit()
    );
    // The end of a transaction in which something failed undoes all of it.
    let written = written.into_iter().collect::<Result<Vec<_>, _>>()?;
    put_off?;
    committed?;
    let mut tasks = Vec::with_capacity(due.len());
    for record in unclaimed {
        store.recent.put(&record);
        tasks.push(record.task);
    }
    for ((swap, claimed), is_written) in claims.into_iter().zip(written) {
        let record = match is_written {
            true => {
                store.handovers.put(claimed);
                swap.after
            }
            false => swap.before,
        };
        tasks.push(record.task.clone());
        if is_written {
            store.recent.put(&record);
            store.announce(record);
        }
    }
    tasks.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(Fetched::Tasks(tasks))
}

async fn nothing(session: &Session<'_>) -> Result<Fetched, Fault> {
    const NEXT: &str = "SELECT min(deliver_at) FROM schema.task WHERE completed_at IS NULL";
    let (next, ()) = futures::try_join!(session.query_opt(NEXT, &[]), session.commit())?;
    let next = next.map_or(Ok(None), |row| Cells::of(&row).maybe_time())?;
    Ok(Fetched::Nothing { next })
}

/// Lets tasks be delivered again later.
async fn put_off(session: &Session<'_>, ids: &[Uuid], until: Timestamp) -> Result<(), Fault> {
    const SQL: &str = "UPDATE schema.task SET deliver_at = $2 WHERE id = ANY ($1)";
    if ids.is_empty() {
        return Ok(());
    }
    let until = Time(until);
    let parameters: [Parameter<'_>; 2] = [(&ids, Type::UUID_ARRAY), (&until, Type::TIMESTAMPTZ)];
    session.execute(SQL, &parameters).await.map(drop)
}

//! Erasing a user, some rows at a time.

use concept_refinement_domain::capability::Erased;
use tokio::time::Instant;

use crate::PostgresTasks;
use crate::connection::database::DEADLINE;
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Text, Time, parameters};
use crate::tasks::delete::tombstones;
use crate::tasks::rows::{COLUMNS, read};
use crate::tasks::{account, ledger};

/// The user's account and sums stay, under its pseudonym. Active tasks are removed first, so that
/// their workers stop at once.
pub(crate) async fn erase(
    store: &PostgresTasks,
    user_id: &str,
    limit: u32,
) -> Result<Erased, Fault> {
    let deadline = Instant::now() + DEADLINE;
    loop {
        match try_erase(store, user_id, limit, deadline).await {
            Err(fault) if fault.is_lost_race() => {}
            erased => return erased,
        }
    }
}

/// Each statement sees what was committed before it, so the concept of a task that has
/// just been completed is found after the task. No task is created in between, because that
/// needs the account.
async fn try_erase(
    store: &PostgresTasks,
    user_id: &str,
    limit: u32,
    deadline: Instant,
) -> Result<Erased, Fault> {
    const KEYS: &str = "DELETE FROM schema.idempotency_key WHERE user_id = $1 AND key = ANY (ARRAY \
         (SELECT key FROM schema.idempotency_key WHERE user_id = $1 LIMIT $2))";
    const SESSION: &str = "DELETE FROM schema.session WHERE user_id = $1";
    // After the tasks, so that no claim is noted any more.
    const LAST_CLAIM: &str = "DELETE FROM schema.last_claim WHERE user_id = $1";
    let of_tasks = tombstones("id");
    let active = format!(
        "WITH gone AS (DELETE FROM schema.task WHERE user_id = $1 AND completed_at IS NULL \
             RETURNING *), {of_tasks} SELECT {COLUMNS} FROM gone AS task"
    );
    let ended = format!(
        "WITH gone AS (DELETE FROM schema.task WHERE id = ANY (ARRAY (SELECT id FROM schema.task \
             WHERE user_id = $1 AND completed_at IS NOT NULL \
             ORDER BY created_at DESC, id DESC LIMIT $3)) RETURNING id), \
         {of_tasks} SELECT id FROM gone"
    );
    let concepts = format!(
        "WITH gone AS (DELETE FROM schema.concept WHERE id = ANY (ARRAY (SELECT id \
             FROM schema.concept WHERE user_id = $1 \
             ORDER BY created_at DESC, id DESC LIMIT $3)) RETURNING task_id, image_path), \
         {} SELECT image_path FROM gone",
        tombstones("task_id")
    );
    let session = store.database.session_of_until(user_id, deadline).await?;
    let pseudonym = store.options.pseudonyms.of(user_id);
    let now = store.clock.now();
    let locked = account::lock(&session, &pseudonym, now);
    let (user_id, now) = (Text::of(user_id), Time(now));
    let at_most = i64::from(limit);
    let of_active = parameters![user_id, now];
    let of_rest = parameters![user_id, now, at_most];
    let of_keys = parameters![user_id, at_most];
    let of_user = parameters![user_id];
    let (_, _, active, ended, concepts, keys, _, _) = futures::try_join!(
        session.begin(None),
        locked,
        session.query(&active, &of_active),
        session.query(&ended, &of_rest),
        session.query(&concepts, &of_rest),
        session.run(KEYS, &of_keys),
        session.execute(SESSION, &of_user),
        session.execute(LAST_CLAIM, &of_user),
    )?;
    let active = active
        .iter()
        .map(|row| Ok(read(&mut Cells::of(row))?.record));
    let active = active.collect::<Result<Vec<_>, Fault>>()?;
    for record in &active {
        store.settle(&session, record).await?;
    }
    ledger::forget_user(&session, &pseudonym).await?;
    session.commit().await?;
    for record in &active {
        store.announce_deletion(&record.task.id);
    }
    let image_paths = concepts.iter().map(|row| Cells::of(row).text());
    let image_paths = image_paths.collect::<Result<Vec<_>, Fault>>()?;
    let limit = u64::from(limit);
    let counts = [ended.len() as u64, image_paths.len() as u64, keys];
    Ok(Erased {
        image_paths,
        has_more: counts.contains(&limit),
    })
}

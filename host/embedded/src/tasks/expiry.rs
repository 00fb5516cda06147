//! Removing old tasks and concepts.

use concept_refinement_capability::tasks::Expired;
use concept_refinement_domain::session::LIFE;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::params;

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use super::{concepts, references, sessions};
use crate::sqlite::statements::all;

/// Concepts are removed by their own age, since their task may have been deleted. A task
/// that remains because of the limit loses its image, as if the concept had been deleted.
pub(super) fn expire(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<Expired, Fault> {
    let concepts = "created_at < ?1";
    let tasks = "completed_at < ?1 ORDER BY completed_at";
    remove(tx, [concepts, tasks], before, before, limit)
}

/// Removes the data of anonymous users whose last session ended before this time, as
/// `session::is_abandoned` defines it.
pub(super) fn abandon(tx: &mut Tx<'_>, before: Timestamp, limit: u32) -> Result<Expired, Fault> {
    let concepts = "is_anonymous = 1 AND created_at < ?1 AND NOT EXISTS \
         (SELECT 1 FROM session WHERE user_id = concept.user_id AND until >= ?3)";
    let tasks = "is_anonymous = 1 AND completed_at IS NOT NULL AND created_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM session WHERE user_id = task.user_id AND until >= ?3) \
         ORDER BY created_at";
    let made_before = concept_refinement_capability::clock::before(before, LIFE);
    let removed = remove(tx, [concepts, tasks], made_before, before, limit)?;
    if removed == Expired::default() {
        sessions::forget(tx, before, limit)?;
    }
    Ok(removed)
}

/// `concepts` and `tasks` are SQL conditions, in which `?1` and `?3` are these times.
fn remove(
    tx: &mut Tx<'_>,
    [of_concepts, of_tasks]: [&'static str; 2],
    first: Timestamp,
    third: Timestamp,
    limit: u32,
) -> Result<Expired, Fault> {
    let parameters = params![Stored(first), limit, Stored(third)];
    let concepts = format!(
        "DELETE FROM concept WHERE id IN (SELECT id FROM concept \
         WHERE {of_concepts} AND ?3 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM task \
             WHERE original_path = concept.image_path AND status IN ('pending', 'processing')) \
         AND NOT EXISTS (SELECT 1 FROM task WHERE status IN ('pending', 'processing') \
             AND instr(request, '\"mask_path\":\"' || concept.image_path || '\"') > 0) \
         ORDER BY created_at LIMIT ?2) RETURNING image_path, task_id"
    );
    let tasks = format!(
        "DELETE FROM task WHERE id IN (SELECT id FROM task \
         WHERE ?3 IS NOT NULL AND {of_tasks} LIMIT ?2) RETURNING id"
    );
    let expired: Vec<(_, String)> = all(tx.connection, &concepts, parameters, |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let tasks: Vec<String> = all(tx.connection, &tasks, parameters, |row| row.get(0))?;
    for task_id in &tasks {
        references::forget(tx, task_id)?;
    }
    let mut image_paths = Vec::with_capacity(expired.len());
    for (image_path, task_id) in expired {
        concepts::take_image(tx, &task_id)?;
        references::forget(tx, &task_id)?;
        image_paths.push(image_path);
    }
    let count = |rows: usize| u32::try_from(rows).unwrap_or(u32::MAX);
    Ok(Expired {
        tasks: count(tasks.len()),
        concepts: count(image_paths.len()),
        image_paths,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_capability::tasks::{Maintenance as _, Tasks as _};
    use concept_refinement_domain::capability::{NewTask, Submission};
    use concept_refinement_kit::samples::new_task;

    use super::*;
    use crate::tasks::{Options, SqliteTasks};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    async fn submit(store: &SqliteTasks, user: u32) {
        let new = NewTask {
            idempotency_key: Some("key".into()),
            ..new_task(&user.to_string())
        };
        let submitted = store.submit(new).await.unwrap();
        assert!(matches!(submitted, Submission::Created(_)));
    }

    /// Number of idempotency keys, and of users with counts.
    async fn rows(store: &SqliteTasks) -> (u32, u32) {
        let count = |tx: &mut Tx<'_>| {
            let count = "SELECT (SELECT count(*) FROM idempotency_key), count(*) FROM account";
            let counts = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            Ok(tx.connection.query_row(count, [], counts)?)
        };
        store.write(count).await.unwrap()
    }

    /// With a retention or without.
    #[tokio::test]
    async fn keys_and_counts_that_are_over_go_as_others_come() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_176_000)));
        let store = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
        for user in 0..30 {
            submit(&store, user).await;
        }
        assert_eq!(rows(&store).await, (30, 30));
        let expired = store.expire(Timestamp::from_secs(u64::MAX), 100).await;
        assert_eq!(expired, Ok(Expired::default()));
        assert_eq!(rows(&store).await, (30, 30), "they are needed for a while");
        clock.advance(DAY * 60);
        for user in 30..50 {
            submit(&store, user).await;
        }
        assert_eq!(rows(&store).await, (20, 20));
    }
}

//! Removing old tasks and concepts.

use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::params;

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;
use super::{concepts, references};
use crate::capability::tasks::Expired;

/// Concepts are removed by their own age, since their task may have been
/// deleted. A task that remains because of the limit loses its image, as if the
/// concept had been deleted.
pub(super) fn expire(step: &mut Step<'_>, before: Timestamp, limit: u32) -> Result<Expired, Fault> {
    let expired = step
        .connection
        .prepare_cached(
            "DELETE FROM concept WHERE id IN (SELECT id FROM concept \
             WHERE created_at < ? AND NOT EXISTS (SELECT 1 FROM task \
                 WHERE original_path = concept.image_path \
                 AND status IN ('pending', 'processing')) \
             ORDER BY created_at LIMIT ?) RETURNING image_path, task_id",
        )?
        .query_map(params![Stored(before), limit], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .collect::<Result<Vec<(String, String)>, _>>()?;
    let tasks = step
        .connection
        .prepare_cached(
            "DELETE FROM task WHERE id IN (SELECT id FROM task \
             WHERE completed_at < ? ORDER BY completed_at LIMIT ?) RETURNING id",
        )?
        .query_map(params![Stored(before), limit], |row| row.get(0))?
        .collect::<Result<Vec<String>, _>>()?;
    for task_id in &tasks {
        references::forget(step, task_id)?;
    }
    let mut image_paths = Vec::with_capacity(expired.len());
    for (image_path, task_id) in expired {
        concepts::take_image(step, &task_id)?;
        references::forget(step, &task_id)?;
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

    use concept_refinement_domain::capability::{NewTask, Submission};

    use super::*;
    use crate::capability::clock::ManualClock;
    use crate::capability::tasks::samples::new_task;
    use crate::capability::tasks::sqlite::{Options, SqliteTasks};
    use crate::capability::tasks::{Maintenance as _, Tasks as _};

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    async fn submit(store: &SqliteTasks, user: u32) {
        let new = NewTask {
            idempotency_key: Some("key".into()),
            ..new_task(&user.to_string())
        };
        let submitted = store.submit(new).await.unwrap();
        assert!(matches!(submitted, Submission::Created(_)));
    }

    /// Numbers of idempotency keys and of quota windows.
    async fn rows(store: &SqliteTasks) -> (u32, u32) {
        let count = |step: &mut Step<'_>| {
            let count = "SELECT (SELECT count(*) FROM idempotency_key), count(*) FROM usage";
            let counts = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            Ok(step.connection.query_row(count, [], counts)?)
        };
        store.write(count).await.unwrap()
    }

    /// With a retention or without.
    #[tokio::test]
    async fn keys_and_counted_windows_that_are_over_go_as_others_come() {
        let clock = Arc::new(ManualClock::at(Timestamp::from_secs(1_795_176_000)));
        let store = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
        for user in 0..30 {
            submit(&store, user).await;
        }
        assert_eq!(rows(&store).await, (30, 90));
        let expired = store.expire(Timestamp::from_secs(u64::MAX), 100).await;
        assert_eq!(expired, Ok(Expired::default()));
        assert_eq!(rows(&store).await, (30, 90), "they are needed for a while");
        clock.advance(DAY * 60);
        for user in 30..50 {
            submit(&store, user).await;
        }
        assert_eq!(rows(&store).await, (20, 60));
    }
}

//! Removing old tasks and concepts.

use concept_refinement_domain::session::LIFE;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::params;

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;
use super::{concepts, references, sessions};
use crate::capability::tasks::Expired;

/// Concepts are removed by their own age, since their task may have been
/// deleted. A task that remains because of the limit loses its image, as if the
/// concept had been deleted.
pub(super) fn expire(step: &mut Step<'_>, before: Timestamp, limit: u32) -> Result<Expired, Fault> {
    let concepts = "created_at < ?1";
    let tasks = "completed_at < ?1 ORDER BY completed_at";
    remove(step, [concepts, tasks], before, before, limit)
}

/// What anonymous users left whose last session ended before then: as
/// `session::is_abandoned` says.
pub(super) fn abandon(
    step: &mut Step<'_>,
    before: Timestamp,
    limit: u32,
) -> Result<Expired, Fault> {
    let concepts = "is_anonymous = 1 AND created_at < ?1 AND NOT EXISTS \
         (SELECT 1 FROM session WHERE user_id = concept.user_id AND until >= ?3)";
    let tasks = "is_anonymous = 1 AND completed_at IS NOT NULL AND created_at < ?1 \
         AND NOT EXISTS (SELECT 1 FROM session WHERE user_id = task.user_id AND until >= ?3) \
         ORDER BY created_at";
    let made_before = crate::capability::clock::before(before, LIFE);
    let removed = remove(step, [concepts, tasks], made_before, before, limit)?;
    if removed == Expired::default() {
        sessions::forget(step, before, limit)?;
    }
    Ok(removed)
}

/// By conditions on concepts and tasks, in which `?1` and `?3` are these times.
fn remove(
    step: &mut Step<'_>,
    [of_concepts, of_tasks]: [&'static str; 2],
    first: Timestamp,
    third: Timestamp,
    limit: u32,
) -> Result<Expired, Fault> {
    let parameters = params![Stored(first), limit, Stored(third)];
    let expired = step
        .connection
        .prepare_cached(&format!(
            "DELETE FROM concept WHERE id IN (SELECT id FROM concept \
             WHERE {of_concepts} AND ?3 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM task \
                 WHERE original_path = concept.image_path \
                 AND status IN ('pending', 'processing')) \
             ORDER BY created_at LIMIT ?2) RETURNING image_path, task_id",
        ))?
        .query_map(parameters, |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(String, String)>, _>>()?;
    let tasks = step
        .connection
        .prepare_cached(&format!(
            "DELETE FROM task WHERE id IN (SELECT id FROM task \
             WHERE ?3 IS NOT NULL AND {of_tasks} LIMIT ?2) RETURNING id",
        ))?
        .query_map(parameters, |row| row.get(0))?
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
    use concept_refinement_domain::session::is_abandoned;

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

    /// Whatever was renewed, by the rule of the domain: of anonymous users alone,
    /// and a session is forgotten once it protects nothing.
    #[tokio::test]
    async fn what_anonymous_users_left_goes_as_the_rule_says() {
        let start = Timestamp::from_secs(1_795_176_000);
        let day = |number: u32| start.plus(DAY * number);
        let users = [
            ("never", None, true),
            ("early", Some(20), true),
            ("late", Some(50), true),
            ("later", Some(51), true),
            ("named", None, false),
        ];
        for before in [29, 30, 31, 50, 51, 52] {
            let clock = Arc::new(ManualClock::at(start));
            let store = SqliteTasks::in_memory(Options::default(), clock.clone()).unwrap();
            for (user, renewed, is_anonymous) in users {
                let new = NewTask {
                    is_anonymous,
                    ..new_task(user)
                };
                store.submit(new).await.unwrap();
                let _ = store.withdraw(user, "No.").await.unwrap();
                for until in renewed.into_iter().flat_map(|until| [until, until - 1]) {
                    store.renew_session(user, day(until), false).await.unwrap();
                }
                store
                    .renew_session("owns nothing", day(90), false)
                    .await
                    .unwrap();
            }
            while store.abandon(day(before), 1).await.unwrap() != Expired::default() {}
            for (user, renewed, is_anonymous) in users {
                let expected = is_anonymous && is_abandoned(start, renewed.map(day), day(before));
                let is_gone = store.get(user, user).await.unwrap().is_none();
                assert_eq!(is_gone, expected, "{user} before day {before}");
            }
            let asked = ["late", "owns nothing"].map(str::to_owned).to_vec();
            let without = store.without_session(asked, day(before)).await.unwrap();
            let expected: &[&str] = match before > 50 {
                true => &["late", "owns nothing"],
                false => &["owns nothing"],
            };
            assert_eq!(without, expected, "before day {before}");
        }
    }
}

//! All rows of the tables, read in the order of their keys and written whole.

use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::image_path::folder;
use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};

use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;
use super::{SqliteTasks, concepts, rounds, rows, upload_places};
use crate::capability::Answer;
use crate::capability::moving::{Record, RecordKind, Records};
use crate::capability::upload_places::PlacePath;

impl Records for SqliteTasks {
    fn records(
        &self,
        kind: RecordKind,
        after: Option<Record>,
        limit: u32,
    ) -> Answer<'_, Vec<Record>> {
        Box::pin(self.scan(move |connection| read(connection, kind, after, limit)))
    }

    fn restore(&self, records: Vec<Record>) -> Answer<'_, ()> {
        Box::pin(self.write(move |step| records.into_iter().try_for_each(|one| write(step, one))))
    }

    fn unfinished_move(&self) -> Answer<'_, Option<String>> {
        Box::pin(self.scan(|connection| {
            let source = connection
                .prepare_cached("SELECT source FROM unfinished_move")?
                .query_row([], |row| row.get(0))
                .optional()?;
            Ok(source)
        }))
    }

    fn set_unfinished_move(&self, source: Option<String>) -> Answer<'_, ()> {
        Box::pin(self.write(move |step| {
            step.connection.execute("DELETE FROM unfinished_move", [])?;
            step.connection.execute(
                "INSERT INTO unfinished_move (id, source) SELECT 0, ?1 WHERE ?1 IS NOT NULL",
                [&source],
            )?;
            Ok(())
        }))
    }
}

fn read(
    connection: &Connection,
    kind: RecordKind,
    after: Option<Record>,
    limit: u32,
) -> Result<Vec<Record>, Fault> {
    // No key is empty but a user's id, which the second part of a key follows.
    match kind {
        RecordKind::Tasks => {
            let after = match &after {
                Some(Record::Task(record)) => record.task.id.as_str(),
                _ => "",
            };
            let query = format!(
                "SELECT {} FROM task WHERE id > ? ORDER BY id LIMIT ?",
                rows::COLUMNS
            );
            all(connection, &query, params![after, limit], |row| {
                Ok(Record::Task(Box::new(rows::read(row)?)))
            })
        }
        RecordKind::Concepts => {
            let after = match &after {
                Some(Record::Concept(concept)) => concept.id.as_str(),
                _ => "",
            };
            let query = format!(
                "SELECT {} FROM concept WHERE id > ? ORDER BY id LIMIT ?",
                concepts::COLUMNS
            );
            all(connection, &query, params![after, limit], |row| {
                Ok(Record::Concept(Box::new(concepts::read(row)?)))
            })
        }
        RecordKind::Usage => {
            let (user_id, window, starts_at) = match &after {
                Some(Record::Usage {
                    user_id,
                    window,
                    starts_at,
                    ..
                }) => (user_id.as_str(), window.as_str(), *starts_at),
                _ => Default::default(),
            };
            all(
                connection,
                "SELECT user_id, window, starts_at, ends_at, used FROM usage \
                 WHERE (user_id, window, starts_at) > (?, ?, ?) \
                 ORDER BY user_id, window, starts_at LIMIT ?",
                params![user_id, window, Stored(starts_at), limit],
                |row| {
                    let (Stored(starts_at), Stored(ends_at)) = (row.get(2)?, row.get(3)?);
                    Ok(Record::Usage {
                        user_id: row.get(0)?,
                        window: row.get(1)?,
                        starts_at,
                        ends_at,
                        used: row.get(4)?,
                    })
                },
            )
        }
        RecordKind::IdempotencyKeys => {
            let (user_id, key) = match &after {
                Some(Record::IdempotencyKey { user_id, key, .. }) => {
                    (user_id.as_str(), key.as_str())
                }
                _ => Default::default(),
            };
            all(
                connection,
                "SELECT user_id, key, lower(hex(fingerprint)), task_id, is_anonymous, \
                 original_path, created_at FROM idempotency_key \
                 WHERE (user_id, key) > (?, ?) ORDER BY user_id, key LIMIT ?",
                params![user_id, key, limit],
                |row| {
                    let Stored(created_at) = row.get(6)?;
                    Ok(Record::IdempotencyKey {
                        user_id: row.get(0)?,
                        key: row.get(1)?,
                        submitted: Submitted {
                            fingerprint: row.get(2)?,
                            task_id: row.get(3)?,
                            is_anonymous: row.get(4)?,
                            original_path: row.get(5)?,
                            created_at,
                        },
                    })
                },
            )
        }
        RecordKind::ForgottenTasks => {
            let after = match &after {
                Some(Record::ForgottenTask { id, .. }) => id.as_str(),
                _ => "",
            };
            all(
                connection,
                "SELECT id, forgotten_at FROM forgotten_task WHERE id > ? ORDER BY id LIMIT ?",
                params![after, limit],
                |row| {
                    let Stored(forgotten_at) = row.get(1)?;
                    Ok(Record::ForgottenTask {
                        id: row.get(0)?,
                        forgotten_at,
                    })
                },
            )
        }
        RecordKind::Sessions => {
            let after = match &after {
                Some(Record::Session { user_id, .. }) => Some(user_id.as_str()),
                _ => None,
            };
            all(
                connection,
                "SELECT user_id, until FROM session WHERE ?1 IS NULL OR user_id > ?1 \
                 ORDER BY user_id LIMIT ?2",
                params![after, limit],
                |row| {
                    let Stored(until) = row.get(1)?;
                    Ok(Record::Session {
                        user_id: row.get(0)?,
                        until,
                    })
                },
            )
        }
        RecordKind::LastRound => {
            let last = match after {
                Some(_) => None,
                None => rounds::last(connection)?,
            };
            Ok(last.map(Record::LastRound).into_iter().collect())
        }
        RecordKind::UploadPlaces => {
            let (owner, kind, name) = match &after {
                Some(Record::UploadPlace { path, .. }) => {
                    (path.owner.as_str(), folder(path.kind), path.name.as_str())
                }
                _ => Default::default(),
            };
            all(
                connection,
                "SELECT owner, kind, name, bytes FROM upload_place WHERE until IS NULL \
                 AND (owner, kind, name) > (?, ?, ?) ORDER BY owner, kind, name LIMIT ?",
                params![owner, kind, name, limit],
                |row| {
                    Ok(Record::UploadPlace {
                        path: upload_places::path(row)?,
                        bytes: row.get::<_, i64>(3)?.unsigned_abs(),
                    })
                },
            )
        }
    }
}

fn all(
    connection: &Connection,
    query: &str,
    parameters: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<Record>,
) -> Result<Vec<Record>, Fault> {
    let mut statement = connection.prepare_cached(query)?;
    let rows = statement.query_map(parameters, read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn write(step: &Step<'_>, record: Record) -> Result<(), Fault> {
    let connection = step.connection;
    match record {
        Record::Task(record) => {
            if !rows::exists(step, &record.task.id)? {
                rows::insert(step, &record)?;
            }
        }
        Record::Concept(concept) => {
            let Concept { id, .. } = &*concept;
            let is_there = connection
                .prepare_cached("SELECT 1 FROM concept WHERE id = ?")?
                .exists([id])?;
            if !is_there {
                concepts::insert(step, &concept)?;
            }
        }
        Record::Usage {
            user_id,
            window,
            starts_at,
            ends_at,
            used,
        } => {
            connection
                .prepare_cached(
                    "INSERT INTO usage (user_id, window, starts_at, ends_at, used) \
                     VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    user_id,
                    window,
                    Stored(starts_at),
                    Stored(ends_at),
                    used
                ])?;
        }
        Record::IdempotencyKey {
            user_id,
            key,
            submitted,
        } => {
            let Submitted {
                fingerprint,
                task_id,
                is_anonymous,
                original_path,
                created_at,
            } = submitted;
            connection
                .prepare_cached(
                    "INSERT INTO idempotency_key (user_id, key, fingerprint, task_id, \
                     is_anonymous, original_path, created_at) \
                     VALUES (?, ?, unhex(?), ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    user_id,
                    key,
                    fingerprint,
                    task_id,
                    is_anonymous,
                    original_path,
                    Stored(created_at)
                ])?;
        }
        Record::ForgottenTask { id, forgotten_at } => {
            connection
                .prepare_cached(
                    "INSERT INTO forgotten_task (id, forgotten_at) VALUES (?, ?) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![id, Stored(forgotten_at)])?;
        }
        Record::Session { user_id, until } => {
            connection
                .prepare_cached(
                    "INSERT INTO session (user_id, until) VALUES (?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![user_id, Stored(until)])?;
        }
        Record::LastRound(LastRound { at, probation }) => {
            connection
                .prepare_cached(
                    "INSERT INTO last_round (id, at, probation) VALUES (0, ?, ?) \
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![Stored(at), probation.map(Stored)])?;
        }
        Record::UploadPlace {
            path: PlacePath { kind, owner, name },
            bytes,
        } => {
            connection
                .prepare_cached(
                    "INSERT INTO upload_place (owner, kind, name, bytes) \
                     VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    owner,
                    folder(kind),
                    name,
                    i64::try_from(bytes).unwrap_or(i64::MAX)
                ])?;
        }
    }
    Ok(())
}

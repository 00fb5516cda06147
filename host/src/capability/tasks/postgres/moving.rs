//! All rows of the tables, read in the order of their keys and written whole.

use concept_refinement_domain::clock_trust::LastRound;
use concept_refinement_domain::concept::{Concept, ConceptContent};
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::webhook::DeliveryRecord;
use futures::future::try_join_all;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::PostgresTasks;
use super::database::{SCAN_DEADLINE, Session};
use super::fault::Fault;
use super::rows::{self, columns, number};
use super::values::{Cells, Parameter, Text, Time, id, micros};
use super::{concepts, rounds, upload_places};
use crate::capability::Answer;
use crate::capability::moving::{Record, RecordKind, Records};

impl Records for PostgresTasks {
    fn records(
        &self,
        kind: RecordKind,
        after: Option<Record>,
        limit: u32,
    ) -> Answer<'_, Vec<Record>> {
        self.answer(async move {
            let session = self.database.session_within(SCAN_DEADLINE).await?;
            read(&session, kind, after, limit).await
        })
    }

    fn restore(&self, records: Vec<Record>) -> Answer<'_, ()> {
        self.answer(async move {
            let session = self.database.session_within(SCAN_DEADLINE).await?;
            session.begin(None).await?;
            try_join_all(records.iter().map(|record| write(&session, record))).await?;
            session.commit().await
        })
    }

    fn unfinished_move(&self) -> Answer<'_, Option<String>> {
        self.answer(async move {
            let session = self.database.session().await?;
            unfinished(&session).await
        })
    }

    fn set_unfinished_move(&self, source: Option<String>) -> Answer<'_, ()> {
        const END: &str = "DELETE FROM schema.unfinished_move";
        const BEGIN: &str = "INSERT INTO schema.unfinished_move (id, source) \
             SELECT 0, $1 WHERE $1 IS NOT NULL";
        self.answer(async move {
            let session = self.database.session().await?;
            let source = Text::maybe(source.as_deref());
            let parameters = [(&source as _, Type::TEXT)];
            futures::try_join!(
                session.begin(None),
                session.execute(END, &[]),
                session.execute(BEGIN, &parameters),
                session.commit(),
            )?;
            Ok(())
        })
    }
}

/// Where a move has begun from that has not ended.
pub(super) async fn unfinished(session: &Session<'_>) -> Result<Option<String>, Fault> {
    const SQL: &str = "SELECT source FROM schema.unfinished_move";
    let row = session.query_opt(SQL, &[]).await?;
    row.map(|row| Cells::of(&row).text()).transpose()
}

async fn read(
    session: &Session<'_>,
    kind: RecordKind,
    after: Option<Record>,
    limit: u32,
) -> Result<Vec<Record>, Fault> {
    const TASKS: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM schema.task WHERE id > $1 ORDER BY id LIMIT $2"
    );
    const USAGE: &str = "SELECT user_id, one.window, one.starts_at, one.ends_at, one.used \
         FROM schema.account, jsonb_to_recordset(usage) \
             AS one (\"window\" text, starts_at bigint, ends_at bigint, used bigint) \
         WHERE (user_id, one.window, one.starts_at) > ($1, $2, $3) \
         ORDER BY user_id, one.window, one.starts_at LIMIT $4";
    const KEYS: &str = "SELECT user_id, key, fingerprint, task_id, is_anonymous, original_path, \
         created_at FROM schema.idempotency_key WHERE (user_id, key) > ($1, $2) \
         ORDER BY user_id, key LIMIT $3";
    const FORGOTTEN: &str = "SELECT id, forgotten_at FROM schema.forgotten_task WHERE id > $1 \
         ORDER BY id LIMIT $2";
    const SESSIONS: &str = "SELECT user_id, until FROM schema.session \
         WHERE $1::text IS NULL OR user_id > $1 ORDER BY user_id LIMIT $2";
    const PLACES: &str = "SELECT owner, kind, name, bytes FROM schema.upload_place \
         WHERE until IS NULL AND (owner, kind, name) > ($1, $2, $3) \
         ORDER BY owner, kind, name LIMIT $4";
    let limit = i64::from(limit);
    let limited = (&limit as _, Type::INT8);
    // No id is before this one.
    let first = Uuid::nil();
    let after_id = |text: &str| id(text).unwrap_or(first);
    match kind {
        RecordKind::Tasks => {
            let after = match &after {
                Some(Record::Task(record)) => after_id(&record.task.id),
                _ => first,
            };
            let parameters = [(&after as _, Type::UUID), limited];
            all(session, TASKS, &parameters, |cells| {
                Ok(Record::Task(Box::new(rows::read(cells)?)))
            })
            .await
        }
        RecordKind::Concepts => {
            let after = match &after {
                Some(Record::Concept(concept)) => after_id(&concept.id),
                _ => first,
            };
            let sql = format!(
                "SELECT {} FROM schema.concept WHERE id > $1 ORDER BY id LIMIT $2",
                concepts::COLUMNS
            );
            let parameters = [(&after as _, Type::UUID), limited];
            all(session, &sql, &parameters, |cells| {
                Ok(Record::Concept(Box::new(concepts::read(cells)?)))
            })
            .await
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
            let (user_id, starts_at) = (Text::of(user_id), number(starts_at.0));
            let parameters = [
                (&user_id as _, Type::TEXT),
                (&window as _, Type::TEXT),
                (&starts_at as _, Type::INT8),
                limited,
            ];
            all(session, USAGE, &parameters, |cells| {
                Ok(Record::Usage {
                    user_id: cells.text()?,
                    window: cells.text()?,
                    starts_at: Timestamp(cells.count()?),
                    ends_at: Timestamp(cells.count()?),
                    used: cells.count()?,
                })
            })
            .await
        }
        RecordKind::IdempotencyKeys => {
            let (user_id, key) = match &after {
                Some(Record::IdempotencyKey { user_id, key, .. }) => {
                    (user_id.as_str(), key.as_str())
                }
                _ => Default::default(),
            };
            let (user_id, key) = (Text::of(user_id), Text::of(key));
            let parameters = [
                (&user_id as _, Type::TEXT),
                (&key as _, Type::TEXT),
                limited,
            ];
            all(session, KEYS, &parameters, |cells| {
                Ok(Record::IdempotencyKey {
                    user_id: cells.text()?,
                    key: cells.text()?,
                    submitted: Submitted {
                        fingerprint: cells.text()?,
                        task_id: cells.id()?,
                        is_anonymous: cells.get()?,
                        original_path: cells.maybe_text()?,
                        created_at: cells.time()?,
                    },
                })
            })
            .await
        }
        RecordKind::ForgottenTasks => {
            let after = match &after {
                Some(Record::ForgottenTask { id, .. }) => after_id(id),
                _ => first,
            };
            let parameters = [(&after as _, Type::UUID), limited];
            all(session, FORGOTTEN, &parameters, |cells| {
                Ok(Record::ForgottenTask {
                    id: cells.id()?,
                    forgotten_at: cells.time()?,
                })
            })
            .await
        }
        RecordKind::Sessions => {
            let after = match &after {
                Some(Record::Session { user_id, .. }) => Some(Text::of(user_id)),
                _ => None,
            };
            let parameters = [(&after as _, Type::TEXT), limited];
            all(session, SESSIONS, &parameters, |cells| {
                Ok(Record::Session {
                    user_id: cells.text()?,
                    until: cells.time()?,
                })
            })
            .await
        }
        RecordKind::LastRound => {
            let last = match after {
                Some(_) => None,
                None => rounds::last(session).await?,
            };
            Ok(last.map(Record::LastRound).into_iter().collect())
        }
        RecordKind::UploadPlaces => {
            let [owner, kind, name] = match &after {
                Some(Record::UploadPlace { path, .. }) => upload_places::key(path),
                _ => [""; 3].map(Text::of),
            };
            let parameters = [
                (&owner as _, Type::TEXT),
                (&kind as _, Type::TEXT),
                (&name as _, Type::TEXT),
                limited,
            ];
            all(session, PLACES, &parameters, |cells| {
                Ok(Record::UploadPlace {
                    path: upload_places::path(cells)?,
                    bytes: cells.count()?,
                })
            })
            .await
        }
    }
}

async fn all(
    session: &Session<'_>,
    sql: &str,
    parameters: &[Parameter<'_>],
    read: impl Fn(&mut Cells<'_>) -> Result<Record, Fault>,
) -> Result<Vec<Record>, Fault> {
    let rows = session.query(sql, parameters).await?;
    rows.iter().map(|row| read(&mut Cells::of(row))).collect()
}

async fn write(session: &Session<'_>, record: &Record) -> Result<(), Fault> {
    match record {
        Record::Task(record) => task(session, record).await,
        Record::Concept(one) => concept(session, one).await,
        Record::Usage {
            user_id,
            window,
            starts_at,
            ends_at,
            used,
        } => {
            // All counts of a user are in one row.
            const SQL: &str = "INSERT INTO schema.account (user_id, usage, ends_at, revision) \
                 VALUES ($1, jsonb_build_array(jsonb_build_object('window', $2::text, \
                     'starts_at', $3::bigint, 'ends_at', $4::bigint, 'used', $5::bigint)), $6, 1) \
                 ON CONFLICT (user_id) DO UPDATE SET usage = account.usage || excluded.usage, \
                     ends_at = greatest(account.ends_at, excluded.ends_at), \
                     revision = account.revision + 1 \
                 WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(account.usage) AS one \
                     WHERE one ->> 'window' = $2 AND (one ->> 'starts_at')::bigint = $3)";
            let (user_id, used) = (Text::of(user_id), i64::from(*used));
            let (start, end) = (number(starts_at.0), number(ends_at.0));
            let (window, ends_at) = (Text::of(window), Time(*ends_at));
            let parameters: [Parameter<'_>; 6] = [
                (&user_id, Type::TEXT),
                (&window, Type::TEXT),
                (&start, Type::INT8),
                (&end, Type::INT8),
                (&used, Type::INT8),
                (&ends_at, Type::TIMESTAMPTZ),
            ];
            session.execute(SQL, &parameters).await.map(drop)
        }
        Record::IdempotencyKey {
            user_id,
            key,
            submitted,
        } => {
            const SQL: &str = "INSERT INTO schema.idempotency_key (user_id, key, fingerprint, \
                 task_id, is_anonymous, original_path, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
            let (user_id, key) = (Text::of(user_id), Text::of(key));
            let fingerprint = Text::of(&submitted.fingerprint);
            let task_id = id(&submitted.task_id).ok_or(Fault::NoId)?;
            let original_path = Text::maybe(submitted.original_path.as_deref());
            let created_at = Time(submitted.created_at);
            let parameters: [Parameter<'_>; 7] = [
                (&user_id, Type::TEXT),
                (&key, Type::TEXT),
                (&fingerprint, Type::TEXT),
                (&task_id, Type::UUID),
                (&submitted.is_anonymous, Type::BOOL),
                (&original_path, Type::TEXT),
                (&created_at, Type::TIMESTAMPTZ),
            ];
            session.execute(SQL, &parameters).await.map(drop)
        }
        Record::ForgottenTask {
            id: text,
            forgotten_at,
        } => {
            const SQL: &str = "INSERT INTO schema.forgotten_task (id, forgotten_at) \
                 VALUES ($1, $2) ON CONFLICT DO NOTHING";
            let (id, forgotten_at) = (id(text).ok_or(Fault::NoId)?, Time(*forgotten_at));
            let parameters: [Parameter<'_>; 2] =
                [(&id, Type::UUID), (&forgotten_at, Type::TIMESTAMPTZ)];
            session.execute(SQL, &parameters).await.map(drop)
        }
        Record::Session { user_id, until } => {
            const SQL: &str = "INSERT INTO schema.session (user_id, until) VALUES ($1, $2) \
                 ON CONFLICT DO NOTHING";
            let (user_id, until) = (Text::of(user_id), Time(*until));
            let parameters: [Parameter<'_>; 2] =
                [(&user_id, Type::TEXT), (&until, Type::TIMESTAMPTZ)];
            session.execute(SQL, &parameters).await.map(drop)
        }
        Record::LastRound(LastRound { at, probation }) => {
            const SQL: &str = "INSERT INTO schema.last_round (id, at, probation) \
                 VALUES (0, $1, $2) ON CONFLICT DO NOTHING";
            let (at, probation) = (Time(*at), probation.map(micros));
            let parameters: [Parameter<'_>; 2] =
                [(&at, Type::TIMESTAMPTZ), (&probation, Type::INT8)];
            session.execute(SQL, &parameters).await.map(drop)
        }
        Record::UploadPlace { path, bytes } => {
            const SQL: &str = "INSERT INTO schema.upload_place (owner, kind, name, bytes) \
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
            let ([owner, kind, name], bytes) = (upload_places::key(path), number(*bytes));
            let parameters: [Parameter<'_>; 4] = [
                (&owner, Type::TEXT),
                (&kind, Type::TEXT),
                (&name, Type::TEXT),
                (&bytes, Type::INT8),
            ];
            session.execute(SQL, &parameters).await.map(drop)
        }
    }
}

async fn task(session: &Session<'_>, record: &TaskRecord) -> Result<(), Fault> {
    const SQL: &str = "INSERT INTO schema.task (id, user_id, is_anonymous, status, \
         original_image_url, refinement_prompt, logo_description, theme_description, \
         original_path, created_at, updated_at, completed_at, result_id, image_path, \
         error_message, lease_until, lease, attempt, deaths, revision, due_at, deliver_at, \
         delivery, receiver, delivery_due_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, \
         $18, $19, $20, $21, $21, $22, $23, $24) ON CONFLICT (id) DO NOTHING";
    let delivery = record.delivery.as_ref();
    let (json, receiver) = (
        delivery.map(rows::json),
        delivery.map(DeliveryRecord::receiver),
    );
    let (json, receiver) = (
        Text::maybe(json.as_deref()),
        Text::maybe(receiver.as_deref()),
    );
    let delivery_due_at = Time::maybe(delivery.and_then(DeliveryRecord::due_at));
    let task = &record.task;
    let refinement = &task.refinement;
    let (task_id, user_id) = (id(&task.id).ok_or(Fault::NoId)?, Text::of(&task.user_id));
    let (url, prompt) = (
        Text::of(&refinement.original_image_url),
        Text::of(&refinement.refinement_prompt),
    );
    let (logo, theme) = (
        Text::maybe(refinement.logo_description.as_deref()),
        Text::maybe(refinement.theme_description.as_deref()),
    );
    let original_path = Text::maybe(task.original_path.as_deref());
    let (created_at, updated_at) = (Time(task.created_at), Time::maybe(task.updated_at));
    let (completed_at, lease_until) = (
        Time::maybe(task.completed_at),
        Time::maybe(task.lease_until),
    );
    let result_id = task.result_id.as_deref().and_then(id);
    let (image_path, error_message) = (
        Text::maybe(task.image_path.as_deref()),
        Text::maybe(task.error_message.as_deref()),
    );
    let lease = record.lease.map(micros);
    let (attempt, deaths) = (i64::from(record.attempt), i64::from(record.deaths));
    let (revision, due_at) = (number(record.revision), Time::maybe(due_at(task)));
    let status = task.status.as_str();
    let parameters: [Parameter<'_>; 24] = [
        (&task_id, Type::UUID),
        (&user_id, Type::TEXT),
        (&task.is_anonymous, Type::BOOL),
        (&status, Type::TEXT),
        (&url, Type::TEXT),
        (&prompt, Type::TEXT),
        (&logo, Type::TEXT),
        (&theme, Type::TEXT),
        (&original_path, Type::TEXT),
        (&created_at, Type::TIMESTAMPTZ),
        (&updated_at, Type::TIMESTAMPTZ),
        (&completed_at, Type::TIMESTAMPTZ),
        (&result_id, Type::UUID),
        (&image_path, Type::TEXT),
        (&error_message, Type::TEXT),
        (&lease_until, Type::TIMESTAMPTZ),
        (&lease, Type::INT8),
        (&attempt, Type::INT8),
        (&deaths, Type::INT8),
        (&revision, Type::INT8),
        (&due_at, Type::TIMESTAMPTZ),
        (&json, Type::TEXT),
        (&receiver, Type::TEXT),
        (&delivery_due_at, Type::TIMESTAMPTZ),
    ];
    session.execute(SQL, &parameters).await.map(drop)
}

async fn concept(session: &Session<'_>, concept: &Concept) -> Result<(), Fault> {
    const SQL: &str = "INSERT INTO schema.concept (id, task_id, user_id, is_anonymous, \
         image_path, image_url, original_image_url, refinement_prompt, logo_description, \
         theme_description, color_palettes, notes, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING";
    let Concept {
        id: concept_id,
        created_at,
        content,
    } = concept;
    let ConceptContent {
        task_id,
        user_id,
        is_anonymous,
        image_path,
        image_url,
        original_image_url,
        refinement_prompt,
        logo_description,
        theme_description,
        color_palettes,
        notes,
    } = content;
    let (concept_id, task_id) = (
        id(concept_id).ok_or(Fault::NoId)?,
        id(task_id).ok_or(Fault::NoId)?,
    );
    let [user_id, image_path, image_url, original, prompt] = [
        user_id,
        image_path,
        image_url,
        original_image_url,
        refinement_prompt,
    ]
    .map(|text| Text::of(text));
    let (logo, theme) = (
        Text::maybe(logo_description.as_deref()),
        Text::maybe(theme_description.as_deref()),
    );
    let (palettes, notes) = (Text::all(color_palettes), Text::all(notes));
    let created_at = Time(*created_at);
    let parameters: [Parameter<'_>; 13] = [
        (&concept_id, Type::UUID),
        (&task_id, Type::UUID),
        (&user_id, Type::TEXT),
        (is_anonymous, Type::BOOL),
        (&image_path, Type::TEXT),
        (&image_url, Type::TEXT),
        (&original, Type::TEXT),
        (&prompt, Type::TEXT),
        (&logo, Type::TEXT),
        (&theme, Type::TEXT),
        (&palettes, Type::TEXT_ARRAY),
        (&notes, Type::TEXT_ARRAY),
        (&created_at, Type::TIMESTAMPTZ),
    ];
    session.execute(SQL, &parameters).await.map(drop)
}

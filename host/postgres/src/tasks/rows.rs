//! A task as a row: a few columns and two documents, read and written whole.

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::document::{self, Columns, FromStored};
use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::quota::Usage;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::webhook::DeliveryRecord;
use uuid::Uuid;

use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Parameter, Text, Time, id, micros, parameters};
use crate::tasks::ledger::{self, Entry};

/// All columns of a table named `task` that [`read`] expects. The first ones are those that
/// lists are sorted by.
macro_rules! columns {
    () => {
        "task.id, task.created_at, task.user_id, task.is_anonymous, task.original_path, \
         task.status, task.updated_at, task.completed_at, task.image_path, task.lease_until, \
         task.lease, task.revision, task.version, task.request, task.state"
    };
}
pub(crate) use columns;

/// The same, for queries that are put together when they are made.
pub(crate) const COLUMNS: &str = columns!();

/// A task as it was read or written.
#[derive(Clone, Debug)]
pub(crate) struct StoredTask<T = TaskRecord> {
    pub record: T,
    /// How often its row was written: what a change compares and swaps.
    pub version: i64,
}

impl StoredTask {
    /// A task that was just inserted.
    pub fn new(record: TaskRecord) -> Self {
        Self { record, version: 0 }
    }
}

pub(crate) fn read<T: FromStored>(cells: &mut Cells<'_>) -> Result<StoredTask<T>, Fault> {
    let columns = Columns {
        id: cells.id()?,
        created_at: cells.time()?,
        user_id: cells.text()?,
        is_anonymous: cells.get()?,
        original_path: cells.maybe_text()?,
        // A constraint of the table allows no other values.
        status: Status::of(cells.get()?).unwrap_or(Status::Failed),
        updated_at: cells.maybe_time()?,
        completed_at: cells.maybe_time()?,
        image_path: cells.maybe_text()?,
        lease_until: cells.maybe_time()?,
        lease: cells.maybe_duration()?,
        revision: cells.count()?,
    };
    let version = cells.get()?;
    let (request, state) = (cells.get()?, cells.get()?);
    Ok(StoredTask {
        record: T::stored(columns, request, state)?,
        version,
    })
}

/// The same, of a task that has not ended. None: it has.
pub(crate) fn read_active(cells: &mut Cells<'_>) -> Result<Option<TaskRecord>, Fault> {
    match cells.row.try_get::<_, Option<Time>>("completed_at")? {
        Some(_) => Ok(None),
        None => Ok(Some(read(cells)?.record)),
    }
}

pub(crate) async fn find(
    session: &Session<'_>,
    task_id: &str,
) -> Result<Option<StoredTask>, Fault> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM schema.find_task ($1) AS task");
    let Some(id) = id(task_id) else {
        return Ok(None);
    };
    let rows = session.query_prepared(SQL, &parameters![id]).await?;
    let row = rows.first().map(|row| read(&mut Cells::of(row)));
    row.transpose()
}

/// A new task as the parameters of the function `insert_task`.
pub(crate) struct NewRow<'a> {
    id: Uuid,
    user_id: Text<'a>,
    is_anonymous: bool,
    original_path: Option<Text<'a>>,
    created_at: Time,
    due_at: Option<Time>,
    receiver: Option<Text<'static>>,
    delivery_due_at: Option<Time>,
    request: String,
    state: String,
    /// Not a column: by when it has to have begun.
    pub deadline: Option<Time>,
}

impl<'a> NewRow<'a> {
    pub fn of(record: &'a TaskRecord) -> Result<Self, Fault> {
        let TaskRecord { task, delivery, .. } = record;
        Ok(Self {
            id: id(&task.id).ok_or(Fault::NoId)?,
            user_id: Text::of(&task.user_id),
            is_anonymous: task.is_anonymous,
            original_path: task.original_path.as_deref().map(Text::of),
            created_at: Time(task.created_at),
            due_at: due_at(task).map(Time),
            receiver: delivery
                .as_ref()
                .map(|delivery| Text::of(&delivery.receiver()).into_owned()),
            delivery_due_at: delivery_due_at(record),
            request: record.request(),
            state: record.state(),
            deadline: task.deadline().map(Time),
        })
    }

    pub fn parameters(&self) -> [Parameter<'_>; 10] {
        parameters! {
            self.id, self.user_id, self.is_anonymous, self.original_path, self.created_at,
            self.due_at, self.receiver, self.delivery_due_at, self.request, self.state
        }
    }

    pub async fn insert(&self, session: &Session<'_>) -> Result<(), Fault> {
        const SQL: &str = "SELECT schema.insert_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
        const DEADLINE: &str = "INSERT INTO schema.deadline (task_id, at) VALUES ($1, $2) \
             ON CONFLICT (task_id) DO UPDATE SET at = excluded.at";
        session.execute(SQL, &self.parameters()).await?;
        match &self.deadline {
            Some(deadline) => {
                let parameters = parameters![self.id, *deadline];
                session.execute(DEADLINE, &parameters).await
            }
            None => Ok(()),
        }
    }
}

/// A change of a task, and what is written with it.
pub(crate) struct Swap {
    /// The changed task, with the version that was read.
    pub task: StoredTask,
    pub concept: Option<Box<Concept>>,
    pub account: Option<AccountChange>,
    /// What changes about the user's sums.
    pub entry: Option<Entry>,
    /// Claims are not made while the queue is paused.
    pub is_claim: bool,
}

/// A change of the account of the task's user.
pub(crate) struct AccountChange {
    pub pseudonym: String,
    pub usage: Usage,
    /// Version of the account when it was read. None: there is no account any more.
    pub revision: Option<i64>,
    pub forgets_key: bool,
}

impl Swap {
    /// A change of only the task.
    pub fn of(task: StoredTask) -> Self {
        Self {
            task,
            concept: None,
            account: None,
            entry: None,
            is_claim: false,
        }
    }

    pub fn task_id(&self) -> &str {
        &self.task.record.task.id
    }

    pub fn user_id(&self) -> &str {
        &self.task.record.task.user_id
    }

    /// The task once the change is written.
    pub fn written(self) -> StoredTask {
        let StoredTask { record, version } = self.task;
        let version = version + 1;
        StoredTask { record, version }
    }

    /// Writes the change if the task has not changed since it was read. False: it has, or
    /// the queue is paused, and nothing was written.
    pub async fn run(&self, session: &Session<'_>) -> Result<bool, Fault> {
        let StoredTask { record, version } = &self.task;
        let entry = self.entry.as_ref();
        let task = &record.task;
        let task_id = id(&task.id).ok_or(Fault::NoId)?;
        let parameters = parameters![
            task_id,
            *version,
            task.status.as_str(),
            task.updated_at.map(Time),
            task.completed_at.map(Time),
            task.image_path.as_deref().map(Text::of),
            task.lease_until.map(Time),
            record.lease.map(micros),
            i64::try_from(record.revision).unwrap_or(i64::MAX),
            due_at(task).map(Time),
            delivery_due_at(record),
            record.state(),
            self.is_claim,
        ];
        let mut parameters = Vec::from(parameters);
        if let Some(concept) = &self.concept {
            let concept_id = id(&concept.id).ok_or(Fault::NoId)?;
            let content = document::write(&concept.content);
            let sha256 = &concept.content.image_sha256;
            let parent_id = concept.content.parent_id.as_deref().and_then(id);
            parameters.extend(parameters![concept_id, *sha256, parent_id, content]);
            return ledger::call(session, "finish_task", &parameters, entry).await;
        }
        let Some(account) = &self.account else {
            return ledger::call(session, "swap_task", &parameters, entry).await;
        };
        let usage = serde_json::to_string(&account.usage).unwrap_or_default();
        parameters.extend(parameters! {
            account.pseudonym, usage, account.revision, account.forgets_key
        });
        ledger::call(session, "swap_task_and_account", &parameters, entry).await
    }
}

fn delivery_due_at(record: &TaskRecord) -> Option<Time> {
    let delivery = record.delivery.as_ref();
    delivery.and_then(DeliveryRecord::due_at).map(Time)
}

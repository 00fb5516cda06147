//! A task as a row, read and written whole.

use concept_refinement_domain::concept::Concept;
use concept_refinement_domain::lease::due_at;
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::quota::Usage;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::step::Steps;
use concept_refinement_domain::task::{Refinement, Status, Task};
use concept_refinement_domain::trace::TraceContext;
use concept_refinement_domain::webhook::DeliveryRecord;

use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Text, Time, id, micros, parameters};

/// All columns of a table named `task` that [`read`] expects, except the last one,
/// `steps`.
macro_rules! without_steps {
    () => {
        "task.id, task.user_id, task.is_anonymous, task.status, task.original_image_url, \
         task.refinement_prompt, task.logo_description, task.theme_description, \
         task.original_path, task.created_at, task.updated_at, task.completed_at, \
         task.result_id, task.image_path, task.error_message, task.lease_until, task.lease, \
         task.attempt, task.deaths, task.revision, task.payment, task.delivery, \
         task.retry_of, task.trace"
    };
}
pub(crate) use without_steps;

/// All columns that [`read`] expects: the whole record, for changes and for
/// operators.
macro_rules! record {
    () => {
        concat!($crate::tasks::rows::without_steps!(), ", task.steps")
    };
}
pub(crate) use record;

/// The same without the story of the task, which users do not see.
macro_rules! columns {
    () => {
        concat!($crate::tasks::rows::without_steps!(), ", NULL::text")
    };
}
pub(crate) use columns;

/// The index of the time among them. The first column is the id.
pub(crate) const CREATED_AT: usize = 9;

pub(crate) fn read(cells: &mut Cells<'_>) -> Result<TaskRecord, Fault> {
    Ok(TaskRecord {
        task: Task {
            id: cells.id()?,
            user_id: cells.text()?,
            is_anonymous: cells.get()?,
            status: status(cells.get()?),
            refinement: Refinement {
                original_image_url: cells.text()?,
                refinement_prompt: cells.text()?,
                logo_description: cells.maybe_text()?,
                theme_description: cells.maybe_text()?,
            },
            original_path: cells.maybe_text()?,
            created_at: cells.time()?,
            updated_at: cells.maybe_time()?,
            completed_at: cells.maybe_time()?,
            result_id: cells.get::<Option<uuid::Uuid>>()?.map(|id| id.to_string()),
            image_path: cells.maybe_text()?,
            error_message: cells.maybe_text()?,
            lease_until: cells.maybe_time()?,
        },
        lease: cells.maybe_duration()?,
        attempt: cells.count()?,
        deaths: cells.count()?,
        revision: cells.count()?,
        payment: Payment::of_json(cells.maybe_text()?.as_deref()),
        delivery: delivery(cells.maybe_text()?),
        retry_of: cells.get::<Option<uuid::Uuid>>()?.map(|id| id.to_string()),
        trace: trace(cells.maybe_text()?),
        steps: Steps::of_text(&cells.maybe_text()?.unwrap_or_default()),
    })
}

/// A delivery that cannot be parsed is treated as missing.
fn delivery(text: Option<String>) -> Option<DeliveryRecord> {
    serde_json::from_str(&text?).ok()
}

fn trace(text: Option<String>) -> Option<TraceContext> {
    TraceContext::parse(text?.as_bytes())
}

/// In the form that [`read`] expects.
pub(crate) fn json(delivery: &DeliveryRecord) -> String {
    serde_json::to_string(delivery).unwrap_or_default()
}

/// A constraint of the table allows no other values.
fn status(text: &str) -> Status {
    text.parse().unwrap_or(Status::Failed)
}

/// The whole record.
pub(crate) async fn find(
    session: &Session<'_>,
    task_id: &str,
) -> Result<Option<TaskRecord>, Fault> {
    const SQL: &str = concat!("SELECT ", record!(), " FROM schema.find_task ($1) AS task");
    find_by(session, SQL, task_id).await
}

/// The record without the story of the task.
pub(crate) async fn find_for_user(
    session: &Session<'_>,
    task_id: &str,
) -> Result<Option<TaskRecord>, Fault> {
    const SQL: &str = concat!("SELECT ", columns!(), " FROM schema.find_task ($1) AS task");
    find_by(session, SQL, task_id).await
}

async fn find_by(
    session: &Session<'_>,
    sql: &str,
    task_id: &str,
) -> Result<Option<TaskRecord>, Fault> {
    let Some(id) = id(task_id) else {
        return Ok(None);
    };
    let row = session.query_opt(sql, &parameters![id]).await?;
    row.map(|row| read(&mut Cells::of(&row))).transpose()
}

/// Inserts the retry of a task, which the queue delivers at once. False: its user has an
/// active task, and nothing was written.
pub(crate) async fn insert_retry(
    session: &Session<'_>,
    record: &TaskRecord,
) -> Result<bool, Fault> {
    const SQL: &str = "INSERT INTO schema.task (id, user_id, is_anonymous, status, \
         original_image_url, refinement_prompt, logo_description, theme_description, \
         original_path, created_at, due_at, deliver_at, payment, delivery, receiver, \
         delivery_due_at, retry_of, steps, trace) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10, $12, $13, $14, $15, $16, $17, \
         $18) \
         ON CONFLICT (user_id) WHERE completed_at IS NULL DO NOTHING";
    let TaskRecord { task, delivery, .. } = record;
    let task_id = id(&task.id).ok_or(Fault::NoId)?;
    let user_id = Text::of(&task.user_id);
    let url = Text::of(&task.refinement.original_image_url);
    let prompt = Text::of(&task.refinement.refinement_prompt);
    let logo = Text::maybe(task.refinement.logo_description.as_deref());
    let theme = Text::maybe(task.refinement.theme_description.as_deref());
    let original_path = Text::maybe(task.original_path.as_deref());
    let (created_at, due_at) = (Time(task.created_at), Time::maybe(due_at(task)));
    let (payment, delivery_json) = (record.payment.to_json(), delivery.as_ref().map(json));
    let receiver = delivery.as_ref().map(DeliveryRecord::receiver);
    let (payment, delivery_json, receiver) = (
        Text::maybe(payment.as_deref()),
        Text::maybe(delivery_json.as_deref()),
        Text::maybe(receiver.as_deref()),
    );
    let delivery_due_at = Time::maybe(delivery.as_ref().and_then(DeliveryRecord::due_at));
    let retry_of = record.retry_of.as_deref().and_then(id);
    let (status, steps) = (task.status.as_str(), record.steps.to_text());
    let steps = Text::of(&steps);
    let trace = record.trace.as_ref().map(ToString::to_string);
    let parameters = parameters! {
        task_id, user_id, task.is_anonymous, status, url, prompt, logo, theme, original_path,
        created_at, due_at, payment, delivery_json, receiver, delivery_due_at, retry_of, steps, trace
    };
    Ok(session.execute(SQL, &parameters).await? > 0)
}

/// A task before and after a rule was applied, and a concept to store with it.
pub(crate) struct Swap {
    pub before: TaskRecord,
    pub after: TaskRecord,
    pub concept: Option<Concept>,
    pub account: Option<AccountChange>,
    /// Whether it is a claim, which is not made while the queue is paused.
    pub unless_paused: bool,
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
    pub fn of(before: TaskRecord, after: TaskRecord) -> Self {
        Self {
            before,
            after,
            concept: None,
            account: None,
            unless_paused: false,
        }
    }

    pub fn task_id(&self) -> &str {
        &self.after.task.id
    }

    pub fn user_id(&self) -> &str {
        &self.after.task.user_id
    }

    /// Writes the change if the task has not changed since it was read. False: it has, or
    /// the queue is paused, and nothing was written.
    ///
    /// It is enough to compare the revision, the end of the lease and the payment state:
    /// nothing that rules read changes without one of them.
    pub async fn run(&self, session: &Session<'_>) -> Result<bool, Fault> {
        const SWAP: &str = "SELECT schema.swap_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
         $12, $13, $14, $15, $16, $17, $18, $19)";
        const SWAP_BOTH: &str = "SELECT schema.swap_task_and_account ($1, $2, $3, $4, $5, $6, $7, \
         $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)";
        const FINISH: &str = "SELECT schema.finish_task ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
         $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)";
        let Self {
            before,
            after,
            concept,
            account,
            unless_paused,
        } = self;
        let task = &after.task;
        let task_id = id(&task.id).ok_or(Fault::NoId)?;
        let result_id = task.result_id.as_deref().and_then(id);
        let (image_path, error_message) = (
            Text::maybe(task.image_path.as_deref()),
            Text::maybe(task.error_message.as_deref()),
        );
        let (updated_at, completed_at) =
            (Time::maybe(task.updated_at), Time::maybe(task.completed_at));
        let (lease_until, due_at) = (Time::maybe(task.lease_until), Time::maybe(due_at(task)));
        let (attempt, deaths) = (i64::from(after.attempt), i64::from(after.deaths));
        let (was, revision) = (number(before.revision), number(after.revision));
        let leased_until = Time::maybe(before.task.lease_until);
        let payment_was = before.payment.to_json();
        let payment_was = Text::maybe(payment_was.as_deref());
        let steps = after.steps.to_text();
        let steps = Text::of(&steps);
        let lease = after.lease.map(micros);
        let status = task.status.as_str();
        let mut parameters = Vec::from(parameters! {
            task_id, status, updated_at, completed_at, result_id, image_path, error_message,
            lease_until, attempt, deaths, revision, due_at, was, leased_until, payment_was
        });
        let Some(Concept {
            created_at,
            content,
            ..
        }) = concept
        else {
            let payment = after.payment.to_json();
            let payment = Text::maybe(payment.as_deref());
            parameters.extend(parameters![lease, payment, steps, *unless_paused]);
            let Some(account) = account else {
                return session.ask(SWAP, &parameters).await;
            };
            let usage = serde_json::to_string(&account.usage).unwrap_or_default();
            parameters.extend(parameters! {
                account.pseudonym, usage, account.revision, account.forgets_key
            });
            return session.ask(SWAP_BOTH, &parameters).await;
        };
        let palettes = Text::all(&content.color_palettes);
        let notes = Text::all(&content.notes);
        let user_id = Text::of(&content.user_id);
        let image_url = Text::of(&content.image_url);
        let original = Text::of(&content.original_image_url);
        let prompt = Text::of(&content.refinement_prompt);
        let logo = Text::maybe(content.logo_description.as_deref());
        let theme = Text::maybe(content.theme_description.as_deref());
        let created_at = Time(*created_at);
        parameters.extend(parameters! {
            steps, user_id, content.is_anonymous, image_url, original, prompt, logo, theme, palettes,
            notes, created_at
        });
        session.ask(FINISH, &parameters).await
    }
}

fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

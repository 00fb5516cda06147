//! What users spend, by the hour in which a task was submitted and by the link of the model.

use concept_refinement_capability::administration::{MAX_SUMS, UsageGroup, UsageQuery, UsageSum};
use concept_refinement_domain::quota::Window;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::spending::{Booking, Spending};
use concept_refinement_domain::task::Task;
use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::connection::database::{SCAN_DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Parameter, Text, Time, parameters};

/// Changes of a user's sums, as parameters of the function `book`.
pub(crate) struct Entry {
    pseudonym: String,
    user_id: Text<'static>,
    starts_at: Time,
    models: Vec<Text<'static>>,
    spent: Vec<i64>,
    reserved: Vec<i64>,
    unknown_calls: Vec<i64>,
}

impl Entry {
    fn of(pseudonym: String, task: &Task, bookings: &[Booking]) -> Self {
        let changes = bookings.iter().map(|booking| booking.change);
        let models = bookings.iter().map(|booking| &*booking.model);
        Self {
            pseudonym,
            user_id: Text::of(&task.user_id).into_owned(),
            starts_at: Time(Window::Hour.start(task.created_at)),
            models: models.map(|model| Text::of(model).into_owned()).collect(),
            spent: changes.clone().map(|change| change.spent).collect(),
            reserved: changes.clone().map(|change| change.reserved).collect(),
            unknown_calls: changes.map(|change| change.unknown_calls).collect(),
        }
    }

    fn parameters(&self) -> [Parameter<'_>; 7] {
        parameters! {
            self.pseudonym, self.user_id, self.starts_at, self.models, self.spent, self.reserved,
            self.unknown_calls
        }
    }
}

/// Calls a function of the schema that returns whether it wrote something, and then changes a
/// user's sums, in one statement.
pub(crate) async fn call(
    session: &Session<'_>,
    function: &str,
    parameters: &[Parameter<'_>],
    entry: Option<&Entry>,
) -> Result<bool, Fault> {
    let numbers = |from: usize, count: usize| {
        let numbers = (from..from + count).map(|number| format!("${number}"));
        numbers.collect::<Vec<_>>().join(", ")
    };
    let inner = format!("schema.{function} ({})", numbers(1, parameters.len()));
    let Some(entry) = entry else {
        return session.ask(&format!("SELECT {inner}"), parameters).await;
    };
    let of_entry = entry.parameters();
    let outer = numbers(parameters.len() + 1, of_entry.len());
    let sql = format!("SELECT schema.book ({inner}, {outer})");
    let parameters: Vec<_> = parameters.iter().cloned().chain(of_entry).collect();
    session.ask(&sql, &parameters).await
}

impl PostgresTasks {
    /// What changes with a task. None: nothing.
    pub(crate) fn entry(&self, task: &Task, bookings: &[Booking]) -> Option<Entry> {
        (!bookings.is_empty()).then(|| {
            let pseudonym = self.options.pseudonyms.of(&task.user_id);
            Entry::of(pseudonym, task, bookings)
        })
    }

    /// Replaces the reservation of a task that was deleted before its end, in the same
    /// transaction.
    pub(crate) async fn settle(
        &self,
        session: &Session<'_>,
        record: &TaskRecord,
    ) -> Result<(), Fault> {
        let bookings = record.settlement();
        self.hub.count_spent(&bookings);
        self.book(session, &record.task, &bookings).await
    }

    /// Changes the sums of a task's user, in the same transaction.
    pub(crate) async fn book(
        &self,
        session: &Session<'_>,
        task: &Task,
        bookings: &[Booking],
    ) -> Result<(), Fault> {
        const SQL: &str = "SELECT schema.book (true, $1, $2, $3, $4, $5, $6, $7)";
        let Some(entry) = self.entry(task, bookings) else {
            return Ok(());
        };
        session.execute(SQL, &entry.parameters()).await
    }
}

/// The sums of the current window.
pub(crate) async fn within(
    store: &PostgresTasks,
    user_id: &str,
    window: Window,
) -> Result<Spending, Fault> {
    const SQL: &str = "SELECT spent, reserved, unknown_calls FROM schema.spending ($1, $2, $3)";
    let session = store.database.session_of(user_id).await?;
    let pseudonym = store.options.pseudonyms.of(user_id);
    let now = store.clock.now();
    let parameters = parameters![pseudonym, Time(window.start(now)), Time(window.end(now))];
    session.one(SQL, &parameters, read).await
}

/// Sums of all users.
pub(crate) async fn sums(store: &PostgresTasks, query: UsageQuery) -> Result<Vec<UsageSum>, Fault> {
    let name = match query.group {
        UsageGroup::User => "coalesce(user_id, pseudonym)",
        UsageGroup::Model => "model",
        UsageGroup::Day => "to_char(starts_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')",
    };
    // As SQLite sorts.
    let sql = format!(
        "SELECT ({name}) COLLATE \"C\" AS name, sum(spent)::bigint, sum(reserved)::bigint, \
         sum(unknown_calls)::bigint FROM schema.ledger \
         WHERE starts_at >= $1 AND starts_at < $2 GROUP BY name ORDER BY name LIMIT $3"
    );
    let since = query.since.map(|since| Window::Hour.start(since));
    let since = Time(since.unwrap_or_default());
    let until = Time(query.until.unwrap_or(Timestamp(u64::MAX)));
    let session = store.database.session_within(SCAN_DEADLINE).await?;
    let parameters = parameters![since, until, i64::from(MAX_SUMS) + 1];
    let sums = session.all(&sql, &parameters, |cells| {
        Ok(UsageSum {
            name: cells.text()?,
            spending: read(cells)?,
        })
    });
    sums.await
}

/// Reads the three sums.
pub(crate) fn read(cells: &mut Cells<'_>) -> Result<Spending, Fault> {
    Ok(Spending {
        spent: cells.get()?,
        reserved: cells.get()?,
        unknown_calls: cells.get()?,
    })
}

/// Forgets whose sums these are: they stay under the pseudonym.
pub(crate) async fn forget_user(session: &Session<'_>, pseudonym: &str) -> Result<(), Fault> {
    const SQL: &str =
        "UPDATE schema.ledger SET user_id = NULL WHERE pseudonym = $1 AND user_id IS NOT NULL";
    session.execute(SQL, &parameters![pseudonym]).await
}

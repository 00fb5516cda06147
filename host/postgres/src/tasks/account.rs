//! The state that a submission is checked against: a user's rows as of one moment, read
//! in one statement.

use std::time::Duration;

use concept_refinement_domain::capability::NewTask;
use concept_refinement_domain::idempotency::Submitted;
use concept_refinement_domain::quota::{Usage, Window};
use concept_refinement_domain::rulebook::{Account, ActiveTasks};
use concept_refinement_domain::spending::Spending;
use concept_refinement_domain::timestamp::Timestamp;
use uuid::Uuid;

use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Text, Time, id, parameters};
use crate::tasks::ledger;
use crate::tasks::rows::{self, columns};

/// How long an account is kept after it was locked: longer than any submission takes that was
/// checked before, which would otherwise create the account anew.
const LOCKED: Duration = Duration::from_secs(60);

pub(crate) struct StoredAccount {
    usage: Usage,
    /// Version of the account row: grows whenever a task of the user is created. 0: the user
    /// has no account.
    pub(crate) revision: i64,
    /// Number of pending tasks, if they were counted in this call.
    pub(crate) pending: Option<u64>,
    pub(crate) max_backlog: u32,
    submitted: Option<Submitted>,
    active: Option<ActiveTasks>,
    is_taken: bool,
    spending: Spending,
}

impl StoredAccount {
    /// `counts`: whether to count the pending tasks of all users.
    pub(crate) async fn load(
        session: &Session<'_>,
        task: &NewTask,
        pseudonym: &str,
        counts: bool,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        // In one statement, and so as of one moment: the revision of the account, which the
        // submission swaps, stands for the sums too.
        const ACCOUNT: &str = concat!(
            "SELECT it.usage, it.revision, it.active_tasks, it.is_taken, it.fingerprint, \
             it.key_task_id, it.key_is_anonymous, it.key_original_path, it.key_created_at, \
             sums.spent, sums.reserved, sums.unknown_calls, ",
            columns!(),
            " FROM schema.find_account ($1, $2, $3, $4) AS it \
             CROSS JOIN schema.spending ($4, $5, $6) AS sums \
             LEFT JOIN schema.oldest_active_task ($1) AS task ON true"
        );
        /// Index of the sums' first column, and of the task's.
        const SUMS: usize = 9;
        const TASK: usize = 12;
        const COUNT: &str =
            "SELECT count(*) FROM schema.task WHERE completed_at IS NULL AND status = 'pending'";
        let task_id = id(&task.id).ok_or(Fault::NoId)?;
        let user_id = Text::of(&task.user_id);
        let key = task.idempotency_key.as_deref().map(Text::of);
        // Without a budget nobody asks for the sums, and there are none between no times.
        let window = task.budget.map(|budget| budget.window);
        let start = window.map(|window| Time(window.start(now)));
        let end = window.map(|window| Time(window.end(now)));
        let of_account = parameters![user_id, task_id, key, pseudonym, start, end];
        let pending = async {
            Ok(match counts {
                true => Some(session.one(COUNT, &[], |cells| cells.count()).await?),
                false => None,
            })
        };
        let account = session.query_prepared(ACCOUNT, &of_account);
        let (account, pending) = futures::try_join!(account, pending)?;
        let row = account.into_iter().next().ok_or(Fault::Timeout)?;
        let mut cells = Cells::of(&row);
        let usage: Option<&str> = cells.get()?;
        let revision: Option<i64> = cells.get()?;
        let count = cells.count()?;
        let is_taken = cells.get()?;
        let fingerprint: Option<&str> = cells.get()?;
        let submitted = match fingerprint {
            Some(fingerprint) => Some(Submitted {
                fingerprint: fingerprint.to_owned(),
                task_id: cells.id()?,
                is_anonymous: cells.get()?,
                original_path: cells.maybe_text()?,
                created_at: cells.time()?,
            }),
            None => None,
        };
        let active = match row.try_get::<_, Option<Uuid>>(TASK)? {
            Some(_) => Some(ActiveTasks {
                count,
                oldest: rows::read(&mut Cells::from(&row, TASK))?.record,
            }),
            None => None,
        };
        Ok(Self {
            usage: usage.map(read_usage).unwrap_or_default(),
            revision: revision.unwrap_or(0),
            pending,
            max_backlog: u32::MAX,
            submitted,
            active,
            is_taken,
            spending: ledger::read(&mut Cells::from(&row, SUMS))?,
        })
    }
}

/// A user's counts by the user's pseudonym, and the version of the account. None: the
/// user has no account.
pub(crate) async fn usage(
    session: &Session<'_>,
    pseudonym: &str,
) -> Result<Option<(Usage, i64)>, Fault> {
    const SQL: &str = "SELECT usage, revision FROM schema.account WHERE pseudonym = $1";
    let parameters = parameters![pseudonym];
    let found = session.find(SQL, &parameters, |cells| {
        Ok((read_usage(cells.get()?), cells.get()?))
    });
    found.await
}

/// Locks a user's account until the end of the transaction, and makes submissions fail that
/// were checked against its earlier state.
pub(crate) async fn lock(
    session: &Session<'_>,
    pseudonym: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    const SQL: &str = "INSERT INTO schema.account (pseudonym, usage, ends_at) \
         VALUES ($1, $2, $3) ON CONFLICT (pseudonym) DO UPDATE SET \
         revision = account.revision + 1, ends_at = greatest(account.ends_at, excluded.ends_at)";
    let usage = serde_json::to_string(&Usage::default()).unwrap_or_default();
    let parameters = parameters![pseudonym, usage, Time(now.plus(LOCKED))];
    session.execute(SQL, &parameters).await
}

/// Counts that cannot be parsed are treated as missing.
fn read_usage(json: &str) -> Usage {
    serde_json::from_str(json).unwrap_or_default()
}

impl Account for StoredAccount {
    type Fault = Fault;

    fn submitted(&self, _: &str) -> Result<Option<Submitted>, Fault> {
        Ok(self.submitted.clone())
    }

    fn active(&self) -> Result<Option<ActiveTasks>, Fault> {
        Ok(self.active.clone())
    }

    fn usage(&self) -> Result<Usage, Fault> {
        Ok(self.usage.clone())
    }

    /// They were read for the window of the task's budget.
    fn spending(&self, _: Window, _: Timestamp) -> Result<Spending, Fault> {
        Ok(self.spending)
    }

    fn is_backlog_full(&self) -> Result<bool, Fault> {
        let pending = self.pending.unwrap_or(0);
        Ok(pending >= u64::from(self.max_backlog))
    }

    fn is_taken(&self, _: &str) -> Result<bool, Fault> {
        Ok(self.is_taken)
    }
}

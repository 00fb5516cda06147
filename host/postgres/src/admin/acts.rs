//! Operators' actions on tasks, in one transaction.

use std::mem;
use std::time::Duration;

use concept_refinement_capability::storage::TaskAct;
use concept_refinement_domain::rulebook::{
    self, Choice, Decision, Effects, Operation, Others, Retry, TaskRecord,
};
use concept_refinement_domain::step::{MAX_STEPS, Step};
use concept_refinement_domain::timestamp::Timestamp;

use crate::PostgresTasks;
use crate::changes::promises::Promise;
use crate::connection::database::Session;
use crate::connection::fault::Fault;
use crate::connection::values::{Text, Time, id, parameters};
use crate::tasks::account;
use crate::tasks::change::account_change;
use crate::tasks::delete::delete;
use crate::tasks::rows::{self, NewRow, StoredTask, Swap};

/// Actions that are committed together, or not at all. Watchers and other hosts are
/// notified after the commit.
pub(crate) struct Acts<'a> {
    pub session: Session<'a>,
    pub now: Timestamp,
    store: &'a PostgresTasks,
    news: Vec<News>,
    promises: Vec<Promise<'a>>,
    /// Steps that are stored with the commit.
    noted: Vec<(String, Vec<Step>)>,
}

/// How long an action waits for a lock, and how long its locks outlive a host that dies,
/// in milliseconds.
const LIMITS: &str = "SET LOCAL lock_timeout = 5000; \
     SET LOCAL idle_in_transaction_session_timeout = 10000";

enum News {
    Created(Box<StoredTask>),
    Changed(Box<StoredTask>, Effects),
    Deleted(String),
}

impl<'a> Acts<'a> {
    pub async fn begin(store: &'a PostgresTasks, within: Duration) -> Result<Self, Fault> {
        let session = store.database.session_within(within).await?;
        session.begin_with(LIMITS).await?;
        Ok(Self {
            session,
            now: store.clock.now(),
            store,
            news: Vec::new(),
            promises: Vec::new(),
            noted: Vec::new(),
        })
    }

    /// The answer, and whether anything has changed.
    pub async fn act<T: Clone>(&mut self, act: &'a TaskAct<T>) -> Result<(T, bool), Fault> {
        match act {
            TaskAct::Change(operation) => self.apply(operation).await,
            TaskAct::Delete { id, answer } => {
                let is_deleted = delete(self.store, &self.session, id, None, self.now).await?;
                if is_deleted {
                    self.news.push(News::Deleted(id.clone()));
                }
                Ok((answer(is_deleted), is_deleted))
            }
            TaskAct::Retry {
                id,
                choice,
                new_id,
                answer,
            } => {
                let retry = self.retry(id, *choice, new_id).await?;
                let is_created = matches!(retry, Some(Retry::Created(_)));
                Ok((answer(retry), is_created))
            }
        }
    }

    /// None: no such task.
    async fn retry(
        &mut self,
        task_id: &str,
        choice: Choice,
        new_id: &'a str,
    ) -> Result<Option<Retry>, Fault> {
        loop {
            let Some(mut failed) = rows::find(&self.session, task_id).await? else {
                return Ok(None);
            };
            let record = &mut failed.record;
            // Before the user's active tasks are looked for, so that no submission succeeds
            // besides.
            let pseudonym = self.store.options.pseudonyms.of(&record.task.user_id);
            account::lock(&self.session, &pseudonym, self.now).await?;
            let others = self.others(record, choice).await?;
            let mut retry = rulebook::retry(record, choice, &others, new_id.to_owned(), self.now);
            let Retry::Created(created) = &mut retry else {
                return Ok(Some(retry));
            };
            created.steps.locate(&self.store.options.host);
            let promise = self.store.promises.make(new_id).map_err(Fault::NoRoom)?;
            if !Swap::of(failed).run(&self.session).await? {
                // The task has changed meanwhile.
                continue;
            }
            NewRow::of(created)?.insert(&self.session).await?;
            let reserved = created.reserved();
            self.store
                .book(&self.session, &created.task, &reserved)
                .await?;
            let stored = StoredTask::new((**created).clone());
            self.promises.push(promise);
            self.news.push(News::Created(Box::new(stored)));
            return Ok(Some(retry));
        }
    }

    async fn others(&self, record: &TaskRecord, choice: Choice) -> Result<Others, Fault> {
        const HAS_ACTIVE: &str =
            "SELECT EXISTS (SELECT FROM schema.task WHERE user_id = $1 AND completed_at IS NULL)";
        const HAS_LATER: &str = "SELECT EXISTS (SELECT FROM schema.task WHERE user_id = $1 \
             AND status = 'completed' AND (created_at, id) > ($2, $3))";
        let user_id = Text::of(&record.task.user_id);
        let created_at = Time(record.task.created_at);
        let id = id(&record.task.id).ok_or(Fault::NoId)?;
        let place = parameters![user_id, created_at, id];
        let mut others = Others {
            has_active: self.session.ask(HAS_ACTIVE, &place[..1]).await?,
            ..Others::default()
        };
        let mut ids = record.retries();
        while let Some(id) = ids.pop().filter(|_| others.retries.len() < MAX_STEPS) {
            let retry = rows::find(&self.session, &id).await?;
            let retry = retry.map(|stored| stored.record);
            ids.extend(retry.iter().flat_map(TaskRecord::retries));
            others.retries.push(retry.map(|retry| retry.task.status));
        }
        if choice == Choice::Filter {
            others.has_later_completed = self.session.ask(HAS_LATER, &place).await?;
        }
        Ok(others)
    }

    async fn apply<T: Clone>(&mut self, operation: &Operation<T>) -> Result<(T, bool), Fault> {
        let task_id = &operation.task_id;
        loop {
            let Some(mut task) = rows::find(&self.session, task_id).await? else {
                return Ok((operation.gone.clone(), false));
            };
            let record = &mut task.record;
            let Decision { answer, effects } = operation.decide(record, self.now);
            let Some(effects) = effects else {
                return Ok((answer, false));
            };
            let noted = self.store.hub.take_steps(task_id);
            self.store.tell_story(record, &noted);
            self.noted.push((task_id.clone(), noted));
            let swap = Swap {
                account: account_change(self.store, &self.session, &record.task, &effects).await?,
                entry: self.store.entry(&record.task, &effects.bookings),
                concept: effects.concept.clone(),
                ..Swap::of(task)
            };
            if swap.run(&self.session).await? {
                let news = News::Changed(Box::new(swap.written()), effects);
                self.news.push(news);
                return Ok((answer, true));
            }
            // The task has changed meanwhile.
            self.note_again();
        }
    }

    pub async fn commit(mut self) -> Result<(), Fault> {
        let noted = mem::take(&mut self.noted);
        if let Err(fault) = self.session.commit().await {
            // Otherwise the steps may have been stored, and must not be added twice.
            if fault.is_answer() {
                self.noted = noted;
            }
            return Err(fault);
        }
        for promise in mem::take(&mut self.promises) {
            promise.keep();
        }
        for news in mem::take(&mut self.news) {
            match news {
                News::Created(stored) => {
                    self.store.recent.put(&stored);
                    self.store.backlog.accepted();
                }
                News::Changed(stored, effects) => self.store.tell(*stored, &effects),
                News::Deleted(task_id) => self.store.announce_deletion(&task_id),
            }
        }
        Ok(())
    }

    pub async fn roll_back(self) -> Result<(), Fault> {
        self.session.roll_back().await
    }

    fn note_again(&mut self) {
        for (task_id, noted) in mem::take(&mut self.noted) {
            self.store.hub.note_again(&task_id, noted);
        }
    }
}

impl Drop for Acts<'_> {
    fn drop(&mut self) {
        self.note_again();
    }
}

//! Rows that cannot be read: whatever stands there, as after a bit has changed, or by a
//! later version. None of them stops the others.

use std::slice::from_ref;
use std::time::Duration;

use concept_refinement_capability::administration::{Action, TaskFilter};
use concept_refinement_capability::moving::{Records, TABLES, Table};
use concept_refinement_domain::capability::{Fenced, Position};
use concept_refinement_domain::task::{Status, Task};
use serde_json::{Value, json};

use super::search::pages;
use super::{Operated, of_status};
use crate::tasks::webhooks::{claim, failed, record};
use crate::tasks::{OVERDUE, Store};

/// No time of any version.
const NO_TIME: i64 = -1;

fn table(name: &str) -> &'static Table {
    TABLES.into_iter().find(|table| table.name == name).unwrap()
}

impl<B: Operated> Store<B> {
    /// Changes a cell of the row with this key.
    async fn spoil(&self, of: &str, key: &Value, column: &str, value: Value) {
        let table = table(of);
        let index = table.columns.split(", ").position(|it| it == column);
        let engine = self.backend.engine();
        let records: &dyn Records = &*engine;
        let mut rows = records.records(table, None, 100).await.unwrap();
        let mut of_key = rows.iter_mut().filter(|row| row[0] == *key);
        of_key.next().unwrap()[index.unwrap()] = value;
        records.clear(table).await.unwrap();
        records.restore(table, rows).await.unwrap();
    }

    async fn spoil_task(&self, task: &Task) {
        let key = json!(task.id);
        self.spoil("task", &key, "updated_at", json!(NO_TIME)).await;
    }

    async fn failed_tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for number in 0..5 {
            tasks.push(self.failed(&format!("user {number}"), "No.").await);
        }
        tasks
    }
}

fn users(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| &*task.user_id).collect()
}

pub async fn a_task_is_left_out_of_lists<B: Operated>() {
    let store = Store::<B>::start();
    let tasks = store.failed_tasks().await;
    store.spoil_task(&tasks[2]).await;
    let all = pages(&store, &TaskFilter::default(), 2).await.1;
    let all: Vec<_> = all.into_iter().map(|record| record.task).collect();
    assert_eq!(users(&all), ["user 4", "user 3", "user 1", "user 0"]);
    let filter = TaskFilter {
        user: Some("user 2".into()),
        ..TaskFilter::default()
    };
    assert_eq!(store.operator().count(filter).await, Ok(1));
    // For its user likewise, even if it has no place in the order.
    let other = store.pending("user 2").await;
    for column in ["updated_at", "created_at"] {
        let key = json!(tasks[2].id);
        store.spoil("task", &key, column, json!(NO_TIME)).await;
        let listed = store.tasks.list("user 2", None, 10, None::<Position>).await;
        assert_eq!(listed.unwrap().items, from_ref(&other), "{column}");
    }
}

pub async fn a_task_keeps_no_other_from_being_due<B: Operated>() {
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for user in ["ann", "bob", "cid"] {
        tasks.push(store.pending(user).await);
    }
    store.spoil_task(&tasks[0]).await;
    assert_eq!(store.maintenance.recover(true).await, Ok(3));
    for round in 0..2 {
        let mut due = Vec::new();
        for _ in 0..3 {
            due.extend(store.maintenance.due(1).await.unwrap());
        }
        assert_eq!(users(&due), ["bob", "cid"], "round {round}");
        let next = store.maintenance.next_due().await.unwrap();
        assert!(next > Some(store.now()), "round {round}: {next:?}");
        store.pass(OVERDUE);
    }
    store
        .spoil("task", &json!(tasks[0].id), "created_at", json!(NO_TIME))
        .await;
    assert_eq!(store.operator().queue().await.unwrap().pending, 3);
    assert_eq!(store.maintenance.tally().await.unwrap().pending, 3);
}

pub async fn a_task_keeps_no_job_from_the_others<B: Operated>() {
    let store = Store::<B>::start();
    let tasks = store.failed_tasks().await;
    store.spoil_task(&tasks[2]).await;
    store.pass(Duration::from_secs(60));
    let job = store
        .started(Action::Retry, of_status(Status::Failed), 5)
        .await;
    let (job, created) = store.end_job(&job, 2).await;
    assert_eq!((job.done, job.failed), (4, 1), "{job:?}");
    assert_eq!(users(&created), ["user 4", "user 3", "user 1", "user 0"]);
}

/// It is given up, since it would be due for ever.
pub async fn a_delivery_keeps_no_other_from_being_made<B: Operated>() {
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for user in ["ann", "bob", "cid"] {
        tasks.push(failed(&store, user, "receiver").await);
    }
    let key = json!(tasks[0].id);
    let half = json!("{\"half\": ");
    store.spoil("task", &key, "state", half).await;
    store.spoil_task(&tasks[1]).await;
    store.maintenance.recover(true).await.unwrap();
    let claimed = claim(&store).await;
    let of: Vec<_> = claimed.iter().map(|due| &*due.task.user_id).collect();
    assert_eq!(of, ["cid"]);
    let recorded = record(&store, &claimed[0].lease, 200).await;
    assert_eq!(recorded, Fenced::Done);
    assert_eq!(store.webhooks.next_delivery().await, Ok(None));
}

pub async fn a_job_and_an_act_hide_no_other<B: Operated>() {
    let store = Store::<B>::start();
    let mut jobs = Vec::new();
    for user in ["ann", "bob"] {
        store.pending(user).await;
        let filter = TaskFilter {
            user: Some(user.into()),
            ..TaskFilter::default()
        };
        jobs.push(store.started(Action::Cancel, filter, 1).await);
    }
    let operator = store.operator();
    store
        .spoil("job", &json!(jobs[0].id), "content", json!("{\"v\":1}"))
        .await;
    assert_eq!(operator.unfinished_jobs().await.unwrap().len(), 2);
    assert_eq!(operator.job(&jobs[0].id).await, Ok(None));
    assert_eq!(operator.advance_job(&jobs[0].id, vec![]).await, Ok(None));
    let (job, _) = store.end_job(&jobs[1], 10).await;
    assert_eq!(job.done, 1);

    let acts = operator.audit(10, None).await.unwrap();
    assert_eq!(acts.len(), 2);
    let number = json!(acts[0].number);
    store
        .spoil("audit_entry", &number, "at", json!(NO_TIME))
        .await;
    assert_eq!(operator.audit(10, None).await.unwrap(), acts[1..]);
}

//! Finding tasks, compared with a search that looks at each of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use concept_refinement_capability::administration::{MAX_ROWS, TaskFilter};
use concept_refinement_capability::moving::{Record, Records, TASKS};
use concept_refinement_domain::capability::{Position, TaskFailure};
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::step::StepKind;
use concept_refinement_domain::task::{Status, id_at};
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::{Value, json};

use super::{MOMENT, Operated, of_status};
use crate::tasks::{START, Store};

const USERS: [&str; 3] = ["ann", "bob", "odd \0 \u{1a}"];

/// Of each user some tasks that have ended, in turns, and one that has not.
async fn fill<B: Operated>(store: &Store<B>) -> Vec<TaskRecord> {
    let mut ids = Vec::new();
    for round in 0..5_u32 {
        for (number, user) in USERS.into_iter().enumerate() {
            let claimed = {
                let task = store.pending(user).await;
                store.claim(&task).await
            };
            let id = claimed.task.id.clone();
            let model = ["fast", "slow"][(round as usize + number) % 2];
            let detail = format!("{model}: answered, 20 ms");
            store.leases.add_step(&id, 1, StepKind::Asked, &detail);
            match round % 3 {
                0 => drop(store.finish(&claimed).await),
                kind => {
                    let why = ["It was refused \0.", "It broke off."][kind as usize - 1];
                    let failure = TaskFailure::new(why);
                    let failed = store.leases.fail(&claimed.lease, &failure).await;
                    let _ = failed.unwrap();
                }
            }
            ids.push(id);
        }
    }
    for (user, is_claimed) in USERS.into_iter().zip([false, true, false]) {
        let task = store.pending(user).await;
        if is_claimed {
            store.claim(&task).await;
        }
        ids.push(task.id);
    }
    let mut records = Vec::new();
    for id in ids {
        records.push(store.record(&id).await);
    }
    records
}

fn matches(filter: &TaskFilter, record: &TaskRecord) -> bool {
    let task = &record.task;
    let has_asked = |model: &String| {
        let mut asked = record
            .steps
            .iter()
            .filter(|step| step.kind == StepKind::Asked);
        asked.any(|step| step.detail.unwrap().starts_with(&format!("{model}: ")))
    };
    let contains = |part: &String| {
        let error = task.error_message.as_ref();
        error.is_some_and(|error| error.contains(part))
    };
    filter.status.is_none_or(|status| status == task.status)
        && filter
            .user
            .as_ref()
            .is_none_or(|user| *user == task.user_id)
        && filter.since.is_none_or(|since| task.created_at >= since)
        && filter.until.is_none_or(|until| task.created_at < until)
        && filter.error.as_ref().is_none_or(contains)
        && filter.model.as_ref().is_none_or(has_asked)
}

/// All filters of some values.
fn filters(middle: Timestamp) -> Vec<TaskFilter> {
    let mut filters = Vec::new();
    let maybe = |text: &str| Some(text.to_owned());
    for status in [None].into_iter().chain(Status::ALL.map(Some)) {
        for user in [None, maybe("bob"), maybe(USERS[2]), maybe("nobody")] {
            for (since, until) in [
                (None, None),
                (Some(middle), None),
                (None, Some(middle)),
                (Some(middle), Some(middle.plus(3 * MOMENT))),
            ] {
                for (error, model) in [
                    (None, None),
                    (maybe("refused \0"), None),
                    (None, maybe("fast")),
                    (maybe("It"), maybe("slow")),
                ] {
                    filters.push(TaskFilter {
                        status,
                        user: user.clone(),
                        since,
                        until,
                        error,
                        model,
                    });
                }
            }
        }
    }
    filters
}

/// Of each page its length, and all of them.
pub(super) async fn pages<B: Operated>(
    store: &Store<B>,
    filter: &TaskFilter,
    limit: u32,
) -> (Vec<usize>, Vec<TaskRecord>) {
    let (mut lengths, mut all, mut after) = (Vec::new(), Vec::new(), None);
    loop {
        let page = store.operator().search(filter.clone(), limit, after).await;
        let page = page.unwrap();
        lengths.push(page.items.len());
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return (lengths, all);
        }
    }
}

pub async fn each_filter_finds_what_matches_it<B: Operated>() {
    let store = Store::<B>::start();
    let mut records = fill(&store).await;
    records.reverse();
    let middle = records[records.len() / 2].task.created_at;
    for filter in filters(middle) {
        let expected: Vec<_> = records.iter().filter(|it| matches(&filter, it)).collect();
        for limit in [2, 100] {
            let (lengths, found) = pages(&store, &filter, limit).await;
            let found: Vec<_> = found.iter().collect();
            assert_eq!(found, expected, "{filter:?}");
            let full = lengths.split_last().unwrap().1;
            assert!(full.iter().all(|length| *length == limit as usize));
        }
        let count = store.operator().count(filter.clone()).await;
        assert_eq!(count, Ok(expected.len() as u64), "{filter:?}");
    }
}

pub async fn a_task_is_found_by_its_id<B: Operated>() {
    let store = Store::<B>::start();
    let task = store.pending("ada").await;
    assert_eq!(store.record(&task.id).await.task, task);
    for unknown in ["", "x", &store.new_id()] {
        assert_eq!(store.operator().find(unknown).await, Ok(None), "{unknown}");
    }
}

/// Which tasks are there when a page is asked for counts, not when the first one was.
pub async fn what_is_deleted_between_pages_is_left_out<B: Operated>() {
    let store = Store::<B>::start();
    let mut tasks = Vec::new();
    for number in 0..4 {
        tasks.push(store.pending(&format!("user {number}")).await);
    }
    let filter = of_status(Status::Pending);
    let first = store.operator().search(filter.clone(), 2, None).await;
    let first = first.unwrap();
    let last = Position {
        created_at: tasks[2].created_at,
        id: tasks[2].id.clone(),
    };
    assert_eq!(first.next, Some(last));
    for deleted in [&tasks[2], &tasks[1]] {
        let done = store.tasks.delete(&deleted.user_id, &deleted.id).await;
        assert_eq!(done, Ok(true));
    }
    let second = store
        .operator()
        .search(filter, 2, first.next)
        .await
        .unwrap();
    let ids: Vec<_> = second.items.iter().map(|it| &it.task.id).collect();
    assert_eq!(ids, [&tasks[0].id]);
    assert_eq!(second.next, None);
}

fn failed(number: u64, error: &str) -> Record {
    let at = START.plus(MOMENT * u32::try_from(number).unwrap());
    let cells = json!({
        "id": id_at(at, 0), "user_id": format!("user {}", number % 100), "is_anonymous": 0,
        "status": "failed", "created_at": at.0, "completed_at": at.0, "revision": 2,
        "request": json!({ "v": 1, "original_image_url": "", "refinement_prompt": "" }).to_string(),
        "state": json!({ "v": 1, "error_message": error, "attempt": 1 }).to_string(),
    });
    let columns = TASKS.columns.split(", ");
    let value = |column| cells.get(column).cloned().unwrap_or(Value::Null);
    columns.map(value).collect()
}

async fn restore<B: Operated>(store: &Store<B>, tasks: &[Record]) {
    let records: Arc<dyn Records> = store.backend.engine();
    for some in tasks.chunks(500) {
        records.restore(&TASKS, some.to_vec()).await.unwrap();
    }
}

/// Who looks through many tasks at once waits for a seat, and users do not wait.
pub async fn users_are_served_while_all_seats_are_taken<B: Operated>() {
    const COUNTS: usize = 40;
    let store = Store::<B>::start();
    let rows: Vec<_> = (0..5_000).map(|number| failed(number, "No.")).collect();
    restore(&store, &rows).await;
    let task = store.pending("ada").await;
    let filter = TaskFilter {
        model: Some("fast".into()),
        ..TaskFilter::default()
    };
    let counted = Arc::new(AtomicUsize::new(0));
    let counts: Vec<_> = (0..COUNTS)
        .map(|_| {
            let (operator, filter) = (store.operator(), filter.clone());
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                assert_eq!(operator.count(filter).await, Ok(0));
                counted.fetch_add(1, Ordering::Relaxed);
            })
        })
        .collect();
    // So that all of them ask before the user does.
    while counted.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let begin = counted.load(Ordering::Relaxed);
    assert_eq!(store.find(&task).await, Some(task.clone()));
    let meanwhile = counted.load(Ordering::Relaxed) - begin;
    assert!(meanwhile < COUNTS / 4, "it waited for {meanwhile} of them");
    for count in counts {
        count.await.unwrap();
    }
}

/// So that no search takes long; the next page goes on.
pub async fn a_page_looks_at_so_many_tasks<B: Operated>() {
    let store = Store::<B>::start();
    let beyond = 500;
    let all: Vec<_> = (0..(MAX_ROWS + beyond) as u64)
        .map(|number| match number {
            7 => failed(number, "It was refused."),
            _ => failed(number, "It broke off."),
        })
        .collect();
    restore(&store, &all).await;
    store.pass(Duration::from_secs(60));
    let filter = TaskFilter {
        error: Some("refused".into()),
        ..TaskFilter::default()
    };
    let (lengths, found) = pages(&store, &filter, 10).await;
    assert_eq!(lengths, [0, 1]);
    assert_eq!(found[0].task.user_id, "user 7");
    assert_eq!(store.operator().count(filter).await, Ok(1));
}

//! Rows of version 0.1 in the form of this version: pure functions, the same for every
//! engine, so that a store that is upgraded equals one that is moved.
//!
//! A row is never refused: what 0.1 could not read either stays unreadable.

use std::time::{Duration, Instant};

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::concept::ConceptContent;
use concept_refinement_domain::document::{self, OtherFields};
use concept_refinement_domain::payment::Payment;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::step::Steps;
use concept_refinement_domain::task::{Refinement, Task};
use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_domain::trace::TraceContext;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::administration::{Action, Job, TaskFilter};
use crate::moving::{CONCEPTS, JOBS, Record, TASKS, Table};

/// Rows of a table that are rewritten to another one.
pub struct Rewrite {
    /// The table that is read. The engine gives the table of the earlier version this name
    /// for the time of the upgrade.
    pub from: Table,
    /// The table that is filled.
    pub to: &'static Table,
    /// Adds values of columns that the first table lacks.
    pub add: fn(&mut Row),
}

/// A row that is rewritten: the names of its columns, and their values.
pub struct Row(Vec<(&'static str, Value)>);

/// The tables of which 0.1 had another form.
pub static FROM_0_1: [Rewrite; 3] = [
    Rewrite {
        from: Table {
            name: "task_of_0_1",
            known_as: "tasks",
            key: "id",
            // The notes are those of its concept.
            columns: "id, user_id, is_anonymous, status, original_image_url, refinement_prompt, \
                 logo_description, theme_description, original_path, created_at, updated_at, \
                 completed_at, result_id, image_path, error_message, lease_until, lease, attempt, \
                 deaths, revision, payment, due_at, delivery, receiver, delivery_due_at, retry_of, \
                 trace, steps, \
                 (SELECT notes FROM concept_of_0_1 WHERE concept_of_0_1.task_id = task_of_0_1.id) \
                 AS notes",
        },
        to: &TASKS,
        add: task,
    },
    Rewrite {
        from: Table {
            name: "concept_of_0_1",
            known_as: "concepts",
            key: "id",
            columns: "id, task_id, user_id, is_anonymous, image_path, image_url, \
                 original_image_url, refinement_prompt, logo_description, theme_description, \
                 color_palettes, notes, created_at",
        },
        to: &CONCEPTS,
        add: concept,
    },
    Rewrite {
        from: Table {
            name: "job_of_0_1",
            known_as: "jobs",
            key: "id",
            columns: "id, action, filter, created_at, ended_at, total, done, failed, \
                 task_created_at, task_id",
        },
        to: &JOBS,
        add: job,
    },
];

/// An upgrade that takes longer says how far it is.
const QUIET: Duration = Duration::from_secs(10);

/// How often it says it then.
const INTERVAL: Duration = Duration::from_secs(5);

/// Logs how far an upgrade is.
pub struct Progress {
    begin: Instant,
    next: Duration,
}

impl Progress {
    /// The upgrade begins now.
    pub fn start() -> Self {
        Self {
            begin: Instant::now(),
            next: QUIET,
        }
    }

    /// `rows`: what is rewritten, as `tasks`.
    pub fn report(&mut self, rows: &str, done: u64, all: u64) {
        let elapsed = self.begin.elapsed();
        if elapsed >= self.next {
            self.next = elapsed + INTERVAL;
            let (done, all) = (grouped(done), grouped(all));
            tracing::info!("upgrading the {rows}: {done} of {all}");
        }
    }
}

/// With a comma before each three digits.
fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", grouped(number / 1_000), number % 1_000),
    }
}

impl Rewrite {
    /// Makes rows of the second table from those of the first. A column that both have keeps
    /// its value; one that nothing gives a value is null.
    pub fn rows(&self) -> impl Fn(Record) -> Record {
        let from: Vec<_> = names(&self.from).collect();
        let to: Vec<_> = names(self.to).collect();
        let add = self.add;
        move |row| {
            let mut row = Row(from.iter().copied().zip(row).collect());
            add(&mut row);
            to.iter().map(|column| row.take(column)).collect()
        }
    }
}

/// The names of a table's columns. That of an expression is its last word.
fn names(table: &Table) -> impl Iterator<Item = &'static str> {
    let columns = table.columns.split(", ");
    columns.map(|column| column.rsplit_once(' ').map_or(column, |(_, name)| name))
}

impl Row {
    /// Gives a new column a value.
    pub fn set(&mut self, column: &'static str, value: impl Into<Value>) {
        self.0.push((column, value.into()));
    }

    /// A number; 0 if there is none.
    pub fn number<T: TryFrom<u64> + Default>(&self, column: &str) -> T {
        let number = self.get(column).and_then(Value::as_u64).map(T::try_from);
        number.and_then(Result::ok).unwrap_or_default()
    }

    fn get(&self, column: &str) -> Option<&Value> {
        let found = self.0.iter().find(|(name, _)| *name == column);
        found.map(|(_, value)| value)
    }

    fn take(&mut self, column: &str) -> Value {
        let found = self.0.iter_mut().find(|(name, _)| *name == column);
        found.map(|(_, value)| value.take()).unwrap_or_default()
    }

    fn text(&self, column: &str) -> Option<String> {
        self.get(column)?.as_str().map(str::to_owned)
    }

    /// None: there is none, or it cannot be read.
    fn json<T: DeserializeOwned>(&self, column: &str) -> Option<T> {
        serde_json::from_str(self.get(column)?.as_str()?).ok()
    }
}

fn task(row: &mut Row) {
    // Only what is in the documents matters here.
    let record = TaskRecord {
        task: Task {
            refinement: Refinement {
                original_image_url: row.text("original_image_url"),
                refinement_prompt: row.text("refinement_prompt").unwrap_or_default(),
                logo_description: row.text("logo_description"),
                theme_description: row.text("theme_description"),
                ..Refinement::default()
            },
            result_id: row.text("result_id"),
            notes: row.json("notes").unwrap_or_default(),
            error_message: row.text("error_message"),
            ..Task::default()
        },
        attempt: row.number("attempt"),
        deaths: row.number("deaths"),
        payment: row.json::<Payment>("payment").unwrap_or_default(),
        delivery: row.json("delivery"),
        retry_of: row.text("retry_of"),
        trace: row
            .text("trace")
            .and_then(|trace| TraceContext::parse(trace.as_bytes())),
        steps: steps_of(&row.text("steps").unwrap_or_default()),
        ..TaskRecord::default()
    };
    row.set("request", record.request());
    row.set("state", record.state());
}

/// A line for each step. Lines that cannot be read are skipped.
fn steps_of(lines: &str) -> Steps {
    let all = |lines: &[&str]| serde_json::from_str::<Steps>(&format!("[{}]", lines.join(",")));
    let lines: Vec<_> = lines.lines().collect();
    all(&lines).unwrap_or_else(|_| {
        let mut lines = lines;
        lines.retain(|line| all(&[line]).is_ok());
        all(&lines).unwrap_or_default()
    })
}

fn concept(row: &mut Row) {
    let text = |column: &str| row.text(column).unwrap_or_default();
    let content = ConceptContent {
        task_id: text("task_id"),
        user_id: text("user_id"),
        is_anonymous: row.get("is_anonymous").is_none_or(|flag| *flag != 0),
        image_path: text("image_path"),
        image_sha256: None,
        image_url: text("image_url"),
        original_image_url: text("original_image_url"),
        parent_id: None,
        refinement_prompt: text("refinement_prompt"),
        logo_description: row.text("logo_description"),
        theme_description: row.text("theme_description"),
        color_palettes: row.json("color_palettes").unwrap_or_default(),
        notes: row.json("notes").unwrap_or_default(),
        provenance: None,
        other: OtherFields::default(),
    };
    row.set("content", document::write(&content));
}

fn job(row: &mut Row) {
    // Some jobs have their obstacles beside the parts of the filter.
    let mut filter: Map<String, Value> = row.json("filter").unwrap_or_default();
    let obstacles = filter.remove("obstacles");
    let obstacles = obstacles.and_then(|found| serde_json::from_value(found).ok());
    let position = row.get("task_created_at").and_then(Value::as_u64);
    let position = position.zip(row.text("task_id"));
    let content = row
        .text("action")
        .and_then(|action| Action::of(&action))
        .zip(serde_json::from_value(Value::Object(filter)).ok())
        .map(|(action, filter): (Action, TaskFilter)| {
            document::write(&Job {
                id: String::new(),
                action,
                filter,
                created_at: Timestamp::default(),
                ended_at: None,
                total: row.number("total"),
                done: row.number("done"),
                failed: row.number("failed"),
                obstacles: obstacles.unwrap_or_default(),
                position: position.map(|(created_at, id)| Position {
                    created_at: Timestamp(created_at),
                    id,
                }),
                other: OtherFields::default(),
            })
        });
    row.set("content", content.unwrap_or_else(|| "{}".to_owned()));
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::task::Status;
    use serde_json::json;

    use super::*;

    fn task(row: Record) -> Record {
        FROM_0_1[0].rows()(row)
    }

    fn concept(row: Record) -> Record {
        FROM_0_1[1].rows()(row)
    }

    fn job(row: Record) -> Record {
        FROM_0_1[2].rows()(row)
    }

    fn as_text(record: &Record, index: usize) -> &str {
        record[index].as_str().unwrap()
    }

    #[test]
    fn a_task_has_two_documents() {
        let steps = "[1,\"submitted\",0,\"one\",null]\n[2,\"cla\n[3,\"lost\",1,null,null]\n";
        let row = json!([
            "id",
            "ada",
            1,
            "completed",
            "https://example.com/a.png",
            "Make it lighter",
            null,
            "A theme",
            "a.png",
            5,
            6,
            7,
            "result",
            "refined.png",
            null,
            null,
            null,
            2,
            1,
            4,
            "{\"calls\":1,\"receipts\":{\"a\":\"AP8=\"}}",
            null,
            "{\"url\":\"https://a.example\",\"origin\":\"o\",\"state\":\"pending\",\
             \"attempts\":[],\"next_attempt_at\":8,\"waits\":1,\"token\":2,\"lease_until\":null}",
            "https://a.example",
            8,
            "first",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            steps,
            "[\"A note.\"]"
        ]);
        let row = task(row.as_array().unwrap().clone());
        let columns = json!([
            "id",
            "ada",
            1,
            "a.png",
            5,
            "completed",
            6,
            7,
            "refined.png",
            null,
            null,
            4,
            null,
            "https://a.example",
            8
        ]);
        assert_eq!(row[..15], *columns.as_array().unwrap());
        assert_eq!(
            as_text(&row, 15),
            r#"{"v":1,"original_image_url":"https://example.com/a.png","refinement_prompt":"Make it lighter","logo_description":null,"theme_description":"A theme","retry_of":"first","trace":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}"#
        );
        assert_eq!(
            as_text(&row, 16),
            r#"{"v":1,"result_id":"result","notes":["A note."],"attempt":2,"deaths":1,"payment":{"calls":1,"receipts":{"a":"AP8="}},"delivery":{"url":"https://a.example","origin":"o","state":"pending","attempts":[],"next_attempt_at":8,"waits":1,"token":2,"lease_until":null},"steps":[[1,"submitted",0,"one",null],[3,"lost",1,null,null]]}"#
        );
    }

    #[test]
    fn a_concept_and_a_job_have_one_document() {
        let row = json!([
            "id",
            "task",
            "ada",
            0,
            "a.png",
            "/a.png",
            "https://example.com/a.png",
            "Make it lighter",
            "A bean",
            null,
            "[]",
            "[\"A note.\"]",
            5
        ]);
        let row = concept(row.as_array().unwrap().clone());
        let columns = json!(["id", "task", "ada", 0, "a.png", 5, null, null]);
        assert_eq!(row[..8], *columns.as_array().unwrap());
        let content: ConceptContent = document::read(as_text(&row, 8)).unwrap();
        assert_eq!(content.notes, ["A note."]);
        assert_eq!(content.logo_description.as_deref(), Some("A bean"));

        for filter in [
            r#"{"status":"failed"}"#,
            r#"{"status":"failed","obstacles":{"retried":2}}"#,
        ] {
            let row = json!(["id", "retry", filter, 5, null, 9, 3, 2, 4, "task"]);
            let row = job(row.as_array().unwrap().clone());
            assert_eq!(row[..3], *json!(["id", 5, null]).as_array().unwrap());
            let job: Job = document::read(as_text(&row, 3)).unwrap();
            assert_eq!((job.total, job.done, job.failed), (9, 3, 2));
            assert_eq!(job.filter.status, Some(Status::Failed));
            assert_eq!(
                job.obstacles.len(),
                usize::from(filter.contains("obstacles"))
            );
            assert_eq!(
                job.position.map(|position| position.id).as_deref(),
                Some("task")
            );
        }
    }

    #[test]
    fn numbers_are_told_in_thousands() {
        let numbers = [0, 999, 1_000, 1_300_005].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,300,005"]);
    }

    #[test]
    fn what_cannot_be_read_is_kept_or_left_out() {
        let row = task(vec![Value::Null; 29]);
        assert_eq!(as_text(&row, 16), r#"{"v":1,"attempt":0,"steps":[]}"#);
        let row = job(vec![Value::Null; 10]);
        assert!(document::read::<Job>(as_text(&row, 3)).is_err());
        assert_eq!(concept(vec![Value::Null; 13]).len(), 9);
    }
}

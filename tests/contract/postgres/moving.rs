//! Records that are moved from SQLite to Postgres are there what they were, however many
//! are read and written at once.

use std::sync::Arc;

use concept_refinement_capability::clock::{ManualClock, SystemClock};
use concept_refinement_capability::moving::{
    Record, Records, TABLES, Table, UNFINISHED_MOVE, UPLOAD_RESERVATIONS,
};
use concept_refinement_capability::tasks::Options;
use concept_refinement_embedded::tasks::SqliteTasks;
use concept_refinement_tests::postgres::new_schema;
use serde_json::{Value, json};

use super::{FIFTEEN, open};
use crate::tasks::{Rules, START};

/// U+0000, which Postgres does not have, and what stands for it there.
const ODD: &str = "a\u{0}b\u{1a}0\"\\☕";

fn id(number: u32) -> String {
    format!("0190c0de-0000-7000-8000-{number:012x}")
}

/// Of each table more than one, wherever it can have them, and in each column a value.
fn records(table: &Table) -> Vec<Record> {
    let (now, hash) = (START.0, "00ff".repeat(16));
    let text = |document: Value| document.to_string();
    let rows = match table.name {
        "task" => json!([
            {
                "id": id(1), "user_id": ODD, "is_anonymous": 1, "status": "failed",
                "original_path": "uploads/a/b.png", "created_at": now, "updated_at": now + 1,
                "completed_at": now + 2, "image_path": "refined/a/b.png",
                "revision": 1_u64 << 40, "receiver": "https://a.example",
                "delivery_due_at": now + 3, "request": text(json!({ "a": ODD })),
                "state": text(json!({ "v": 1, "error_message": ODD })),
            },
            {
                "id": id(2), "user_id": "bob", "is_anonymous": 0, "status": "processing",
                "created_at": now, "lease_until": now + 1, "lease": 30_000_000, "revision": 0,
                "due_at": now + 2, "request": "", "state": "{}",
            },
        ]),
        "concept" => json!([
            {
                "id": id(3), "task_id": id(1), "user_id": ODD, "is_anonymous": 1,
                "image_path": ODD, "created_at": now, "image_sha256": hash, "parent_id": id(4),
                "content": text(json!({ "notes": [ODD, "", ","] })),
            },
            {
                "id": id(4), "task_id": id(2), "user_id": "bob", "is_anonymous": 0,
                "image_path": "", "created_at": 0, "content": "é",
            },
        ]),
        "account" => json!([
            ["ada", "[]", now],
            [ODD, "[{\"window\":\"hour\"}]", now + 1],
        ]),
        "ledger" => json!([
            ["ada", now, "openai", "ada", 60_000, 0, 1],
            [ODD, now + 1, ODD, null, 0, 1_u64 << 40, 0],
        ]),
        "idempotency_key" => json!([
            ["ada", "a", hash, id(1), 1, ODD, now],
            ["ada", ODD, hash, id(2), 0, null, now],
            ["", "a", hash, id(3), 0, null, now],
        ]),
        "tombstone" => json!([[id(5), now], [id(6), now + 1]]),
        "session" => json!([["", now], ["a", now + 1], [ODD, now]]),
        "last_round" => json!([[0, now, 5]]),
        "upload_reservation" => json!([
            ["tag", "uploads", "a", 1, ODD],
            ["tag", "uploads", "b", 1_u64 << 40, null],
            ["tag", "refined", "a", 0, null],
        ]),
        "queue_pause" => json!([[0, now]]),
        "audit_entry" => json!([
            [3, now, ODD, "retry", id(1), ODD, 1],
            [7, now + 1, "", "pause", "queue", "", 1_u64 << 40],
        ]),
        "job" => json!([
            [id(7), now, null, text(json!({ "error": ODD }))],
            [id(8), now, now + 1, "{}"],
        ]),
        "deadline" => json!([[id(1), now], [id(2), now + 1]]),
        "last_claim" => json!([["", now], [ODD, now + 1]]),
        "unfinished_move" => json!([[0, ODD]]),
        other => panic!("{other}"),
    };
    let columns = || table.columns.split(", ");
    let record = |row: &Value| match row {
        Value::Object(cells) => {
            let cell = |column| cells.get(column).cloned().unwrap_or_default();
            columns().map(cell).collect()
        }
        cells => cells.as_array().unwrap().clone(),
    };
    rows.as_array().unwrap().iter().map(record).collect()
}

async fn read(store: &dyn Records, table: &'static Table, at_once: u32) -> Vec<Record> {
    let mut all: Vec<Record> = Vec::new();
    loop {
        let batch = store.records(table, all.last().cloned(), at_once).await;
        let batch = batch.unwrap();
        assert!(batch.len() <= usize::try_from(at_once).unwrap());
        if batch.is_empty() {
            return all;
        }
        all.extend(batch);
    }
}

fn sorted(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_by_key(|record| json!(record).to_string());
    records
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_sqlite_are_the_same_in_postgres() {
    let clock = Arc::<ManualClock>::default();
    let embedded = SqliteTasks::in_memory(Options::default(), clock).unwrap();
    let url = FIFTEEN.url(&new_schema());
    let shared = open(&url, None, Rules::default(), Arc::new(SystemClock));
    let stores: [&dyn Records; 2] = [&embedded, &*shared];
    for table in TABLES
        .into_iter()
        .chain([&UPLOAD_RESERVATIONS, &UNFINISHED_MOVE])
    {
        let name = table.name;
        let mut expected = records(table);
        for store in stores {
            store.restore(table, expected.clone()).await.unwrap();
            // What is there stays as it is.
            store.restore(table, expected.clone()).await.unwrap();
            for at_once in [1, 2, 500] {
                let found = read(store, table, at_once).await;
                assert_eq!(sorted(found), sorted(expected.clone()), "{name}");
            }
            expected = read(store, table, 500).await;
        }
        for store in stores {
            store.clear(&UNFINISHED_MOVE).await.unwrap();
            assert!(read(store, &UNFINISHED_MOVE, 1).await.is_empty());
        }
    }
}

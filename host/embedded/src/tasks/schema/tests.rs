use std::sync::Arc;

use concept_refinement_capability::administration::Administration;
use concept_refinement_capability::clock::ManualClock;
use concept_refinement_capability::concepts::Concepts;
use concept_refinement_capability::tasks::Tasks;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::task::Status;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::tasks::{FILE, Options, SqliteTasks};

/// Databases of these versions exist. A change of the tables is a new migration with the next
/// number, at the end of [`SCHEMA`]; nothing of a version that was released is changed.
#[test]
fn tables_change_by_a_new_number_only() {
    let sql = |migration: &Migration| {
        let of_step = |step: &Step| match step {
            Step::Sql(sql) => *sql,
            Step::Rewrite(_) => "",
        };
        migration.steps.iter().map(of_step).collect::<String>()
    };
    let [first, later @ ..] = &SCHEMA;
    let mut hash = Sha256::new().chain_update(sql(first));
    let first = hex(&hash.clone().finalize());
    for migration in later {
        hash.update(migration.version.to_be_bytes());
        hash.update(sql(migration));
    }
    let released = "07cfb64c5986f4c7c6da7ca9de8913b5cbed680774ad69805cf025f034506f66";
    assert_eq!(first, released, "version 20 was released with 0.1.0");
    let expected = "c3056983e4df74705b35c0245d30a8d3074916e3bbc51d471797927efdeaf28f";
    assert_eq!(hex(&hash.finalize()), expected, "see the comment");
}

/// The tables of version 0.1.0.
const OF_20: &str = include_str!("020.sql");

/// Rows as version 0.1.0 wrote them.
const OF_0_1: &str = r#"
    INSERT INTO task (id, user_id, is_anonymous, status, original_image_url, refinement_prompt,
        created_at, due_at, steps) VALUES
        ('0190c0de-0000-7000-8000-000000000001', 'ada', 0, 'pending', 'https://example.com/a.png',
        'Make it lighter', 5, 6, '[5,"submitted",0,"one",null]
');
    INSERT INTO task (id, user_id, is_anonymous, status, original_image_url, refinement_prompt,
        theme_description, original_path, created_at, updated_at, lease_until, lease, attempt,
        deaths, revision, payment, due_at, delivery, receiver, delivery_due_at, trace, steps) VALUES
        ('0190c0de-0000-7000-8000-000000000002', 'bob', 1, 'processing', 'a.png', 'b', 'c',
        'uploads/a.png', 5, 6, 9, 30000000, 2, 1, 3, '{"calls":1}', 9,
        '{"url":"https://a.example/b","origin":"o","state":"pending","attempts":[],"next_attempt_at":null,"waits":0,"token":0,"lease_until":null}',
        'https://a.example', 0, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '');
    INSERT INTO task (id, user_id, is_anonymous, status, original_image_url, refinement_prompt,
        created_at, updated_at, completed_at, result_id, image_path, attempt, revision, steps)
        VALUES ('0190c0de-0000-7000-8000-000000000003', 'ada', 0, 'completed', 'a', 'b', 3, 4, 4,
        'c', 'refined.png', 1, 2, '');
    INSERT INTO concept (id, task_id, user_id, is_anonymous, image_path, image_url,
        original_image_url, refinement_prompt, color_palettes, notes, created_at) VALUES
        ('c', '0190c0de-0000-7000-8000-000000000003', 'ada', 0, 'refined.png', '/refined.png', 'a',
        'b', '[]', '["A note."]', 4);
    INSERT INTO forgotten_task VALUES ('d', 1);
    INSERT INTO job VALUES ('e', 'retry', '{"status":"failed"}', 1, NULL, 3, 1, 0, 2, 'f');
"#;

#[tokio::test]
async fn what_0_1_stored_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(FILE);
    let connection = Connection::open(&file).unwrap();
    connection.execute_batch(OF_20).unwrap();
    connection
        .pragma_update(None, "application_id", APPLICATION_ID)
        .unwrap();
    connection.pragma_update(None, "user_version", 20).unwrap();
    connection.execute_batch(OF_0_1).unwrap();
    drop(connection);
    let clock = Arc::new(ManualClock::default());
    let store = SqliteTasks::open(directory.path(), Options::default(), clock).unwrap();
    let get = async |user, number| {
        let id = format!("0190c0de-0000-7000-8000-00000000000{number}");
        Tasks::get(&store, user, &id).await.unwrap().unwrap()
    };
    let pending = get("ada", 1).await;
    assert_eq!(pending.status, Status::Pending);
    assert_eq!(pending.refinement.refinement_prompt, "Make it lighter");
    let processing = get("bob", 2).await;
    assert_eq!(processing.original_path.as_deref(), Some("uploads/a.png"));
    let record = Administration::find(&store, &processing.id).await;
    let record = record.unwrap().unwrap();
    assert_eq!((record.attempt, record.deaths, record.revision), (2, 1, 3));
    assert_eq!(record.payment.calls, 1);
    assert_eq!(record.delivery.unwrap().webhook.url, "https://a.example/b");
    assert!(record.trace.is_some());
    let completed = get("ada", 3).await;
    assert_eq!(completed.notes, ["A note."]);
    assert_eq!(completed.image_path.as_deref(), Some("refined.png"));
    let concepts = Concepts::list(&store, "ada", 10, None).await.unwrap().items;
    assert_eq!(concepts.len(), 1);
    assert_eq!(concepts[0].content.image_url, "/refined.png");
    let count = |sql: &'static str| {
        store.write(move |tx| Ok(tx.connection.query_row(sql, [], |row| row.get(0))?))
    };
    let pending: i64 = count("SELECT pending FROM backlog").await.unwrap();
    let deleted: i64 = count("SELECT count(*) FROM tombstone").await.unwrap();
    assert_eq!((pending, deleted), (1, 1));
    drop(store);
    crate::sqlite::schema::verify(&file, &SCHEMA).unwrap();
}

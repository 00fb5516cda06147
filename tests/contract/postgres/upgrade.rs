//! What a host of 0.1 finds once a later one has upgraded the tables beside it: it is refused
//! wherever it could do harm, and sees that they are of another version.

use std::sync::Arc;

use concept_refinement_capability::clock::SystemClock;
use concept_refinement_tests::postgres::new_schema;

use super::{FIFTEEN, open};
use crate::tasks::Rules;

/// Functions of 0.1, with the number of their parameters: each submission, claim and write of
/// a worker calls one.
const CALLS: [(&str, usize); 5] = [
    ("active_task", 1),
    ("insert_task", 21),
    ("swap_task", 19),
    ("swap_task_and_account", 23),
    ("finish_task", 26),
];

/// Other statements of 0.1 that would change tasks, concepts or jobs, or make a host the leader.
const STATEMENTS: [&str; 12] = [
    "SELECT task.original_image_url, task.steps FROM schema.due_tasks (now(), 1) AS task",
    "SELECT task.payment FROM schema.find_task (gen_random_uuid()) AS task",
    "UPDATE schema.task SET delivery = '', delivery_due_at = now()",
    "UPDATE schema.task SET steps = ''",
    "INSERT INTO schema.task (id, user_id, is_anonymous, status, original_image_url) \
     VALUES (gen_random_uuid(), '', false, 'pending', '')",
    "WITH gone AS (DELETE FROM schema.task RETURNING id) \
     INSERT INTO schema.forgotten_task (id, forgotten_at) SELECT id, now() FROM gone",
    "WITH gone AS (DELETE FROM schema.concept RETURNING task_id) \
     INSERT INTO schema.forgotten_task (id, forgotten_at) SELECT task_id, now() FROM gone",
    "SELECT image_url, notes FROM schema.concept",
    "INSERT INTO schema.job (id, action) VALUES (gen_random_uuid(), 'retry')",
    "SELECT filter FROM schema.job",
    "SELECT sum(in_doubt) FROM schema.upload_total",
    "INSERT INTO schema.duty (name, holder, until) VALUES ('a', 'b', now())",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_0_1_changes_no_task() {
    let schema = new_schema();
    let store = open(
        &FIFTEEN.url(&schema),
        None,
        Rules::default(),
        Arc::new(SystemClock),
    );
    let of = |sql: &str| sql.replace("schema.", &format!("{schema}."));
    let calls = CALLS.map(|(function, parameters)| {
        let parameters = vec!["NULL"; parameters].join(", ");
        format!("SELECT schema.{function} ({parameters})")
    });
    for sql in calls.iter().map(String::as_str).chain(STATEMENTS) {
        assert!(!FIFTEEN.try_execute(&of(sql)), "{sql}");
    }
    let is_usable = "SELECT coalesce(max(version) = 16, false) FROM schema.schema_version";
    assert_eq!(FIFTEEN.query(&of(is_usable)), "f");
    drop(store);
}

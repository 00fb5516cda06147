//! `tasks list`

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::ArgMatches;
use concept_refinement_capability::clock::{Clock as _, SystemClock};
use concept_refinement_domain::sentence::reason;
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::Value;

use super::super::failure::Failure;
use super::super::operator::client::{Access, AdminClient};
use super::super::operator::filter::Filter;
use super::super::operator::pages::Pages;
use super::super::operator::shown::{items, span, text, text_if_any, timestamp};
use super::super::operator::table::{Column, Table, terminal_width};
use super::super::operator::{block_on, print_json};
use super::super::terminal::{escaped, print_to_reader, say};

const COLUMNS: &[Column] = &[
    Column::fixed("TASK"),
    Column::fixed("STATUS"),
    Column::fixed("AGE"),
    Column::flexible("USER"),
    Column::flexible("ERROR OR PROMPT"),
];

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let client = AdminClient::of(matches, Access::Read)?;
    let query = Filter::of(matches, SystemClock.now()).query();
    let limit = match matches.get_flag("all") {
        true => None,
        false => matches.get_one::<u64>("limit").copied(),
    };
    let pages = Pages::new(&client, "tasks", "tasks", query, limit);
    let as_json = matches.get_flag("json");
    block_on(async {
        match (as_json, limit) {
            (true, Some(_)) => Ok(print_json(&pages.joined().await?)?),
            (true, None) => print_lines(pages).await,
            (false, _) => print_table(pages).await,
        }
    })
}

/// A task on each line, as they arrive: there may be more than fit into memory.
async fn print_lines(mut pages: Pages<'_>) -> Result<(), Failure> {
    while let Some(tasks) = pages.next().await? {
        let lines: String = tasks.iter().map(|task| format!("{task}\n")).collect();
        if !print_to_reader(escaped(&lines))? {
            break;
        }
    }
    Ok(())
}

async fn print_table(mut pages: Pages<'_>) -> Result<(), Failure> {
    let mut table = Table::new(COLUMNS, terminal_width());
    while let Some(tasks) = pages.next().await? {
        let now = SystemClock.now();
        let rows: Vec<_> = tasks.iter().map(|task| row(task, now)).collect();
        if !print_to_reader(table.lines(&rows))? {
            return Ok(());
        }
    }
    if pages.has_more() && std::io::stdout().is_terminal() {
        say("there are more: --limit or --all shows them");
    }
    Ok(())
}

fn row(task: &Value, now: Timestamp) -> Vec<String> {
    let age = timestamp(task.get("created_at")).map(|created| now.since(created));
    // An age below a second only shows that clocks differ.
    let age = age.map(|age| span(age.max(Duration::from_secs(1))));
    let error = text_if_any(task.get("error_message"));
    let prompt = || text(task.pointer("/metadata/refinement_prompt"));
    vec![
        text(task.get("task_id")),
        status(task),
        age.unwrap_or_else(|| text(None)),
        text(task.get("user_id")),
        error.map_or_else(prompt, |error| reason(&error).to_owned()),
    ]
}

/// With a mark if the task was retried.
fn status(task: &Value) -> String {
    let status = text(task.get("status"));
    let mut steps = items(task, "steps");
    let is_retried = steps.any(|step| step.get("step").is_some_and(|kind| kind == "retried"));
    match is_retried {
        true => format!("{status}, retried"),
        false => status,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_shows_what_there_is() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let failed = "Error in refinement task processing: Image refinement failed: no";
        for (task, expected) in [
            (
                json!({
                    "task_id": "7", "status": "failed", "created_at": "2026-11-20T09:00:00Z",
                    "user_id": "ada\u{1b}[2J", "error_message": failed,
                    "metadata": {"refinement_prompt": "lighter"},
                    "steps": [{"step": "failed"}, {"step": "retried", "detail": "8"}],
                }),
                ["7", "failed, retried", "3 h", "ada\u{fffd}[2J", "no"],
            ),
            (
                json!({
                    "task_id": "8", "status": "pending", "created_at": "2026-11-20T12:00:09Z",
                    "user_id": "b", "metadata": {"refinement_prompt": "lighter\r\nnow"},
                }),
                ["8", "pending", "1.0 s", "b", "lighter now"],
            ),
            (
                json!({"task_id": ["odd"], "metadata": 7, "steps": ["retried", {"step": 7}]}),
                ["-", "-", "-", "-", "-"],
            ),
            (json!("odd"), ["-", "-", "-", "-", "-"]),
        ] {
            assert_eq!(row(&task, now), expected);
        }
    }
}

//! `tasks show`

use std::fmt::Write as _;

use clap::ArgMatches;
use serde_json::Value;

use super::super::failure::Failure;
use super::super::operator::client::{Access, AdminClient};
use super::super::operator::id::whole;
use super::super::operator::shown::{exact_time, items, span, text, text_if_any, timestamp};
use super::super::operator::table::{Column, Table, terminal_width};
use super::super::operator::{block_on, print_json};
use super::super::terminal::print;

/// The fields that are shown of a task, if it has them: a label, and the place in the
/// response.
const FACTS: [(&str, &str); 14] = [
    ("task", "/task_id"),
    ("status", "/status"),
    ("user", "/user_id"),
    ("created", "/created_at"),
    ("updated", "/updated_at"),
    ("ended", "/completed_at"),
    ("attempt", "/attempt"),
    ("retry of", "/retry_of"),
    ("prompt", "/metadata/refinement_prompt"),
    ("original", "/metadata/original_image_url"),
    ("logo", "/metadata/logo_description"),
    ("theme", "/metadata/theme_description"),
    ("image", "/image_url"),
    ("error", "/error_message"),
];

const STEPS: &[Column] = &[
    Column::fixed("AT (UTC)"),
    Column::fixed("AFTER"),
    Column::fixed("STEP"),
    Column::fixed("ATTEMPT"),
    Column::flexible("HOST"),
    Column::flexible("DETAIL"),
];

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let client = AdminClient::of(matches, Access::Read)?;
    let id = matches.get_one::<String>("id").cloned().unwrap_or_default();
    let task = block_on(async {
        let id = whole(&client, &id).await?;
        let found = client.get(&format!("tasks/{id}"), &[]).await;
        Ok(found.map_err(|problem| problem.or_missing(format!("there is no task {id}")))?)
    })?;
    match matches.get_flag("json") {
        true => print_json(&task)?,
        false => print(shown(&task, terminal_width()))?,
    }
    Ok(())
}

fn shown(task: &Value, room: Option<usize>) -> String {
    let mut shown = String::new();
    for (label, place) in FACTS {
        let value = task.pointer(place);
        let fact = match label {
            "created" | "updated" | "ended" => {
                text_if_any(value).map(|_| format!("{} UTC", exact_time(value)))
            }
            _ => text_if_any(value),
        };
        if let Some(fact) = fact {
            line(label, &fact, &mut shown);
        }
    }
    if let Some(webhook) = task.get("webhook").filter(|webhook| webhook.is_object()) {
        let state = text(webhook.get("state"));
        let url = text_if_any(webhook.get("url")).map(|url| format!(", {url}"));
        let fact = format!("{state}{}", url.unwrap_or_default());
        line("webhook", &fact, &mut shown);
        for attempt in items(webhook, "attempts") {
            line("", &delivery(attempt), &mut shown);
        }
    }
    let rows = steps(task);
    if !rows.is_empty() {
        shown.push('\n');
        shown.push_str(&Table::new(STEPS, room).lines(&rows));
    }
    shown
}

fn line(label: &str, fact: &str, shown: &mut String) {
    // Writing to a string cannot fail.
    let _ = writeln!(shown, "{label:9} {fact}");
}

/// An attempt to deliver a webhook.
fn delivery(attempt: &Value) -> String {
    let at = exact_time(attempt.get("at"));
    let outcome = ["status", "error"].map(|name| text_if_any(attempt.get(name)));
    let outcome: Vec<_> = outcome.into_iter().flatten().collect();
    format!("{at} UTC: {}", outcome.join(", "))
}

/// The story, each step with the time since the previous one.
fn steps(task: &Value) -> Vec<Vec<String>> {
    let mut before = None;
    let steps = items(task, "steps").map(|step| {
        let at = timestamp(step.get("at"));
        let gap = at.zip(before).map(|(at, before)| span(at.since(before)));
        before = at.or(before);
        vec![
            exact_time(step.get("at")),
            gap.unwrap_or_default(),
            text(step.get("step")),
            text(step.get("attempt")),
            text(step.get("host")),
            text_if_any(step.get("detail")).unwrap_or_default(),
        ]
    });
    steps.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_task_is_shown_with_its_story() {
        let task = json!({
            "task_id": "7", "status": "failed", "user_id": "ada",
            "created_at": "2026-11-20T12:00:00.5Z", "updated_at": null,
            "completed_at": "2026-11-20T12:05:00Z", "attempt": 1, "retry_of": null,
            "metadata": {"refinement_prompt": "lighter\u{1b}[2J", "logo_description": null},
            "error_message": "Cancelled by the operator.",
            "webhook": {"state": "failed", "url": null, "attempts": [
                {"at": "2026-11-20T12:05:01Z", "status": 500, "error": "It answered 500."},
            ]},
            "steps": [
                {"at": "2026-11-20T12:00:00.5Z", "step": "submitted", "host": "one", "attempt": 0, "detail": null},
                {"at": "2026-11-20T12:00:02Z", "step": "stage", "host": "two", "attempt": 1, "detail": "downloading"},
                {"at": "odd\u{7}", "step": 7},
                {"at": "2026-11-20T12:05:00Z", "step": "cancelled", "host": null, "attempt": 1, "detail": null},
            ],
        });
        let expected = "\
task      7
status    failed
user      ada
created   2026-11-20 12:00:00.500 UTC
ended     2026-11-20 12:05:00.000 UTC
attempt   1
prompt    lighter\u{fffd}[2J
error     Cancelled by the operator.
webhook   failed
          2026-11-20 12:05:01.000 UTC: 500, It answered 500.

AT (UTC)                 AFTER  STEP       ATTEMPT  HOST  DETAIL
2026-11-20 12:00:00.500         submitted  0        one
2026-11-20 12:00:02.000  1.5 s  stage      1        two   downloading
odd\u{fffd}                            7          -        -
2026-11-20 12:05:00.000  4 min  cancelled  1        -
";
        assert_eq!(shown(&task, None), expected);
    }

    #[test]
    fn what_is_no_task_shows_nothing() {
        for odd in [
            json!(null),
            json!([1]),
            json!({"steps": 7, "webhook": {"attempts": {}}}),
        ] {
            let shown = shown(&odd, Some(80));
            assert!(shown.lines().count() < 2, "{shown}");
        }
    }
}

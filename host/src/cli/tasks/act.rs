//! `tasks retry`, `tasks cancel` and `tasks delete`

use clap::ArgMatches;
use concept_refinement_capability::administration::Action;
use serde_json::{Value, json};

use super::super::failure::Failure;
use super::super::operator::client::{Access, AdminClient, Problem};
use super::super::operator::id::whole;
use super::super::operator::shown::text;
use super::super::operator::{block_on, print_json};
use super::super::terminal::print;
use super::all;

/// A requested action, and its words in messages.
pub struct Act {
    pub client: AdminClient,
    pub action: Action,
    pub reason: String,
    pub as_json: bool,
}

pub fn run(action: Action, matches: &ArgMatches) -> Result<(), Failure> {
    let act = Act {
        client: AdminClient::of(matches, Access::Act)?,
        action,
        reason: matches.get_one("reason").cloned().unwrap_or_default(),
        as_json: matches.get_flag("json"),
    };
    match matches.get_one::<String>("id") {
        Some(id) => act_on_one(&act, id),
        None => all::run(act, matches),
    }
}

/// Acts on one task.
fn act_on_one(act: &Act, begin: &str) -> Result<(), Failure> {
    let (id, answer) = block_on(async {
        let id = whole(&act.client, begin).await?;
        let answer = done(act, &id).await?;
        Ok((id, answer))
    })?;
    if act.as_json {
        return Ok(print_json(&answer)?);
    }
    let sentence = match act.action {
        Action::Retry => format!("retried as task {}", text(answer.get("task_id"))),
        Action::Cancel => format!("cancelled task {id}"),
        Action::Delete | Action::Erase => format!("deleted task {id}"),
    };
    Ok(print(format!("{sentence}\n"))?)
}

async fn done(act: &Act, id: &str) -> Result<Value, Problem> {
    let reason = json!({ "reason": act.reason });
    let answered = match act.action {
        Action::Delete | Action::Erase => {
            let query = [("reason", act.reason.clone())];
            let deleted = act.client.delete(&format!("tasks/{id}"), &query).await;
            // The service returns nothing about a deleted task.
            deleted.map(|()| json!({ "task_id": id, "deleted": true }))
        }
        action => {
            let path = format!("tasks/{id}/{}", action.as_str());
            act.client.post(&path, &reason).await
        }
    };
    answered.map_err(|problem| problem.or_missing(format!("there is no task {id}")))
}

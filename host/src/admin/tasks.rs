//! `/admin/v1/tasks`

use concept_refinement_domain::capability::Cancellation;
use concept_refinement_domain::cursor::{self, List};
use concept_refinement_domain::rulebook::{Retry, TaskRecord};
use concept_refinement_domain::sentence;
use concept_refinement_domain::task_response::{TaskResponse, image_path};
use concept_refinement_domain::webhook::WebhookDelivery;
use serde_json::{Value, json};

use super::access::{Caller, Context};
use super::answer::{Answer, Problem, no_content, ok};
use super::filter::{self, Filter};
use super::input::{Json, Query, act, log};

/// Used in place of a user, so that cursors of users are not valid here.
const OPERATOR: &str = "\u{0}operator";

pub(super) async fn list(context: Context<'_>, query: Option<&str>) -> Result<Answer, Problem> {
    let known = [&filter::NAMES[..], &["limit", "cursor"]].concat();
    let query = Query::of(query, &known)?;
    let limit = query.limit()?;
    let after = match query.get("cursor") {
        None => None,
        Some(cursor) => {
            let position = cursor::decode(List::Tasks, OPERATOR, cursor);
            Some(position.ok_or_else(Problem::other_cursor)?)
        }
    };
    let filter = Filter::of(&query).read()?;
    let administration = &context.server.operator.administration;
    let page = administration.search(filter, limit, after).await?;
    let mut tasks = Vec::with_capacity(page.items.len());
    for record in &page.items {
        tasks.push(written(context, record).await?);
    }
    let next = page
        .next
        .map(|position| cursor::encode(List::Tasks, OPERATOR, &position));
    Ok(ok(&json!({ "tasks": tasks, "next_cursor": next })))
}

pub(super) async fn get(context: Context<'_>, id: &str) -> Result<Answer, Problem> {
    let record = context.server.operator.administration.find(id).await?;
    let record = record.ok_or(Problem::NotFound)?;
    Ok(ok(&written(context, &record).await?))
}

pub(super) async fn retry(context: Context<'_>, id: &str, body: Json) -> Result<Answer, Problem> {
    let act = body.act(context.caller)?;
    match context.server.operator.retry(id, act.clone()).await? {
        Some(Retry::Created(record)) => {
            log(
                &act,
                format_args!("retried task {id} as {}", record.task.id),
            );
            Ok(ok(&written(context, &record).await?))
        }
        Some(Retry::NotFailed) => Err(Problem::conflict("The task has not failed.")),
        Some(Retry::Active) => Err(Problem::conflict(
            "Its user has a task that has not ended, perhaps a retry of this one.",
        )),
        Some(Retry::ImageGone) => Err(Problem::conflict(
            "Its image came with the request, and goes when the task ends.",
        )),
        // The last two are only for filters.
        Some(Retry::Retried | Retry::Cancelled | Retry::Superseded) => {
            Err(Problem::conflict("A retry of it has been completed."))
        }
        None => Err(Problem::NotFound),
    }
}

pub(super) async fn cancel(context: Context<'_>, id: &str, body: Json) -> Result<Answer, Problem> {
    let act = body.act(context.caller)?;
    let administration = &context.server.operator.administration;
    match administration.cancel(id, act.clone()).await? {
        Some(Cancellation::Cancelled(_)) => {
            log(&act, format_args!("cancelled task {id}"));
            get(context, id).await
        }
        Some(Cancellation::Ended(_)) => Err(Problem::conflict("The task has ended.")),
        None => Err(Problem::NotFound),
    }
}

pub(super) async fn delete(
    context: Context<'_>,
    id: &str,
    query: Option<&str>,
) -> Result<Answer, Problem> {
    context.caller.acts()?;
    let query = Query::of(query, &["reason"])?;
    let act = act(context.caller, query.get("reason"))?;
    let administration = &context.server.operator.administration;
    match administration.delete(id, act.clone()).await? {
        true => {
            log(&act, format_args!("deleted task {id}"));
            Ok(no_content())
        }
        false => Err(Problem::NotFound),
    }
}

/// User input and images are only for requesters who may act.
async fn written(
    Context { server, caller }: Context<'_>,
    record: &TaskRecord,
) -> Result<Value, Problem> {
    let task = &record.task;
    let images = &server.operator.host.images;
    let image_url = match image_path(task) {
        Some(path) if caller.may_act => Some(images.sign(path, &server.origin).await?),
        _ => None,
    };
    let response = TaskResponse::new(task, sentence::task_is(task.status), image_url);
    let mut value = serde_json::to_value(response).unwrap_or_default();
    let steps: Vec<_> = record
        .steps
        .iter()
        .map(|step| {
            json!({
                "at": step.at.to_string(),
                "step": step.kind.as_str(),
                "host": step.host,
                "attempt": step.attempt,
                "detail": step.detail,
            })
        })
        .collect();
    let webhook = record.delivery.as_ref().map(|delivery| {
        let seen = delivery.seen(task);
        webhook(seen, caller)
    });
    if let Some(fields) = value.as_object_mut() {
        if !caller.may_act {
            fields.insert("metadata".to_owned(), Value::Null);
        }
        fields.insert("user_id".to_owned(), json!(task.user_id));
        fields.insert("attempt".to_owned(), json!(record.attempt));
        fields.insert("retry_of".to_owned(), json!(record.retry_of));
        fields.insert("steps".to_owned(), json!(steps));
        fields.insert("webhook".to_owned(), json!(webhook));
    }
    Ok(value)
}

fn webhook(seen: WebhookDelivery, caller: &Caller) -> Value {
    let attempts: Vec<_> = seen
        .attempts
        .iter()
        .map(|attempt| {
            json!({
                "at": attempt.at.to_string(),
                "status": attempt.status,
                "error": attempt.error,
            })
        })
        .collect();
    json!({
        "url": caller.may_act.then_some(seen.url),
        "state": seen.state.as_str(),
        "attempts": attempts,
        "next_attempt_at": seen.next_attempt_at.map(|at| at.to_string()),
    })
}

//! `/admin/v1/tasks/actions` and `/admin/v1/jobs/{id}`

use concept_refinement_capability::administration::{Action, Job, JobStart, NewJob, TaskFilter};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::AdminServer;
use super::access::Context;
use super::answer::{Answer, Problem, json_answer, ok};
use super::filter::Filter;
use super::input::{Json, Object, act, log};

#[derive(Deserialize)]
struct Actions {
    action: String,
    filter: Object<Filter>,
    #[serde(default)]
    preview: bool,
    expect: Option<u64>,
    reason: Option<String>,
}

/// A preview returns how many tasks match, and with which `until`: tasks created later
/// are not among them.
pub(super) async fn start(
    Context { server, caller }: Context<'_>,
    body: Json,
) -> Result<Answer, Problem> {
    caller.acts()?;
    let body: Actions = body.read()?;
    let problem = "It has to be retry, cancel, delete or erase.";
    let action = Action::of(&body.action).ok_or_else(|| Problem::invalid("action", problem))?;
    let mut filter = body.filter.0.read()?;
    if action == Action::Erase {
        names_a_user_alone(&filter, body.preview)?;
    }
    let operator = &server.operator;
    if body.preview && body.expect.is_some() {
        let problem = "A preview expects nothing: it answers the number.";
        return Err(Problem::invalid("expect", problem));
    }
    if body.preview {
        let now = operator.host.clock.now();
        let until = filter.until.map_or(now, |until| until.min(now));
        filter.until = Some(until);
        let count = operator.administration.count(filter.clone()).await?;
        let (filter, until) = (Filter::written(&filter), until.to_string());
        return Ok(ok(
            &json!({ "count": count, "until": until, "filter": filter }),
        ));
    }
    let act = act(caller, body.reason.as_deref())?;
    let Some(expect) = body.expect else {
        let problem = "It has to be the number that a preview answered.";
        return Err(Problem::invalid("expect", problem));
    };
    if filter.until.is_none() {
        let problem = "It has to be the one that a preview answered.";
        return Err(Problem::invalid("until", problem));
    }
    let job = NewJob {
        action,
        filter,
        expect,
        act: act.clone(),
    };
    match operator.start_job(job).await? {
        JobStart::Started(job) => {
            let (action, total, id) = (action.as_str(), job.total, &job.id);
            log(
                &act,
                format_args!("started job {id}: {action}, {total} tasks"),
            );
            Ok(json_answer(StatusCode::ACCEPTED, &written(&job)))
        }
        JobStart::Unexpected(count) => {
            let detail = format!("Not {expect} but {count} tasks match now.");
            Err(Problem::Unexpected(detail, count))
        }
    }
}

/// An erasure removes everything of a user, so nothing else may narrow the filter. Its
/// `until` is that of the preview.
fn names_a_user_alone(filter: &TaskFilter, is_preview: bool) -> Result<(), Problem> {
    let alone = TaskFilter {
        user: filter.user.clone(),
        until: filter.until.filter(|_| !is_preview),
        ..TaskFilter::default()
    };
    if filter.user.is_none() || *filter != alone {
        let problem = "To erase a user the filter names the user, and nothing else.";
        return Err(Problem::invalid("filter", problem));
    }
    Ok(())
}

pub(super) async fn get(server: &AdminServer, id: &str) -> Result<Answer, Problem> {
    let job = server.operator.administration.job(id).await?;
    job.map(|job| ok(&written(&job))).ok_or(Problem::NotFound)
}

fn written(job: &Job) -> Value {
    json!({
        "id": job.id,
        "action": job.action.as_str(),
        "filter": Filter::written(&job.filter),
        "created_at": job.created_at.to_string(),
        "ended_at": job.ended_at.map(|ended| ended.to_string()),
        "total": job.total,
        "done": job.done,
        "failed": job.failed,
        "obstacles": job.obstacles,
        "left": job.left(),
    })
}

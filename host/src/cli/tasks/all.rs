//! An action on all tasks that match a filter: they are counted, the operator is asked to
//! confirm, and the service runs a job.

use std::io::{self, IsTerminal as _, Write as _};

use clap::ArgMatches;
use concept_refinement_capability::administration::Action;
use concept_refinement_capability::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::failure::Failure;
use super::super::operator::client::{AdminClient, Problem};
use super::super::operator::filter::{Filter, words};
use super::super::operator::shown::text;
use super::super::operator::waiting::{Waiting, patiently};
use super::super::operator::{block_on, print_json};
use super::super::terminal::{in_a_line, print, say};
use super::act::Act;

pub fn run(mut act: Act, matches: &ArgMatches) -> Result<(), Failure> {
    let filter = Filter::of(matches, SystemClock.now());
    let erased = filter.only_user().filter(|_| act.action == Action::Delete);
    if erased.is_some() {
        act.action = Action::Erase;
    }
    let preview = block_on(async { Ok(Preview::of(&act, &filter).await?) })?;
    // A user may have other data than tasks.
    if preview.count == 0 && erased.is_none() {
        return match act.as_json {
            true => Ok(print_json(&preview.answer)?),
            false => Ok(print("no task matches\n")?),
        };
    }
    let filter = match erased {
        Some(user) => in_a_line(user),
        None => words(preview.filter()),
    };
    let question = question(act.action, preview.count, &filter);
    if matches.get_flag("yes") {
        if !act.as_json {
            say(&question);
        }
    } else if !is_confirmed(&question)? {
        return Err(Failure::Failed(anyhow::anyhow!("nothing was done")));
    }
    let job = block_on(followed(&act, &preview))?;
    match act.as_json {
        true => print_json(&job.answer)?,
        false => print(format!("{}\n", job.summary(act.action)))?,
    }
    match job.done {
        0 if job.total > 0 => Err(Failure::Failed(anyhow::anyhow!("nothing was done"))),
        _ => Ok(()),
    }
}

/// The number of tasks that match now.
struct Preview {
    count: u64,
    answer: Value,
}

impl Preview {
    async fn of(act: &Act, filter: &Filter) -> Result<Self, Problem> {
        let request = json!({
            "action": act.action.as_str(),
            "filter": filter.json(),
            "preview": true,
        });
        let answer = act.client.post("tasks/actions", &request).await?;
        let count = answer.get("count").and_then(Value::as_u64);
        Ok(Self {
            count: act.client.expected(count)?,
            answer,
        })
    }

    /// The filter with the time of the preview: tasks created later do not match.
    fn filter(&self) -> &Value {
        self.answer.get("filter").unwrap_or(&Value::Null)
    }
}

/// The filter of an erasure is the user.
fn question(action: Action, count: u64, filter: &str) -> String {
    let tasks = match count {
        1 => "1 task".to_owned(),
        count => format!("{count} tasks"),
    };
    match action {
        Action::Retry => {
            format!("retry {tasks} ({filter}), of each user the newest if it is still wanted")
        }
        Action::Cancel => format!("cancel {tasks} ({filter})"),
        Action::Delete => format!("delete {tasks} ({filter}) for good"),
        Action::Erase => format!(
            "erase user {filter}: {tasks}, and all of their concepts, images, keys and webhooks, \
             for good"
        ),
    }
}

/// Asks for confirmation on the terminal, which programs do not have.
fn is_confirmed(question: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(format!(
            "not a terminal: pass --yes to confirm. Nothing was done. This would {question}"
        )));
    }
    let mut terminal = io::stderr();
    write!(terminal, "This will {question}. Go on? [y/N] ")?;
    terminal.flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    let answer = answer.trim().to_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

/// An action in progress.
struct Job {
    id: String,
    is_over: bool,
    total: u64,
    done: u64,
    failed: u64,
    left: u64,
    answer: Value,
}

impl Job {
    fn of(client: &AdminClient, answer: Value) -> Result<Self, Problem> {
        let number = |name: &str| client.expected(answer.get(name).and_then(Value::as_u64));
        let id = answer.get("id").and_then(Value::as_str);
        let id = id.filter(|id| Uuid::parse_str(id).is_ok());
        let ended = answer.get("ended_at");
        Ok(Self {
            id: client.expected(id)?.to_owned(),
            is_over: !client.expected(ended)?.is_null(),
            total: number("total")?,
            done: number("done")?,
            failed: number("failed")?,
            left: number("left")?,
            answer,
        })
    }

    fn summary(&self, action: Action) -> String {
        let Self {
            done, failed, left, ..
        } = self;
        let why = match self.why() {
            why if why.is_empty() => String::new(),
            why => format!(" ({})", why.join(", ")),
        };
        let action = action.as_str();
        format!("{action}: {done} done, {failed} failed{why}, {left} left")
    }

    /// Why the action failed for tasks, and for how many.
    fn why(&self) -> Vec<String> {
        let obstacles = self.answer.get("obstacles").and_then(Value::as_object);
        let obstacles = obstacles.into_iter().flatten();
        let told = obstacles.map(|(obstacle, count)| {
            let why = match obstacle.as_str() {
                "active" => "whose user has an active one",
                "cancelled" => "that were cancelled",
                "changed" => "that were gone, without their image or in another state",
                "not-newest" => "not the newest of their user",
                "retried" => "retried already",
                "superseded" => "whose user has a later completed one",
                other => &in_a_line(other),
            };
            format!("{} {why}", text(Some(count)))
        });
        told.collect()
    }
}

/// Starts the job and waits for its end.
async fn followed(act: &Act, preview: &Preview) -> Result<Job, Failure> {
    let request = json!({
        "action": act.action.as_str(),
        "filter": preview.filter(),
        "expect": preview.count,
        "reason": act.reason,
    });
    let started = act.client.post("tasks/actions", &request).await?;
    let job = Job::of(&act.client, started)?;
    let waiting = Waiting::new(Some(job.total));
    let path = format!("jobs/{}", job.id);
    let goes_on = format!("the service goes on with job {}", job.id);
    let ended = patiently(async || {
        let answer = act.client.get(&path, &[]).await;
        let answer = answer.map_err(|problem| problem.after(&goes_on))?;
        let job = Job::of(&act.client, answer)?;
        let told = format!("{}: {} failed", act.action.as_str(), job.failed);
        waiting.tell(job.done + job.failed, told);
        Ok(job.is_over.then_some(job))
    });
    waiting.until(&goes_on, ended).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_says_why_tasks_failed() {
        let job = |obstacles: Value| Job {
            id: "7".to_owned(),
            is_over: true,
            total: 9,
            done: 1,
            failed: 8,
            left: 0,
            answer: json!({ "obstacles": obstacles }),
        };
        for (obstacles, expected) in [
            (
                json!({"cancelled": 1, "not-newest": 5, "odd\u{1b}": 2}),
                "retry: 1 done, 8 failed (1 that were cancelled, 5 not the newest of their user, \
                 2 odd\u{fffd}), 0 left",
            ),
            (json!({}), "retry: 1 done, 8 failed, 0 left"),
            (json!(7), "retry: 1 done, 8 failed, 0 left"),
        ] {
            assert_eq!(job(obstacles).summary(Action::Retry), expected);
        }
    }

    #[test]
    fn the_question_says_what_goes() {
        for (action, count, filter, expected) in [
            (
                Action::Retry,
                2,
                "status failed",
                "retry 2 tasks (status failed), of each user the newest if it is still wanted",
            ),
            (
                Action::Cancel,
                1,
                "status failed",
                "cancel 1 task (status failed)",
            ),
            (
                Action::Delete,
                3,
                "status failed",
                "delete 3 tasks (status failed) for good",
            ),
            (
                Action::Erase,
                0,
                "ada",
                "erase user ada: 0 tasks, and all of their concepts, images, keys and webhooks, for \
                 good",
            ),
        ] {
            let question = question(action, count, filter);
            assert_eq!(question, expected);
        }
    }
}

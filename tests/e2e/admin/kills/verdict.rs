//! What must hold once all is over.

use std::collections::{BTreeMap, BTreeSet};

use concept_refinement_tests::client::Client;
use serde_json::Value;

use super::acts::Act;
use super::{DELETED, KEPT};
use crate::admin::{entries, found, read};

/// Why the queue is resumed in the end.
pub const LAST: &str = "all is over";

/// All that an operator sees.
pub struct Seen {
    tasks: Vec<Value>,
    jobs: Vec<Value>,
    /// The earliest first.
    audit: Vec<Value>,
}

impl Seen {
    pub async fn by(operator: &Client, jobs: &[String]) -> Self {
        let mut seen = Self {
            tasks: found(operator, "", 100).await,
            jobs: Vec::new(),
            audit: entries(operator, |_| true).await,
        };
        seen.audit.reverse();
        for job in jobs {
            seen.jobs.push(read(operator, &format!("jobs/{job}")).await);
        }
        seen
    }

    pub fn figures(&self, acts: &[Act], accepted: &[String]) -> String {
        let unknown = acts.iter().filter(|act| act.status.is_none()).count();
        let done = |action: &str| self.by_jobs(action);
        format!(
            "{} tasks of {} accepted, {} acts of {} tried ({unknown} without an answer), \
             {} jobs that retried {}, cancelled {} and deleted {}",
            self.tasks.len(),
            accepted.len(),
            self.audit.len(),
            acts.len(),
            self.jobs.len(),
            done("retry"),
            done("cancel"),
            done("delete"),
        )
    }

    /// Every promise that was broken, in a sentence each.
    pub fn violations(&self, acts: &[Act], accepted: &[String]) -> Vec<String> {
        let mut found = self.of_audit(acts);
        found.extend(self.of_queue());
        found.extend(self.of_jobs());
        found.extend(self.of_tasks());
        found.extend(self.of_figures(accepted));
        found
    }

    /// An act is in the audit exactly if it was done, and once.
    fn of_audit(&self, acts: &[Act]) -> Vec<String> {
        let mut found = Vec::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for entry in &self.audit {
            *counts.entry(entry["reason"].as_str().unwrap()).or_default() += 1;
        }
        for act in acts {
            let count = counts.remove(act.reason.as_str()).unwrap_or_default();
            let is_sound = match (act.status, act.verb) {
                // It may have been so already.
                (None, _) | (Some(200), "pause" | "resume") => count <= 1,
                (Some(200..300), _) => count == 1,
                (Some(_), _) => count == 0,
            };
            if !is_sound {
                found.push(format!("{act:?} is {count} times in the audit"));
            }
        }
        counts.remove(LAST);
        found.extend(counts.keys().map(|reason| format!("nobody did {reason}")));
        found
    }

    /// What is paused is resumed before it is paused again.
    fn of_queue(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut is_paused = false;
        for entry in self.audit.iter().filter(|entry| entry["target"] == "queue") {
            let pauses = entry["action"] == "pause";
            if pauses == is_paused {
                found.push(format!("it was so already: {entry}"));
            }
            is_paused = pauses;
        }
        if is_paused {
            found.push("it is paused in the end".to_owned());
        }
        found
    }

    fn of_jobs(&self) -> Vec<String> {
        let mut found = Vec::new();
        for job in &self.jobs {
            let number = |field: &str| job[field].as_u64().unwrap();
            let sum = number("done") + number("failed");
            if job["ended_at"].is_null() || number("left") != 0 || sum != number("total") {
                found.push(format!("a job is not done: {job}"));
            }
        }
        let told = self.audit.iter().filter(|entry| is_job(entry)).count();
        if told != self.jobs.len() {
            found.push(format!(
                "{} jobs, of which {told} are in the audit",
                self.jobs.len()
            ));
        }
        found
    }

    fn of_tasks(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut ids = BTreeSet::new();
        for task in &self.tasks {
            if !ids.insert(task["task_id"].as_str()) {
                found.push(format!("twice there: {task}"));
            }
            if !matches!(task["status"].as_str(), Some("completed" | "failed")) {
                found.push(format!("it has not ended: {task}"));
            }
            let steps = task["steps"].as_array().unwrap();
            let is_told = steps
                .first()
                .is_some_and(|step| step["step"] == "submitted");
            if steps.len() > 64 || !is_told {
                found.push(format!("its story is another: {task}"));
            }
            let times = steps.iter().map(|step| step["at"].as_str().unwrap());
            if !times.is_sorted() {
                found.push(format!("its story is in no order: {task}"));
            }
            if let Some(first) = task["retry_of"].as_str() {
                let first = self.tasks.iter().find(|other| other["task_id"] == first);
                let is_told = first.is_some_and(|first| {
                    let mut steps = first["steps"].as_array().unwrap().iter();
                    steps.any(|step| step["detail"] == task["task_id"])
                });
                // A long story loses its middle.
                let is_long =
                    first.is_some_and(|first| first["steps"].as_array().unwrap().len() == 64);
                if !is_told && !is_long {
                    found.push(format!("what it is a retry of does not tell: {task}"));
                }
            }
        }
        found
    }

    /// Acts by the audit and by the jobs, and what came of them.
    fn of_figures(&self, accepted: &[String]) -> Vec<String> {
        let mut found = Vec::new();
        let of = |names: &[&str]| {
            let is_of = |task: &&Value| names.iter().any(|name| task["user_id"] == *name);
            self.tasks.iter().filter(is_of).collect::<Vec<_>>()
        };
        let (kept, deleted) = (of(&KEPT), of(&DELETED));
        let retried = kept
            .iter()
            .filter(|task| !task["retry_of"].is_null())
            .count();
        let sentence = "Cancelled by the operator.";
        let cancelled = kept
            .iter()
            .filter(|task| task["error_message"] == sentence)
            .count();
        let there: BTreeSet<_> = self
            .tasks
            .iter()
            .map(|task| task["task_id"].as_str().unwrap())
            .collect();
        let gone = accepted.iter().filter(|id| !there.contains(id.as_str()));
        let gone = gone.count();
        for (action, count) in [("retry", retried), ("cancel", cancelled), ("delete", gone)] {
            let singles = self
                .audit
                .iter()
                .filter(|entry| entry["action"] == action && !is_job(entry));
            let (singles, by_jobs) = (singles.count() as u64, self.by_jobs(action));
            if singles + by_jobs != count as u64 {
                found.push(format!(
                    "{action}: {singles} and {by_jobs} by jobs, of {count} that are seen"
                ));
            }
        }
        // Nothing else is gone, and nothing else is there.
        let known: BTreeSet<_> = accepted.iter().map(String::as_str).collect();
        for task in kept.iter().chain(&deleted) {
            let is_known = known.contains(task["task_id"].as_str().unwrap());
            if is_known != task["retry_of"].is_null() {
                found.push(format!("nobody asked for it: {task}"));
            }
        }
        found
    }

    /// How many tasks all jobs did this to.
    fn by_jobs(&self, action: &str) -> u64 {
        let jobs = self.jobs.iter().filter(|job| job["action"] == action);
        jobs.map(|job| job["done"].as_u64().unwrap()).sum()
    }
}

fn is_job(entry: &Value) -> bool {
    entry["target"].as_str().unwrap().starts_with('{')
}

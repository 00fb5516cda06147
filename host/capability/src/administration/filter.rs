//! The filter with which an operator selects tasks.

use std::time::Duration;

use concept_refinement_domain::document;
use concept_refinement_domain::rulebook::TaskRecord;
use concept_refinement_domain::step::{StepKind, Steps};
use concept_refinement_domain::task::{Status, id_at};
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use crate::clock::before;

/// How far the time in an id may be from the time of its task: the clock of the host that
/// generated the id may have been wrong. A search by time also reads the tasks within this
/// margin.
const SLACK: Duration = Duration::from_secs(60);

/// A task matches if it matches each given part; without any part, all tasks match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TaskFilter {
    /// Its status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Its user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// It was created at this time or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// It was created before this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Its error message contains this, in the same case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// This model was called, according to its story.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

impl TaskFilter {
    /// Whether no index fits a part of it, so that a search has to read tasks that do
    /// not match.
    pub fn is_deep(&self) -> bool {
        self.error.is_some() || self.model.is_some()
    }

    /// In JSON, with the parts that are given.
    pub fn to_json(&self) -> String {
        // None of its values can fail to be serialized.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether only ended tasks match.
    pub fn is_of_ended(&self) -> bool {
        let is_final = |status| matches!(status, Status::Completed | Status::Failed);
        self.status.is_some_and(is_final) || self.error.is_some()
    }

    /// No task that was created since has a smaller id.
    pub fn first_id(&self) -> Option<String> {
        self.since.map(|since| id_at(before(since, SLACK), 0))
    }

    /// No task that was created until then has a greater id.
    pub fn last_id(&self) -> Option<String> {
        self.until.map(|until| id_at(until.plus(SLACK), u128::MAX))
    }

    /// Whether a task with this state document matches the parts for which there is no
    /// index.
    pub fn matches_deeply(&self, state: &str) -> bool {
        if !self.is_deep() {
            return true;
        }
        let Ok(TaskRecord { task, steps, .. }) = document::read(state) else {
            return false;
        };
        let error_message = task.error_message.as_deref();
        let error = self.error.as_deref();
        let model = self.model.as_deref();
        error.is_none_or(|part| error_message.is_some_and(|error| error.contains(part)))
            && model.is_none_or(|model| has_asked(&steps, model))
    }
}

fn has_asked(steps: &Steps, model: &str) -> bool {
    let mut asked = steps.iter().filter(|step| step.kind == StepKind::Asked);
    asked.any(|step| {
        let detail = step.detail.as_deref().unwrap_or_default();
        let asked = detail.split_once(": ");
        asked.is_some_and(|(name, _)| name == model)
    })
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::step::Step;
    use concept_refinement_kit::samples::new_task;

    use super::*;

    #[test]
    fn an_error_message_is_searched_and_a_model_named() {
        let at = Timestamp::from_secs(1_000);
        let mut record = TaskRecord::new(new_task("a").created(at), None);
        record.task.error_message = Some("It was \"refused\".".to_owned());
        let steps = &mut record.steps;
        steps.push(Step::new(StepKind::Asked, 1, at).with("fast: refused, 20 ms"));
        steps.push(Step::new(StepKind::Stage, 1, at).with("slow: nothing"));
        let state = record.state();
        let text = |text: &str| Some(text.to_owned());
        for (name, error, model, expected) in [
            ("neither", None, None, true),
            ("error", text("\"refused\""), None, true),
            ("other case", text("Refused"), None, false),
            ("model", None, text("fast"), true),
            ("part of a model", None, text("fas"), false),
            ("its outcome", None, text("fast: refused, 20 ms"), false),
            ("another step", None, text("slow"), false),
            ("one of both", text("refused"), text("slow"), false),
        ] {
            let filter = TaskFilter {
                error,
                model,
                ..TaskFilter::default()
            };
            let matches = filter.matches_deeply(&state);
            assert_eq!(matches, expected, "{name}");
            assert_eq!(filter.is_deep(), name != "neither", "{name}");
        }
        let filter = TaskFilter {
            error: text("refused"),
            ..TaskFilter::default()
        };
        assert!(
            !filter.matches_deeply(r#"{"v":1,"attempt":0}"#),
            "it has not failed"
        );
        assert!(!filter.matches_deeply("{}"), "it cannot be read");
        assert!(TaskFilter::default().matches_deeply("{}"));
    }

    #[test]
    fn it_reads_back_from_json() {
        let filter = TaskFilter {
            status: Some(Status::Failed),
            until: Some(Timestamp(5)),
            ..TaskFilter::default()
        };
        let json = serde_json::to_string(&filter).unwrap();
        assert_eq!(json, r#"{"status":"failed","until":5}"#);
        assert_eq!(serde_json::from_str::<TaskFilter>(&json).unwrap(), filter);
        assert!(serde_json::from_str::<TaskFilter>(r#"{"users":"ada"}"#).is_err());
    }
}

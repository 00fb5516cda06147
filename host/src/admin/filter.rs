//! A filter of tasks, as operators write it.

use concept_refinement_capability::administration::TaskFilter;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

use super::answer::Problem;
use super::input::Query;

/// The parameters of a query that are a filter.
pub(super) const NAMES: [&str; 6] = ["status", "user", "since", "until", "error", "model"];

/// The filter in JSON: times as in all answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Filter {
    pub status: Option<String>,
    pub user: Option<String>,
    pub since: Option<String>,
    pub until: Option<String>,
    pub error: Option<String>,
    pub model: Option<String>,
}

impl Filter {
    pub(super) fn of(query: &Query) -> Self {
        let get = |name| query.get(name).map(str::to_owned);
        Self {
            status: get("status"),
            user: get("user"),
            since: get("since"),
            until: get("until"),
            error: get("error"),
            model: get("model"),
        }
    }

    /// # Errors
    ///
    /// A value is not valid.
    pub(super) fn read(self) -> Result<TaskFilter, Problem> {
        let status = self.status.map(|status| {
            let problem = "It has to be pending, processing, completed or failed.";
            Status::of(&status).ok_or_else(|| Problem::invalid("status", problem))
        });
        Ok(TaskFilter {
            status: status.transpose()?,
            user: text("user", self.user)?,
            since: time("since", self.since)?,
            until: time("until", self.until)?,
            error: text("error", self.error)?,
            model: text("model", self.model)?,
        })
    }

    pub(super) fn written(filter: &TaskFilter) -> Self {
        let filter = filter.clone();
        Self {
            status: filter.status.map(|status| status.as_str().to_owned()),
            user: filter.user,
            since: filter.since.map(|time| time.to_string()),
            until: filter.until.map(|time| time.to_string()),
            error: filter.error,
            model: filter.model,
        }
    }
}

/// A time in a field, as in all answers.
///
/// # Errors
///
/// It is none.
pub(super) fn time(
    field: &'static str,
    text: Option<String>,
) -> Result<Option<Timestamp>, Problem> {
    let problem = "It has to be a time, as 2026-11-20T12:00:00Z.";
    let time = text.map(|text| text.parse().map_err(|()| Problem::invalid(field, problem)));
    time.transpose()
}

/// Refuses an empty value: it would match more than is meant, for example if a shell
/// variable is not set.
fn text(field: &'static str, text: Option<String>) -> Result<Option<String>, Problem> {
    match text.as_deref() {
        Some("") => Err(Problem::invalid(
            field,
            "It may not be empty: leave it out.",
        )),
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_reads_back() {
        let query = "status=failed&user=ada&since=2026-11-20T13:00:00%2B01:00";
        let filter = Filter::of(&Query::of(Some(query), &NAMES).unwrap())
            .read()
            .unwrap();
        assert_eq!(filter.since, Some(Timestamp(1_795_176_000_000_000)));
        assert_eq!(filter.error, None);
        assert_eq!(Filter::written(&filter).read().unwrap(), filter);
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (query, field) in [
            ("status=done", "status"),
            ("since=yesterday", "since"),
            ("until=2026-13-01", "until"),
            ("status=", "status"),
            ("user=", "user"),
            ("since=", "since"),
            ("error", "error"),
            ("model=&status=failed", "model"),
        ] {
            let query = Query::of(Some(query), &NAMES).unwrap();
            let problem = Filter::of(&query).read().unwrap_err();
            assert!(
                matches!(problem, Problem::Invalid(name, _) if name == field),
                "{field}"
            );
        }
        for (query, field) in [
            ("users=ada", "query"),
            ("status=failed&user=ada&user=bob", "user"),
            ("user=ada&us%65r=ada", "user"),
        ] {
            let problem = Query::of(Some(query), &NAMES).err();
            assert!(
                matches!(problem, Some(Problem::Invalid(name, _)) if name == field),
                "{query}: {problem:?}"
            );
        }
    }
}

//! The flags by which tasks, or a period, are chosen.

use std::time::Duration;

use clap::ArgMatches;
use concept_refinement_capability::clock::before;
use concept_refinement_domain::duration;
use concept_refinement_domain::timestamp::Timestamp;
use serde_json::Value;

use super::shown::text;

/// The flags, named as the fields of a filter are.
pub const NAMES: [&str; 6] = ["status", "user", "since", "until", "error", "model"];

/// A time, as operators write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Ago(Duration),
    At(Timestamp),
}

/// Selects the tasks that match all of its parts.
pub struct Filter(Vec<(&'static str, String)>);

impl When {
    pub fn parse(written: &str) -> Result<Self, String> {
        if let Ok(time) = written.parse() {
            return Ok(Self::At(time));
        }
        duration::parse(written).map(Self::Ago).map_err(|_| {
            "must be how long ago, as 30m, 2h or 7d, or a time, as 2026-11-20T12:00:00Z".to_owned()
        })
    }

    fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(duration) => before(now, duration),
            Self::At(time) => time,
        }
    }
}

impl Filter {
    pub fn of(matches: &ArgMatches, now: Timestamp) -> Self {
        let given = NAMES.into_iter().filter_map(|name| {
            let value = match name {
                "since" | "until" => time(matches, name, now)?,
                _ => matches.get_one::<String>(name)?.clone(),
            };
            Some((name, value))
        });
        Self(given.collect())
    }

    pub fn query(&self) -> Vec<(&'static str, String)> {
        self.0.clone()
    }

    pub fn json(&self) -> Value {
        self.0.iter().cloned().collect()
    }

    /// The user, if nothing else is given: then everything of this user is meant.
    pub fn only_user(&self) -> Option<&str> {
        match self.0.as_slice() {
            [("user", user)] => Some(user),
            _ => None,
        }
    }
}

/// The period that `--since` and `--until` name, as a query.
pub fn period(matches: &ArgMatches, now: Timestamp) -> Vec<(&'static str, String)> {
    let given = ["since", "until"].into_iter();
    given
        .filter_map(|name| Some((name, time(matches, name, now)?)))
        .collect()
}

fn time(matches: &ArgMatches, name: &str, now: Timestamp) -> Option<String> {
    let when = matches.get_one::<When>(name)?;
    Some(when.time(now).to_string())
}

/// A filter in JSON, in words.
pub fn words(filter: &Value) -> String {
    let parts = NAMES.into_iter().filter_map(|name| {
        let value = filter.get(name).filter(|value| !value.is_null())?;
        Some(format!("{name} {}", text(Some(value))))
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_some_while_ago_or_exact() {
        let now = Timestamp(1_795_176_000_000_000);
        for (written, expected) in [
            ("2h", Some("2026-11-20T10:00:00.000000Z")),
            ("90s", Some("2026-11-20T11:58:30.000000Z")),
            ("36500d", Some("1970-01-01T00:00:00.000000Z")),
            (
                "2026-11-20T12:00:00+01:00",
                Some("2026-11-20T11:00:00.000000Z"),
            ),
            ("yesterday", None),
            ("2026-11-20", None),
            ("2", None),
            ("", None),
        ] {
            let time = When::parse(written).ok();
            let time = time.map(|when| when.time(now).to_string());
            assert_eq!(time.as_deref(), expected, "{written}");
        }
    }

    #[test]
    fn words_have_nothing_that_cannot_be_printed() {
        for (filter, expected) in [
            (json!({}), ""),
            (json!({"status": "failed", "user": null}), "status failed"),
            (
                json!({"user": "a\u{1b}[2Jb", "error": 7}),
                "user a\u{fffd}[2Jb, error 7",
            ),
            (json!([]), ""),
        ] {
            assert_eq!(words(&filter), expected);
        }
    }

    #[test]
    fn a_user_alone_is_all_of_a_user() {
        let user = ("user", "ada".to_owned());
        let status = ("status", "failed".to_owned());
        let until = ("until", "2026-11-20T12:00:00Z".to_owned());
        for (filter, expected) in [
            (vec![user.clone()], Some("ada")),
            (vec![status.clone()], None),
            (vec![status, user.clone()], None),
            (vec![user, until], None),
        ] {
            assert_eq!(Filter(filter).only_user(), expected);
        }
    }
}

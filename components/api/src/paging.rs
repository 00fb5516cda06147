//! The query of a list: `limit`, `cursor` and, for tasks, `status`.

use concept_refinement_domain::capability::Position;
use concept_refinement_domain::cursor::{self, List};
use concept_refinement_domain::digits;
use concept_refinement_domain::task::Status;
use concept_refinement_domain::validation::FieldErrors;
use url::form_urlencoded;

use crate::problem::Problem;

pub const DEFAULT_LIMIT: u32 = 10;
pub const MAX_LIMIT: u32 = 100;

#[derive(Debug, PartialEq, Eq)]
pub struct Paging {
    pub limit: u32,
    pub after: Option<Position>,
    pub status: Option<Status>,
}

/// Whether a list can be filtered by status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByStatus {
    Yes,
    No,
}

impl Paging {
    /// Parses the query and reports all problems. Unknown parameters are ignored; of
    /// duplicates the last one counts.
    pub fn parse(
        query: Option<&str>,
        list: List,
        user: &str,
        by_status: ByStatus,
    ) -> Result<Self, Problem> {
        let mut paging = Self {
            limit: DEFAULT_LIMIT,
            after: None,
            status: None,
        };
        let mut errors = FieldErrors::default();
        for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "limit" => match limit(&value) {
                    Some(limit) => paging.limit = limit,
                    None => errors.add("limit", format!("must be from 1 to {MAX_LIMIT}")),
                },
                "cursor" => match cursor::decode(list, user, &value) {
                    Some(position) => paging.after = Some(position),
                    None => errors.add("cursor", "must be a next_cursor of this list"),
                },
                "status" if by_status == ByStatus::Yes => match Status::of(&value) {
                    Some(status) => paging.status = Some(status),
                    None => {
                        errors.add("status", "must be pending, processing, completed or failed")
                    }
                },
                _ => {}
            }
        }
        if errors.is_empty() {
            Ok(paging)
        } else {
            Err(Problem::InvalidFields(errors))
        }
    }
}

/// The cursor of the next page, for the response.
pub fn next_cursor(list: List, user: &str, next: Option<&Position>) -> Option<String> {
    next.map(|position| cursor::encode(list, user, position))
}

fn limit(text: &str) -> Option<u32> {
    digits::number(text).filter(|limit| (1..=MAX_LIMIT).contains(limit))
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::timestamp::Timestamp;

    use super::*;

    #[test]
    fn usable_queries() {
        let position = Position {
            created_at: Timestamp(7),
            id: "x".into(),
        };
        let cursor = cursor::encode(List::Tasks, "user", &position);
        let at_cursor = format!("cursor={cursor}");
        let cases = [
            ("none", None, (10, None, None)),
            ("empty", Some(""), (10, None, None)),
            ("smallest limit", Some("limit=1"), (1, None, None)),
            ("largest limit", Some("limit=100"), (100, None, None)),
            (
                "status",
                Some("status=failed"),
                (10, None, Some(Status::Failed)),
            ),
            ("encoded", Some("l%69mit=%32"), (2, None, None)),
            ("unknown names", Some("x=1&y"), (10, None, None)),
            (
                "cursor",
                Some(at_cursor.as_str()),
                (10, Some(position), None),
            ),
        ];
        for (name, query, (limit, after, status)) in cases {
            let paging = Paging::parse(query, List::Tasks, "user", ByStatus::Yes).unwrap();
            let expected = Paging {
                limit,
                after,
                status,
            };
            assert_eq!(paging, expected, "{name}");
        }
    }

    #[test]
    fn unusable_queries() {
        let position = Position {
            created_at: Timestamp(7),
            id: "x".into(),
        };
        let of = |list, user| format!("cursor={}", cursor::encode(list, user, &position));
        let anothers = of(List::Tasks, "another");
        let other_list = of(List::Concepts, "user");
        let cases: [(&str, &str, &[&str]); 14] = [
            ("limit 0", "limit=0", &["limit"]),
            ("limit 101", "limit=101", &["limit"]),
            ("negative limit", "limit=-1", &["limit"]),
            ("signed limit", "limit=%2B5", &["limit"]),
            ("fractional limit", "limit=1.5", &["limit"]),
            ("huge limit", "limit=99999999999999999999", &["limit"]),
            ("empty limit", "limit=", &["limit"]),
            ("empty status", "status=", &["status"]),
            ("unknown status", "status=done", &["status"]),
            ("empty cursor", "cursor=", &["cursor"]),
            ("nonsense cursor", "cursor=abc", &["cursor"]),
            ("another's cursor", &anothers, &["cursor"]),
            ("a cursor of another list", &other_list, &["cursor"]),
            (
                "all at once",
                "limit=x&status=x&cursor=x",
                &["cursor", "limit", "status"],
            ),
        ];
        for (name, query, fields) in cases {
            match Paging::parse(Some(query), List::Tasks, "user", ByStatus::Yes) {
                Err(Problem::InvalidFields(errors)) => {
                    assert_eq!(errors.0.keys().collect::<Vec<_>>(), fields, "{name}");
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn concepts_have_no_status() {
        let paging = Paging::parse(Some("status=done"), List::Concepts, "user", ByStatus::No);
        assert!(paging.is_ok());
    }
}

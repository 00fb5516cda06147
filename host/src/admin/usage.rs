//! `/admin/v1/usage`: what users spent, by user, by model or by day, as JSON or CSV.

use concept_refinement_capability::administration::{MAX_SUMS, UsageGroup, UsageQuery, UsageSum};
use concept_refinement_domain::spending::amount;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use super::AdminServer;
use super::answer::{Answer, Problem, ok, with};
use super::filter::time;
use super::input::Query;
use crate::accept::prefers;
use crate::csv;

const CSV: &str = "text/csv; charset=utf-8; header=present";

#[derive(Serialize)]
struct Usage<'a> {
    usage: Vec<Row<'a>>,
}

/// A sum under the name of its group.
struct Row<'a> {
    group: UsageGroup,
    sum: &'a UsageSum,
}

/// Each token may read it: it has no prompts, URLs or images.
pub(super) async fn get(
    server: &AdminServer,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Answer, Problem> {
    let query = read(query)?;
    let sums = server.operator.administration.usage(query).await?;
    if sums.len() > MAX_SUMS as usize {
        let problem = format!("There are more than {MAX_SUMS} sums: ask for a shorter time.");
        return Err(Problem::invalid("since", problem));
    }
    let group = query.group;
    let usage = Usage {
        usage: sums.iter().map(|sum| Row { group, sum }).collect(),
    };
    let mut answer = match prefers(headers, "text/csv", "application/json") {
        true => with(StatusCode::OK, CSV, usage.csv(group).into()),
        false => ok(&usage),
    };
    answer
        .headers_mut()
        .insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(answer)
}

fn read(query: Option<&str>) -> Result<UsageQuery, Problem> {
    let query = Query::of(query, &["group", "since", "until"])?;
    let get = |name| query.get(name).map(str::to_owned);
    let group = query.get("group").and_then(UsageGroup::of);
    Ok(UsageQuery {
        group: group
            .ok_or_else(|| Problem::invalid("group", "It has to be user, model or day."))?,
        since: time("since", get("since"))?,
        until: time("until", get("until"))?,
    })
}

impl Usage<'_> {
    fn csv(&self, group: UsageGroup) -> String {
        let mut text = csv::line(group.fields());
        for row in &self.usage {
            let (spent, reserved) = row.amounts();
            let unknown_calls = row.unknown_calls().to_string();
            let cells = [row.sum.name.as_str(), &spent, &reserved, &unknown_calls];
            text.push_str(&csv::line(cells));
        }
        text
    }
}

impl Row<'_> {
    /// What is spent and what is reserved, in dollars.
    fn amounts(&self) -> (String, String) {
        let spending = self.sum.spending;
        let dollars = |micros| amount(micros).to_string();
        (dollars(spending.spent), dollars(spending.reserved))
    }

    fn unknown_calls(&self) -> i64 {
        self.sum.spending.unknown_calls.max(0)
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [name, spent_name, reserved_name, unknown_calls_name] = self.group.fields();
        let (spent, reserved) = self.amounts();
        let mut row = serializer.serialize_map(Some(4))?;
        row.serialize_entry(name, &self.sum.name)?;
        row.serialize_entry(spent_name, &spent)?;
        row.serialize_entry(reserved_name, &reserved)?;
        row.serialize_entry(unknown_calls_name, &self.unknown_calls())?;
        row.end()
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::spending::Spending;
    use concept_refinement_domain::timestamp::Timestamp;
    use serde_json::json;

    use super::*;

    fn sums() -> Vec<UsageSum> {
        let sum = |name: &str, [spent, reserved, unknown_calls]: [i64; 3]| UsageSum {
            name: name.to_owned(),
            spending: Spending {
                spent,
                reserved,
                unknown_calls,
            },
        };
        vec![
            sum("=1+1", [2_100_000, 60_000, 3]),
            sum("ada, the \"first\"", [45_500, 0, 0]),
            // A clock or a restored store may leave less than nothing.
            sum("bob", [-1, -1, -1]),
        ]
    }

    fn usage(group: UsageGroup, sums: &[UsageSum]) -> Usage<'_> {
        Usage {
            usage: sums.iter().map(|sum| Row { group, sum }).collect(),
        }
    }

    #[test]
    fn a_sum_has_the_name_of_its_group() {
        for group in UsageGroup::ALL {
            let sums = sums();
            let written = json!(usage(group, sums.get(..1).unwrap()));
            let expected = json!({"usage": [{
                (group.as_str()): "=1+1",
                "spent": "2.10",
                "reserved": "0.06",
                "unknown_calls": 3,
            }]});
            assert_eq!(written, expected, "{group:?}");
        }
    }

    #[test]
    fn csv_has_the_same_columns() {
        let sums = sums();
        assert_eq!(
            usage(UsageGroup::User, &sums).csv(UsageGroup::User),
            "user,spent,reserved,unknown_calls\r\n\
             '=1+1,2.10,0.06,3\r\n\
             \"ada, the \"\"first\"\"\",0.0455,0.00,0\r\n\
             bob,0.00,0.00,0\r\n"
        );
        assert_eq!(
            usage(UsageGroup::Day, &[]).csv(UsageGroup::Day),
            "day,spent,reserved,unknown_calls\r\n"
        );
    }

    #[test]
    fn a_query_is_read() {
        let query = "group=day&since=2026-11-20T13:00:00%2B01:00";
        let expected = UsageQuery {
            group: UsageGroup::Day,
            since: Some(Timestamp(1_795_176_000_000_000)),
            until: None,
        };
        assert_eq!(read(Some(query)), Ok(expected));
        for (query, field) in [
            (None, "group"),
            (Some(""), "group"),
            (Some("group="), "group"),
            (Some("group=users"), "group"),
            (Some("group=User"), "group"),
            (Some("group=user&group=day"), "group"),
            (Some("group=user&since="), "since"),
            (Some("group=user&until=2026-11-20"), "until"),
            (Some("group=user&user=ada"), "query"),
        ] {
            let problem = read(query).unwrap_err();
            assert!(
                matches!(problem, Problem::Invalid(name, _) if name == field),
                "{query:?}: {problem:?}"
            );
        }
    }
}

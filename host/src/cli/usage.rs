//! `usage`

use clap::ArgMatches;
use concept_refinement_capability::administration::UsageGroup;
use concept_refinement_capability::clock::{Clock as _, SystemClock};
use serde_json::Value;

use super::failure::Failure;
use super::operator::client::{Access, AdminClient};
use super::operator::filter::period;
use super::operator::shown::{text, text_if_any};
use super::operator::table::{Column, Table, terminal_width};
use super::operator::{block_on, print_json};
use super::terminal::print;
use crate::csv;

const BY_USER: &[Column] = &columns("USER");
const BY_MODEL: &[Column] = &columns("MODEL");
const BY_DAY: &[Column] = &columns("DAY (UTC)");

const fn columns(name: &'static str) -> [Column; 4] {
    [
        Column::flexible(name),
        Column::fixed("SPENT (USD)"),
        Column::fixed("RESERVED (USD)"),
        Column::fixed("CALLS OF UNKNOWN PRICE"),
    ]
}

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let client = AdminClient::of(matches, Access::Read)?;
    let group = matches.get_one::<String>("group");
    let group = group.and_then(|group| UsageGroup::of(group));
    let group = group.unwrap_or(UsageGroup::User);
    let mut query = vec![("group", group.as_str().to_owned())];
    query.extend(period(matches, SystemClock.now()));
    block_on(async {
        let answer = client.get("usage", &query).await?;
        let sums = client.expected(answer.get("usage").and_then(Value::as_array))?;
        if matches.get_flag("json") {
            return Ok(print_json(&answer)?);
        }
        let shown = match matches.get_flag("csv") {
            true => csv_of(group, sums),
            false => table_of(group, sums),
        };
        Ok(print(shown)?)
    })
}

fn table_of(group: UsageGroup, sums: &[Value]) -> String {
    let columns = match group {
        UsageGroup::User => BY_USER,
        UsageGroup::Model => BY_MODEL,
        UsageGroup::Day => BY_DAY,
    };
    let fields = group.fields();
    let rows: Vec<Vec<String>> = sums
        .iter()
        .map(|sum| fields.map(|name| text(sum.get(name))).into())
        .collect();
    Table::new(columns, terminal_width()).lines(&rows)
}

/// As the service writes it, without characters that a terminal could interpret.
fn csv_of(group: UsageGroup, sums: &[Value]) -> String {
    let fields = group.fields();
    let lines = sums.iter().map(|sum| {
        let cells = fields.map(|name| text_if_any(sum.get(name)).unwrap_or_default());
        csv::line(cells.iter().map(String::as_str))
    });
    let head = csv::line(fields);
    [head].into_iter().chain(lines).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_answer_has_is_shown() {
        let sums = [
            json!({"user": "=1+1", "spent": "2.10", "reserved": "0.06", "unknown_calls": 3}),
            json!({"user": "a\u{1b}[2J, b", "spent": "0.00"}),
            json!(7),
        ];
        assert_eq!(
            csv_of(UsageGroup::User, &sums),
            "user,spent,reserved,unknown_calls\r\n\
             '=1+1,2.10,0.06,3\r\n\
             \"a\u{fffd}[2J, b\",0.00,,\r\n\
             ,,,\r\n"
        );
        let table = table_of(UsageGroup::User, &sums);
        let table: Vec<Vec<_>> = table
            .lines()
            .map(|line| {
                line.split("  ")
                    .map(str::trim)
                    .filter(|cell| !cell.is_empty())
                    .collect()
            })
            .collect();
        let expected = [
            [
                "USER",
                "SPENT (USD)",
                "RESERVED (USD)",
                "CALLS OF UNKNOWN PRICE",
            ],
            ["=1+1", "2.10", "0.06", "3"],
            ["a\u{fffd}[2J, b", "0.00", "-", "-"],
            ["-", "-", "-", "-"],
        ];
        assert_eq!(table, expected);
    }
}

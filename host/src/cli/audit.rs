//! `audit`

use clap::ArgMatches;
use serde_json::Value;

use super::failure::Failure;
use super::operator::client::{Access, AdminClient};
use super::operator::pages::Pages;
use super::operator::shown::{text, time};
use super::operator::table::{Column, Table, terminal_width};
use super::operator::{block_on, print_json};
use super::terminal::print_to_reader;

const COLUMNS: &[Column] = &[
    Column::fixed("AT (UTC)"),
    Column::flexible("WHO"),
    Column::fixed("ACT"),
    Column::fixed("TASKS"),
    Column::flexible("TARGET"),
    // An operator's reason is shown in full.
    Column::fixed("REASON"),
];

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let client = AdminClient::of(matches, Access::Read)?;
    let limit = matches.get_one::<u64>("limit").copied();
    let mut pages = Pages::new(&client, "audit", "entries", Vec::new(), limit);
    block_on(async {
        if matches.get_flag("json") {
            return Ok(print_json(&pages.joined().await?)?);
        }
        let mut table = Table::new(COLUMNS, terminal_width());
        while let Some(entries) = pages.next().await? {
            let rows: Vec<_> = entries.iter().map(row).collect();
            if !print_to_reader(table.lines(&rows))? {
                break;
            }
        }
        Ok(())
    })
}

fn row(entry: &Value) -> Vec<String> {
    let shown = |name| text(entry.get(name));
    vec![
        time(entry.get("at")),
        shown("actor"),
        shown("action"),
        shown("count"),
        shown("target"),
        shown("reason"),
    ]
}

//! `tasks retry`, `tasks cancel` and `tasks delete`

use clap::ArgMatches;
use concept_refinement_capability::administration::Action;

use super::super::failure::Failure;
use super::super::operator::client::{Access, AdminClient};
use super::{all, one};

/// A requested action, and its words in messages.
pub struct Act {
    pub client: AdminClient,
    pub action: Action,
    pub reason: String,
    pub as_json: bool,
}

pub fn run(action: Action, matches: &ArgMatches) -> Result<(), Failure> {
    let act = Act {
        client: AdminClient::of(matches, Access::Act)?,
        action,
        reason: matches.get_one("reason").cloned().unwrap_or_default(),
        as_json: matches.get_flag("json"),
    };
    match matches.get_one::<String>("id") {
        Some(id) => one::run(&act, id),
        None => all::run(act, matches),
    }
}

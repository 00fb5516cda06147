//! `tasks`

mod act;
mod all;
mod list;
mod show;

use clap::ArgMatches;
use concept_refinement_capability::administration::Action;

use super::failure::Failure;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    match matches.subcommand() {
        Some(("list", matches)) => list::run(matches),
        Some(("show", matches)) => show::run(matches),
        Some(("retry", matches)) => act::run(Action::Retry, matches),
        Some(("cancel", matches)) => act::run(Action::Cancel, matches),
        Some(("delete", matches)) => act::run(Action::Delete, matches),
        // The parser accepts no other command.
        _ => Err(Failure::usage("no such command")),
    }
}

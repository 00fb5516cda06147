//! `man [COMMAND…]`

use clap::{ArgMatches, Command};
use clap_mangen::Man;

use super::arguments::command;
use super::failure::Failure;
use super::terminal::print;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    // The manual pages say what `help` would.
    let program = command().disable_help_subcommand(true);
    let version = program.get_version().unwrap_or_default();
    let source = format!("{} {version}", program.get_name());
    let wanted = matches.get_many::<String>("command").unwrap_or_default();
    let mut page = Vec::new();
    let manual = Man::new(page_of(program, wanted)?).source(source);
    manual.render(&mut page)?;
    Ok(print(page)?)
}

/// The page of a command is named by its full name: `concept-refinement-tasks-list`.
fn page_of<'a>(
    mut page: Command,
    wanted: impl Iterator<Item = &'a String>,
) -> Result<Command, Failure> {
    page.build();
    for word in wanted {
        let found = page.find_subcommand(word).cloned();
        page = found.ok_or_else(|| Failure::usage(format!("there is no command {word:?}")))?;
    }
    Ok(page)
}

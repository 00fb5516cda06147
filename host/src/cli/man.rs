//! `man [COMMAND]`

use clap::{ArgMatches, Command};
use clap_mangen::Man;

use super::arguments::command;
use super::failure::Failure;
use super::terminal::print;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let program = command();
    let source = format!(
        "{} {}",
        program.get_name(),
        program.get_version().unwrap_or_default()
    );
    let wanted = matches.get_one::<String>("command").map(String::as_str);
    let mut page = Vec::new();
    let manual = Man::new(page_of(program, wanted)?).source(source);
    manual.render(&mut page)?;
    Ok(print(&page)?)
}

/// The page of a command is named by its full name: `concept-refinement-serve`.
fn page_of(mut program: Command, wanted: Option<&str>) -> Result<Command, Failure> {
    program.build();
    let Some(wanted) = wanted else {
        return Ok(program);
    };
    let found = program.find_subcommand(wanted).cloned();
    found.ok_or_else(|| Failure::Usage(anyhow::anyhow!("there is no command {wanted:?}")))
}

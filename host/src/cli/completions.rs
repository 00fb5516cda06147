//! `completions SHELL`

use clap::ArgMatches;
use clap_complete::Shell;

use super::arguments::command;
use super::failure::Failure;
use super::terminal::print;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let mut script = Vec::new();
    if let Some(shell) = matches.get_one::<Shell>("shell") {
        let mut command = command();
        let name = command.get_name().to_owned();
        clap_complete::generate(*shell, &mut command, name, &mut script);
    }
    Ok(print(&script)?)
}

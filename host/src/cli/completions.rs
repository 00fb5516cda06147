//! `completions SHELL`

use std::ffi::OsStr;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, ArgMatches, Command, Error};
use clap_complete::Shell;

use super::arguments::command;
use super::failure::Failure;
use super::terminal::print;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let mut script = Vec::new();
    if let Some(shell) = matches.get_one::<Shell>("shell") {
        let mut command = command();
        let name = command.get_name().to_owned();
        clap_complete::generate(*shell, &mut command, &name, &mut script);
        if *shell == Shell::Bash {
            script = with_one_name(&script, &name).into_bytes();
        }
    }
    Ok(print(script)?)
}

/// The script for bash sets one name for a command with a hyphen and looks for another,
/// so that nothing after the first word would be completed (clap_complete 4.6).
fn with_one_name(script: &[u8], name: &str) -> String {
    let (set, sought) = (name.replace('-', "__"), name.replace('-', "__subcmd__"));
    String::from_utf8_lossy(script).replace(&sought, &set)
}

/// Accepts any text; completions offer these words. Settings are checked elsewhere,
/// wherever they stand.
#[derive(Clone)]
pub struct Suggested(pub Vec<&'static str>);

impl TypedValueParser for Suggested {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

//! `token`

use clap::ArgMatches;
use concept_refinement_domain::duration::some_time;

use super::failure::Failure;
use super::settings;
use super::terminal::print;
use crate::tokens;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let (config, _) = settings::read(matches, None)?;
    let text = |name: &str| matches.get_one::<String>(name).map_or("", String::as_str);
    let unusable = |reason| Failure::usage(format!("the value of --expires {reason}"));
    let life = some_time(text("expires")).map_err(unusable)?;
    settings::start_log(config.log_format, "off")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let for_users = matches.get_flag("for-users");
    // Of the command line alone: that of all other users needs no token to name it.
    let plan = matches.get_one::<String>("plan").map(String::as_str);
    let issued = tokens::issue(&config, text("user"), life, for_users, plan);
    let token = runtime.block_on(issued)?;
    runtime.shutdown_background();
    Ok(print(format!("{token}\n"))?)
}

//! `migrate`

use clap::ArgMatches;

use super::failure::Failure;
use super::settings;
use super::terminal::print;
use crate::assembly::migrate::migrate;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let given = settings::given(matches, settings::concerns_stores)?;
    let config = settings::config(given.values)?;
    settings::start_log(config.log_format, "off")?;
    let runtime = tokio::runtime::Runtime::new()?;
    let told = runtime.block_on(migrate(&config, matches.get_flag("dry-run")))?;
    print(format!("{told}\n").as_bytes())?;
    Ok(())
}

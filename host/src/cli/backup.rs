//! `backup DIR`

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::ArgMatches;

use super::failure::Failure;
use super::settings;
use crate::assembly::backup::Backup;
use crate::assembly::{capabilities, control};
use crate::config::Config;
use crate::config::table::Command;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let given = settings::given(matches, Some(Command::Backup))?;
    let config = settings::config(given.values)?;
    settings::start_log(config.log_format, "off")?;
    let to = matches.get_one::<PathBuf>("directory");
    let to = std::path::absolute(to.cloned().unwrap_or_default())?;
    if !control::ask_for_backup(&config.data_dir, &to)? {
        write(&config, &to)?;
    }
    Ok(())
}

/// Where no service runs.
fn write(config: &Config, to: &Path) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let stores = runtime.block_on(capabilities::at_rest(config))?;
    let data = config.data_dir.display();
    let stores = stores.with_context(|| format!("{data} has nothing to back up"))?;
    let stores = stores.into_iter().map(|at_rest| at_rest.store).collect();
    Backup::new(&config.data_dir, stores).write(to)
}

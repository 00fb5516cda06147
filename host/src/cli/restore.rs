//! `restore DIR`, and `restore -`

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Instant;

use clap::ArgMatches;
use indicatif::DecimalBytes;

use super::failure::Failure;
use super::settings;
use super::terminal::{in_a_line, print, say};
use crate::config::table::Command;
use crate::restore::{Source, restore};
use crate::wiring::capabilities;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let (config, _) = settings::begin(matches, Some(Command::Restore), "off")?;
    let from = settings::directory(matches)?;
    let is_archive = from == Path::new("-");
    if is_archive && io::stdin().is_terminal() {
        let problem = "standard input is a terminal: pipe an archive, or name a directory";
        return Err(Failure::usage(problem));
    }
    let started = Instant::now();
    let source = match is_archive {
        true => Source::Archive(io::stdin().lock()),
        false => Source::Directory(std::path::absolute(from)?),
    };
    let restored = restore(&config, source)?;
    for sentence in capabilities::not_in_backups(&config)? {
        say(&sentence);
    }
    if let Some(missing) = &restored.missing {
        say(missing);
    }
    let done = format!(
        "restored {} ({} in {:.1} s)",
        restored.counts,
        DecimalBytes(restored.bytes),
        started.elapsed().as_secs_f64()
    );
    Ok(print(format!("{}\n", in_a_line(&done)))?)
}

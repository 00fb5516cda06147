//! `backup DIR`, and `backup -`

use std::io::{self, IsTerminal as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::ArgMatches;
use concept_refinement_capability::directory::existing;
use concept_refinement_capability::folder::Folder;
use concept_refinement_capability::room::Disk;
use indicatif::DecimalBytes;

use super::failure::Failure;
use super::settings;
use super::terminal::{in_a_line, print, say};
use crate::backup::{Backup, Draft, Receiver, pass_on, size, unpack};
use crate::config::Config;
use crate::config::table::Command;
use crate::wiring::capabilities::ConfiguredStores;
use crate::wiring::control::ControlClient;

pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let (config, _) = settings::begin(matches, Some(Command::Backup), "off")?;
    let to = settings::directory(matches)?;
    if to == Path::new("-") && io::stdout().is_terminal() {
        let problem = "standard output is a terminal: pipe it, or name a directory";
        return Err(Failure::usage(problem));
    }
    let started = Instant::now();
    let received = match to == Path::new("-") {
        true => to_stdout(Source::of(&config)?)?,
        false => to_directory(&config, &std::path::absolute(to)?)?,
    };
    for sentence in &received.elsewhere {
        say(sentence);
    }
    let done = format!(
        "backed up {} ({} in {:.1} s)",
        received.counts,
        DecimalBytes(received.bytes),
        started.elapsed().as_secs_f64()
    );
    match to == Path::new("-") {
        true => say(&done),
        // The service may have fewer rights than the user who reads this.
        false => print(format!("{}\n", in_a_line(&done)))?,
    }
    Ok(())
}

/// A complete backup.
struct Received {
    /// A summary of its contents.
    counts: String,
    /// What is not in it, as sentences.
    elsewhere: Vec<String>,
    /// Bytes of its files.
    bytes: u64,
}

fn to_directory(config: &Config, to: &Path) -> anyhow::Result<Received> {
    // This comes first, because removing a large leftover draft may take long, and a
    // service waits only shortly for a request.
    let data = existing(Folder::open(&config.data_dir)).with_context(|| unreadable(config))?;
    let draft = Draft::create(to, data.as_ref())?;
    if let Some(data) = data {
        refuse_without_room(&data, draft.contents())?;
    }
    let mut receiver = Receiver::new(Source::of(config)?.begin(draft.scratch())?);
    let unpacked = unpack(&mut receiver, draft.contents());
    let received = received(receiver, unpacked)?;
    draft.finish()?;
    Ok(received)
}

/// On the service's own disk, the space reserved for its tasks must not be used by
/// backups.
fn refuse_without_room(data: &Folder, to: &Folder) -> anyhow::Result<()> {
    let (all, largest) = size(data)?;
    // During the backup there may be three copies of a database.
    let bytes = all.saturating_add(largest.saturating_mul(2));
    let Some(disk) = Disk::of(to.path()) else {
        return Ok(());
    };
    let is_same = data.metadata()?.dev() == to.metadata()?.dev();
    let kept = if is_same { disk.reserve() } else { 0 };
    let left = disk.available.saturating_sub(kept);
    if left < bytes {
        let (bytes, left) = (DecimalBytes(bytes), DecimalBytes(left));
        let beside = if is_same {
            ", beside what the service needs"
        } else {
            ""
        };
        bail!("a backup takes up to {bytes}, and its disk has {left} left{beside}");
    }
    Ok(())
}

fn to_stdout(source: Source) -> anyhow::Result<Received> {
    // A service uses its own scratch directory, and this file system may be
    // read-only.
    let scratch = match source {
        Source::Service(_) => None,
        Source::AtRest(_) => Some(tempfile::tempdir()?),
    };
    let place = scratch
        .as_ref()
        .map_or(Path::new(""), |scratch| scratch.path());
    let mut receiver = Receiver::new(source.begin(place)?);
    let passed = pass_on(&mut receiver, io::stdout().lock());
    received(receiver, passed)
}

/// Reports an error of the sender rather than the error that it caused here. `taken`: the
/// bytes of the backup's files.
fn received<R: io::Read>(
    receiver: Receiver<R>,
    taken: anyhow::Result<u64>,
) -> anyhow::Result<Received> {
    match receiver.outcome() {
        Some(Err(why)) => bail!("{why}"),
        outcome => {
            let bytes = taken?;
            let told = outcome.and_then(Result::ok);
            let told = told.context("the backup was not read to its end")?;
            let mut lines = told.lines().map(str::to_owned);
            Ok(Received {
                counts: lines.next().unwrap_or_default(),
                elsewhere: lines.collect(),
                bytes,
            })
        }
    }
}

fn unreadable(config: &Config) -> String {
    let data = config.data_dir.display();
    format!("the data directory {data} cannot be read")
}

/// The process that makes the backup.
enum Source {
    Service(ControlClient),
    AtRest(Backup),
}

impl Source {
    fn of(config: &Config) -> anyhow::Result<Self> {
        if let Some(client) = ControlClient::connect(&config.data_dir)? {
            return Ok(Self::Service(client));
        }
        let runtime = tokio::runtime::Runtime::new()?;
        let stores = runtime.block_on(ConfiguredStores::of(config).at_rest())?;
        let data = config.data_dir.display();
        let stores = stores.with_context(|| format!("{data} has nothing to back up"))?;
        let stores = stores.into_iter().map(|at_rest| at_rest.store).collect();
        let data = Folder::open(&config.data_dir).with_context(|| unreadable(config))?;
        let backup = Backup::new(config, data, stores, Arc::default())?;
        Ok(Self::AtRest(backup))
    }

    /// Starts the backup and returns the stream to read it from. `scratch` is for the
    /// copies that this process has to make if no service runs.
    fn begin(self, scratch: &Path) -> anyhow::Result<UnixStream> {
        match self {
            Self::Service(client) => Ok(client.for_backup()?),
            Self::AtRest(backup) => {
                let (from, to) = UnixStream::pair()?;
                let scratch = scratch.to_owned();
                // The receiver reads the outcome from the stream.
                thread::Builder::new().spawn(move || backup.send(to, Some(&scratch)))?;
                Ok(from)
            }
        }
    }
}

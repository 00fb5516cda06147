//! Runs test programs concurrently, since most of them wait rather than compute.
//!
//! The output of a program is shown as a whole when it has ended, and kept in
//! `target/test-output` until the next run.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::Context as _;
use fs_err as fs;

use super::failures::Failure;
use super::programs::Program;
use super::tally::Tally;
use crate::workspace::Workspace;

/// With three programs that compute on two cores, tests with real-time deadlines failed.
const AT_ONCE: usize = 2;

/// With more failed tests than this, it is not the machine.
const REPEATED_AT_MOST: usize = 8;

/// One run of a program.
#[derive(Clone)]
pub struct Run<'a> {
    /// The name for people, and of the file with its output.
    pub name: String,
    pub program: &'a Program,
    /// Arguments that `cargo test` would take after `--`.
    pub arguments: Vec<String>,
    pub variables: Vec<(&'static str, String)>,
    /// Its tests mostly wait, so it runs beside those that compute.
    pub is_waiting: bool,
    /// Must not run concurrently with other programs.
    pub is_alone: bool,
    /// Looks for faults at random, so that a failure counts even if it does not come again.
    pub is_random: bool,
}

/// Starts them in this order; those that must run alone come last. A few tests that fail are
/// run again with nothing beside them, since many have deadlines, which a busy machine misses;
/// the tally says of each that it was.
pub fn run(workspace: &Workspace, runs: Vec<Run<'_>>) -> anyhow::Result<Tally> {
    let output = workspace.target().join("test-output");
    fs::create_dir_all(&output)?;
    let (alone, together): (Vec<_>, Vec<_>) = runs.iter().partition(|run| run.is_alone);
    let (waiting, computing) = together.into_iter().partition(|run| run.is_waiting);
    let tally = in_lanes([(AT_ONCE, computing), (1, waiting)], workspace, &output)?;
    let tally = tally.and(in_lanes([(1, alone)], workspace, &output)?);
    let again: Vec<_> = runs
        .iter()
        .filter_map(|run| run.of_failed(&tally.failures))
        .collect();
    let is_few = tally.names_each_failure() && tally.failures.len() <= REPEATED_AT_MOST;
    if !is_few || again.iter().any(|run| run.is_random) {
        return Ok(tally);
    }
    let again = in_lanes([(1, again.iter().collect())], workspace, &output)?;
    Ok(tally.with_repeated(again))
}

/// So many runs of each lane at once, in their order, until all have ended.
fn in_lanes<const N: usize>(
    lanes: [(usize, Vec<&Run<'_>>); N],
    workspace: &Workspace,
    output: &Path,
) -> anyhow::Result<Tally> {
    let lanes = lanes.map(|(number, runs)| (number, Mutex::new(VecDeque::from(runs))));
    let work = |queue: &Mutex<VecDeque<&Run<'_>>>| {
        let next = || {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.pop_front()
        };
        let mut tally = Tally::default();
        while let Some(run) = next() {
            tally = tally.and(run.run(workspace, output)?);
        }
        anyhow::Ok(tally)
    };
    thread::scope(|scope| {
        let start = |queue| scope.spawn(move || work(queue));
        let workers: Vec<_> = lanes
            .iter()
            .flat_map(|(number, queue)| (0..*number).map(move |_| queue))
            .map(start)
            .collect();
        let mut sum = Tally::default();
        for worker in workers {
            let ended = worker.join();
            sum = sum.and(ended.unwrap_or_else(|_| anyhow::bail!("a thread ended"))?);
        }
        Ok(sum)
    })
}

impl Run<'_> {
    fn run(&self, workspace: &Workspace, output: &Path) -> anyhow::Result<Tally> {
        println!("== {}", self.name);
        let started = Instant::now();
        let path = output.join(format!("{}.txt", self.name.replace(' ', "-")));
        let is_success = self.write_to(workspace, &path)?;
        let printed = fs::read(&path)?;
        let tally = Tally::of(&String::from_utf8_lossy(&printed));
        let mut out = io::stdout().lock();
        out.write_all(&printed)?;
        let seconds = started.elapsed().as_secs();
        writeln!(out, "== {}: {tally} in {seconds} s", self.name)?;
        // If the arguments select no tests, they are wrong; but a crate may have no
        // tests.
        let is_any = self.arguments.is_empty() || tally.passed > 0;
        Ok(tally.with_success(is_success && is_any).in_run(&self.name))
    }

    /// Those of its tests that failed, one after another. None: none did.
    fn of_failed(&self, failures: &[Failure]) -> Option<Self> {
        let failed = failures.iter().filter(|failure| failure.run == self.name);
        let names: Vec<_> = failed.map(|failure| failure.name.clone()).collect();
        let options = ["--exact", "--test-threads=1"].map(String::from);
        (!names.is_empty()).then(|| Self {
            arguments: [names, options.into()].concat(),
            ..self.clone()
        })
    }

    /// Returns whether it succeeded.
    fn write_to(&self, workspace: &Workspace, path: &PathBuf) -> anyhow::Result<bool> {
        let file = fs::File::create(path)?.into_file();
        let mut command = self.command(workspace);
        command.stdout(file.try_clone()?).stderr(file);
        let status = command.status();
        Ok(status.with_context(|| self.name.clone())?.success())
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let mut command = workspace.native_command(&self.program.path);
        command
            .current_dir(&self.program.directory)
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

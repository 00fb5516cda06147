//! Selects the tests for each command, and those to repeat on other engines and
//! platforms.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use super::programs::Program;
use super::runner::Run;

/// Engines that keep nothing in the data directory; the full list is in
/// `tests/src/engines.rs`.
const ENGINES: &str = "postgres,nats,s3";

/// How many tests that wait a program runs at once: they take turns on the processor.
const WAITING_AT_ONCE: usize = 8;

/// The contents of `tests/suites.json`. Tests are selected by parts of their names, such
/// as modules.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suites<'a> {
    /// Tests of each suite that need a server, a browser or another tool that is not a
    /// crate, or that are about other platforms. An empty part selects the whole suite.
    #[serde(borrow)]
    beyond_crates: BTreeMap<&'a str, Vec<&'a str>>,
    /// Tests of each suite that wait for time to pass, such as a limit of a minute, and compute
    /// little. They have a run of their own, beside the others, in which many wait at once.
    waiting: BTreeMap<&'a str, Vec<&'a str>>,
    /// Suites with measurements that concurrent load would distort.
    alone: Vec<&'a str>,
    /// Suites that look for faults at random.
    random: Vec<&'a str>,
    /// Suites to be started first, the longest first, so that none is left at the end.
    longest: Vec<&'a str>,
    /// Suites that run on Spin, if it is installed.
    spin: Vec<&'a str>,
    /// Modules of `tests/e2e` that test HTTP end to end.
    http: Vec<&'a str>,
    /// Modules that test stored data.
    stored: Vec<&'a str>,
    /// Modules of `tests/e2e` that test the components on any platform.
    on_wasmtime: Vec<&'a str>,
    /// Tests among those that are specific to our host: its network, and that it continues
    /// reading after it has refused a body.
    of_our_host: Vec<&'a str>,
    /// Tests of `tests/platforms` that need no other platform.
    cases: Vec<&'a str>,
    /// Tests of `tests/crashes` that neither start their own engines nor read files. Only
    /// half of the crash points, since they take long.
    crashes: Vec<&'a str>,
    /// Tests of `tests/latency` about users who share database connections.
    fairness: Vec<&'a str>,
}

impl Suites<'static> {
    pub fn read() -> anyhow::Result<Self> {
        serde_json::from_str(include_str!("../../../tests/suites.json"))
            .context("tests/suites.json cannot be read")
    }

    /// The tests of the embedded product.
    pub fn embedded<'a>(&self, programs: &'a [Program]) -> Vec<Run<'a>> {
        let runs = |program: &'a Program| {
            let beyond = self.beyond_crates.get(program.name.as_str());
            let beyond = beyond.map(Vec::as_slice).unwrap_or_default();
            match beyond.contains(&"") {
                true => Vec::new(),
                false => self.without(beyond, program),
            }
        };
        self.ordered(programs).into_iter().flat_map(runs).collect()
    }

    /// All tests. Those of HTTP, the cases of all platforms, crashes and fairness are
    /// repeated on other engines, and those of HTTP on another platform: before the short
    /// programs, so that none of these runs is left at the end.
    pub fn everything<'a>(&self, programs: &'a [Program]) -> Vec<Run<'a>> {
        let ordered = self.ordered(programs);
        let (long, short) =
            ordered.split_at(ordered.partition_point(|it| self.place(it) < self.longest.len()));
        let all = |programs: &[&'a Program]| {
            let runs = programs.iter().flat_map(|it| self.without(&[], it));
            runs.collect::<Vec<_>>()
        };
        let mut runs = all(long);
        for program in programs {
            match program.name.as_str() {
                "e2e" => {
                    let tests = [self.http.as_slice(), &self.stored].concat();
                    runs.push(self.on(ENGINES, "HTTP", program, &tests));
                    runs.push(self.http_on_wasmtime(program));
                }
                "platforms" => runs.push(self.on(ENGINES, "cases", program, &self.cases)),
                "crashes" => runs.push(self.on(ENGINES, "crashes", program, &self.crashes)),
                "latency" => runs.push(self.on("postgres", "fairness", program, &self.fairness)),
                _ => {}
            }
        }
        runs.extend(all(short));
        runs
    }

    /// The tests that need Spin.
    pub fn on_spin<'a>(&self, programs: &'a [Program], spin: &Path) -> Vec<Run<'a>> {
        let is_about_spin = |program: &&Program| self.spin.contains(&program.name.as_str());
        let run = |program: &'a Program| Run {
            name: format!("{} on Spin", program.name),
            arguments: owned(&["--ignored", "spin::"]),
            variables: vec![("SPIN", spin.display().to_string())],
            ..self.whole(program)
        };
        programs.iter().filter(is_about_spin).map(run).collect()
    }

    fn ordered<'a>(&self, programs: &'a [Program]) -> Vec<&'a Program> {
        let mut programs: Vec<_> = programs.iter().collect();
        programs.sort_by_key(|program| self.place(program));
        programs
    }

    /// Among the longest, or behind them.
    fn place(&self, program: &Program) -> usize {
        let place = self.longest.iter().position(|name| *name == program.name);
        place.unwrap_or(self.longest.len())
    }

    /// The tests of a program, except those with these parts in their names; first those that
    /// wait, if there are any.
    fn without<'a>(&self, parts: &[&str], program: &'a Program) -> Vec<Run<'a>> {
        let waiting = self.waiting.get(program.name.as_str());
        let is_left = |name: &&str| !parts.iter().any(|part| name.contains(part));
        let waiting = waiting.into_iter().flatten().copied().filter(is_left);
        let waiting: Vec<&str> = waiting.collect();
        let skipped = skipping(parts);
        let others = Run {
            arguments: [skipped.clone(), skipping(&waiting)].concat(),
            ..self.whole(program)
        };
        if waiting.is_empty() {
            return vec![others];
        }
        let at_once = format!("--test-threads={WAITING_AT_ONCE}");
        let waiting = Run {
            name: format!("{} waiting", program.name),
            arguments: [owned(&waiting), skipped, vec![at_once]].concat(),
            is_waiting: true,
            ..self.whole(program)
        };
        vec![waiting, others]
    }

    fn whole<'a>(&self, program: &'a Program) -> Run<'a> {
        Run {
            name: program.name.clone(),
            program,
            arguments: Vec::new(),
            variables: Vec::new(),
            is_waiting: false,
            is_alone: self.alone.contains(&program.name.as_str()),
            is_random: self.random.contains(&program.name.as_str()),
        }
    }

    /// The HTTP tests that are not specific to our host, on `wasmtime serve`.
    fn http_on_wasmtime<'a>(&self, e2e: &'a Program) -> Run<'a> {
        Run {
            name: "HTTP on wasmtime serve".into(),
            arguments: [owned(&self.on_wasmtime), skipping(&self.of_our_host)].concat(),
            variables: vec![("REFINEMENT_TEST_PLATFORM", "wasmtime".into())],
            ..self.whole(e2e)
        }
    }

    fn on<'a>(&self, engines: &str, what: &str, program: &'a Program, tests: &[&str]) -> Run<'a> {
        Run {
            name: format!("{what} over {engines}"),
            arguments: owned(tests),
            variables: vec![("REFINEMENT_TEST_ENGINES", engines.into())],
            ..self.whole(program)
        }
    }
}

fn skipping(names: &[&str]) -> Vec<String> {
    names
        .iter()
        .flat_map(|name| owned(&["--skip", name]))
        .collect()
}

fn owned(arguments: &[&str]) -> Vec<String> {
    arguments.iter().map(|text| (*text).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn programs() -> Vec<Program> {
        let program = |name: &str| Program {
            name: name.into(),
            path: name.into(),
            directory: "/".into(),
        };
        ["browser", "xtask", "e2e", "platforms", "crashes", "latency"]
            .map(program)
            .into()
    }

    fn names<'a>(runs: &'a [Run<'_>]) -> Vec<&'a str> {
        runs.iter().map(|run| run.name.as_str()).collect()
    }

    #[test]
    fn each_door_runs_what_is_its_own() {
        let programs = programs();
        let suites = Suites::read().unwrap();
        let embedded = suites.embedded(&programs);
        assert_eq!(
            names(&embedded),
            [
                "e2e waiting",
                "e2e",
                "crashes waiting",
                "crashes",
                "platforms",
                "xtask",
                "latency"
            ]
        );
        let everything = suites.everything(&programs);
        assert_eq!(
            names(&everything),
            [
                "e2e waiting",
                "e2e",
                "crashes waiting",
                "crashes",
                "platforms",
                "browser",
                "HTTP over postgres,nats,s3",
                "HTTP on wasmtime serve",
                "cases over postgres,nats,s3",
                "crashes over postgres,nats,s3",
                "fairness over postgres",
                "xtask",
                "latency",
            ]
        );
        // Of a program in two runs, one waits.
        let whole = |run: &&Run<'_>| run.arguments.is_empty() || run.is_waiting;
        assert_eq!(everything.iter().filter(whole).count(), programs.len());
        let is_random = |run: &&Run<'_>| run.is_random;
        assert_eq!(everything.iter().filter(is_random).count(), 3);
        let skipped = |name| {
            let run = embedded.iter().find(|run| run.name == name);
            run.map(|run| run.arguments.len())
        };
        assert_eq!(skipped("xtask"), Some(0));
        assert!(skipped("e2e") > Some(0));
    }
}

//! Adds up the result lines of test programs.

use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use super::failures::{self, Failure};

/// How many tests ended in which way.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
    /// The failed ones, as far as their programs named them.
    pub failures: Vec<Failure>,
    /// Those that failed beside others and passed alone.
    pub unsteady: Vec<Failure>,
}

impl Tally {
    /// Sums up the complete output of programs.
    pub fn of(output: &str) -> Self {
        let mut tally = Self::default();
        output.lines().for_each(|line| tally.add(line));
        tally.failures = failures::of(output);
        tally
    }

    /// Sums up the output of a command, which is passed on.
    pub fn of_command(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().context("a command without output")?;
        let tally = Self::passed_on(BufReader::new(output), io::stdout().lock())?;
        Ok(tally.with_success(child.wait()?.success()))
    }

    /// Copies line by line, and counts results.
    fn passed_on(mut from: impl BufRead, mut to: impl Write) -> io::Result<Self> {
        let mut tally = Self::default();
        let mut line = Vec::new();
        while from.read_until(b'\n', &mut line)? > 0 {
            to.write_all(&line)?;
            to.flush()?;
            tally.add(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
        Ok(tally)
    }

    /// Adds a line of output if it is a result, and ignores other lines.
    pub fn add(&mut self, line: &str) {
        if let Some(result) = parse(line) {
            self.passed += result.passed;
            self.failed += result.failed;
            self.skipped += result.skipped;
        }
    }

    /// Takes cargo's exit status into account: a test program that did not compile or
    /// that crashed prints no result line.
    pub fn with_success(mut self, success: bool) -> Self {
        if !success {
            self.failed = self.failed.max(1);
        }
        self
    }

    /// Adds the results of another run.
    pub fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
            failures: [self.failures, other.failures].concat(),
            unsteady: [self.unsteady, other.unsteady].concat(),
        }
    }

    /// Says of failures in which run they were.
    pub fn in_run(mut self, name: &str) -> Self {
        for failure in &mut self.failures {
            name.clone_into(&mut failure.run);
        }
        self
    }

    /// Whether each failure is a test that was named, rather than a program that crashed.
    pub fn names_each_failure(&self) -> bool {
        u64::try_from(self.failures.len()) == Ok(self.failed)
    }

    /// Replaces the results of failed tests by those of the same tests run again.
    pub fn with_repeated(self, again: Self) -> Self {
        let failed_again = |failure: &Failure| {
            let mut failures = again.failures.iter();
            failures.any(|other| other.run == failure.run && other.name == failure.name)
        };
        let (_, passed): (Vec<_>, Vec<_>) = self.failures.into_iter().partition(failed_again);
        Self {
            passed: self.passed + again.passed,
            failed: again.failed,
            skipped: self.skipped,
            failures: again.failures,
            unsteady: [self.unsteady, passed].concat(),
        }
    }

    /// Accounts for tests that were skipped first and run later.
    pub fn with_skipped(self, run: Self) -> Self {
        let skipped = self.skipped.saturating_sub(run.passed + run.failed);
        Self {
            skipped,
            ..self.and(run)
        }
    }

    /// A run without passed tests is a failure.
    pub fn verdict(self) -> anyhow::Result<()> {
        if self.failed > 0 {
            bail!("tests failed\n{}", failures::listed(&self.failures));
        }
        ensure!(self.passed > 0, "no test was run");
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (passed, failed, skipped) = (self.passed, self.failed, self.skipped);
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")?;
        if !self.unsteady.is_empty() {
            let unsteady = failures::listed(&self.unsteady);
            write!(f, "\nfailed beside others, passed alone:\n{unsteady}")?;
        }
        Ok(())
    }
}

/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`
fn parse(line: &str) -> Option<Tally> {
    let (_, counts) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let count = |what: &str| {
        counts.split("; ").find_map(|part| {
            let (number, word) = part.split_once(' ')?;
            (word == what).then(|| number.parse().ok())?
        })
    };
    Some(Tally {
        passed: count("passed")?,
        failed: count("failed")?,
        skipped: count("ignored")?,
        ..Tally::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn tally(passed: u64, failed: u64, skipped: u64) -> Tally {
        Tally {
            passed,
            failed,
            skipped,
            failures: Vec::new(),
            unsteady: Vec::new(),
        }
    }

    #[test]
    fn result_lines_are_read() {
        for (name, line, expected) in [
            (
                "success",
                "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s",
                Some(tally(3, 0, 1)),
            ),
            (
                "failure",
                "test result: FAILED. 120 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 71.30s",
                Some(tally(120, 2, 0)),
            ),
            (
                "a test",
                "test tally::tests::result_lines_are_read ... ok",
                None,
            ),
            ("a heading", "running 3 tests", None),
            ("cut short", "test result: ok. 3 passed", None),
            (
                "no number",
                "test result: ok. x passed; 0 failed; 0 ignored",
                None,
            ),
            (
                "too large",
                "test result: ok. 99999999999999999999 passed; 0 failed; 0 ignored",
                None,
            ),
            (
                "said by a test",
                "it printed test result: ok. 3 passed; 0 failed; 0 ignored",
                None,
            ),
            ("empty", "", None),
        ] {
            assert_eq!(parse(line), expected, "{name}");
        }
    }

    #[test]
    fn results_are_added_up() {
        let mut sum = Tally::default();
        for line in [
            "running 4 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "",
            "test result: FAILED. 4 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ] {
            sum.add(line);
        }
        assert_eq!(sum.to_string(), "7 passed, 1 failed, 1 skipped");
    }

    #[test]
    fn a_failure_of_cargo_alone_counts_as_one() {
        assert_eq!(tally(5, 0, 0).with_success(false), tally(5, 1, 0));
        assert_eq!(tally(5, 2, 0).with_success(false), tally(5, 2, 0));
        assert_eq!(tally(5, 0, 0).with_success(true), tally(5, 0, 0));
    }

    #[test]
    fn what_was_run_later_is_skipped_no_more() {
        let first = tally(9, 1, 5);
        assert_eq!(first.clone().with_skipped(tally(3, 1, 0)), tally(12, 2, 1));
        assert_eq!(first.with_skipped(tally(0, 9, 0)), tally(9, 10, 0));
    }

    #[test]
    fn a_failure_is_told_at_the_end() {
        let failed =
            Tally::of("test a ... FAILED\ntest result: FAILED. 0 passed; 1 failed; 0 ignored\n");
        let sum = tally(3, 0, 0).and(failed.in_run("cli"));
        let told = sum.verdict().unwrap_err().to_string();
        assert_eq!(told, "tests failed\ncli: a");
    }

    #[test]
    fn a_test_that_passes_alone_is_told_and_one_that_fails_again_fails() {
        let first = Tally::of(
            "test a ... FAILED\ntest b ... FAILED\n\
             test result: FAILED. 1 passed; 2 failed; 0 ignored\n",
        );
        let first = first.in_run("cli");
        assert!(first.names_each_failure());
        let again = Tally::of(
            "test a ... ok\ntest b ... FAILED\n\
             test result: FAILED. 1 passed; 1 failed; 0 ignored\n",
        );
        let sum = first.clone().with_repeated(again.in_run("cli"));
        assert_eq!(
            sum.to_string(),
            "2 passed, 1 failed, 0 skipped\nfailed beside others, passed alone:\ncli: a"
        );
        let told = sum.verdict().unwrap_err().to_string();
        assert_eq!(told, "tests failed\ncli: b");
        assert!(first.with_repeated(tally(2, 0, 0)).verdict().is_ok());
    }

    #[test]
    fn a_program_that_crashed_names_no_failure() {
        assert!(!tally(5, 0, 0).with_success(false).names_each_failure());
        assert!(tally(5, 0, 0).names_each_failure());
    }

    #[test]
    fn only_passed_tests_are_a_success() {
        assert!(tally(1, 0, 0).verdict().is_ok());
        assert!(tally(1, 0, 7).verdict().is_ok());
        assert!(tally(9, 1, 0).verdict().is_err());
        assert!(tally(0, 0, 3).verdict().is_err());
    }

    #[test]
    fn output_is_passed_on_unchanged_and_counted() {
        let output = b"running 2 tests\n\xff\xfe not text\r\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test result: ok. 1 passed; 0 failed; 3 ignored; 0 measured; 0 filtered out\r\nno end";
        let mut seen = Vec::new();
        let tally = Tally::passed_on(output.as_slice(), &mut seen).unwrap();
        assert_eq!(seen, output);
        assert_eq!(tally.to_string(), "3 passed, 0 failed, 3 skipped");
    }
}

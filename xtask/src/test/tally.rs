//! Adds up the result lines of test programs.

use std::fmt;

use anyhow::bail;

/// How many tests ended in which way.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub passed: u64,
    pub failed: u64,
    pub skipped: u64,
}

impl Tally {
    /// Adds a line of output if it is a result; any other line adds nothing.
    pub fn add(&mut self, line: &str) {
        if let Some(result) = parse(line) {
            self.passed += result.passed;
            self.failed += result.failed;
            self.skipped += result.skipped;
        }
    }

    /// Takes cargo's exit status into account: a test program that did not
    /// compile or crashed prints no result line.
    pub fn with_success(mut self, success: bool) -> Self {
        if !success {
            self.failed = self.failed.max(1);
        }
        self
    }

    /// With those of another run.
    pub fn and(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }

    /// Takes tests into account that were skipped first and run later.
    pub fn with_skipped(self, run: Self) -> Self {
        Self {
            passed: self.passed + run.passed,
            failed: self.failed + run.failed,
            skipped: self.skipped.saturating_sub(run.passed + run.failed),
        }
    }

    /// A run without passed tests is a failure.
    pub fn verdict(self) -> anyhow::Result<()> {
        match self {
            Self { failed: 1.., .. } => bail!("tests failed"),
            Self { passed: 0, .. } => bail!("no test was run"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
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
        assert_eq!(first.with_skipped(tally(3, 1, 0)), tally(12, 2, 1));
        assert_eq!(first.with_skipped(tally(0, 9, 0)), tally(9, 10, 0));
    }

    #[test]
    fn only_passed_tests_are_a_success() {
        assert!(tally(1, 0, 0).verdict().is_ok());
        assert!(tally(1, 0, 7).verdict().is_ok());
        assert!(tally(9, 1, 0).verdict().is_err());
        assert!(tally(0, 0, 3).verdict().is_err());
    }
}

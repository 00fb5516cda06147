//! The steps of a test run, printed and timed.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// The steps that are done, with the time that each took.
#[derive(Default)]
pub struct Steps {
    done: Vec<(&'static str, Duration)>,
}

impl Steps {
    /// Runs one step, with its name printed before and its time afterwards.
    pub fn run<T>(
        &mut self,
        name: &'static str,
        step: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        println!("== {name}");
        let started = Instant::now();
        let result = step();
        let taken = started.elapsed();
        let outcome = if result.is_ok() { "ok" } else { "failed" };
        println!("== {name}: {outcome} in {}", seconds(taken));
        self.done.push((name, taken));
        result.with_context(|| format!("the step `{name}` failed"))
    }
}

/// All steps in a table.
impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, taken) in &self.done {
            writeln!(f, "{:>9}  {name}", seconds(*taken))?;
        }
        let total = self.done.iter().map(|(_, taken)| *taken).sum();
        write!(f, "{:>9}  in all", seconds(total))
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_listed_with_their_times() {
        let steps = Steps {
            done: vec![
                ("format", Duration::from_millis(1_234)),
                ("tests", Duration::from_millis(600_000)),
            ],
        };
        assert_eq!(
            steps.to_string(),
            "    1.2 s  format\n  600.0 s  tests\n  601.2 s  in all"
        );
    }

    #[test]
    fn a_failure_names_its_step() {
        let mut steps = Steps::default();
        let result = steps.run("format", || -> anyhow::Result<()> { anyhow::bail!("no") });
        assert_eq!(
            format!("{:#}", result.unwrap_err()),
            "the step `format` failed: no"
        );
    }
}

//! What failed, to be told again at the end of the output, where it is looked for.

/// Of the output of a failed test, where assertions and panics are last.
const LINES: usize = 15;

/// The line below a panic from which on its frames are listed, which say less.
const FRAMES: &str = "stack backtrace:";

/// A failed test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The run of its program; empty if there is only one.
    pub run: String,
    pub name: String,
    /// The end of what it printed, each line after a line break.
    printed: String,
}

/// The failed tests in the complete output of a program.
pub fn of(output: &str) -> Vec<Failure> {
    let failed = |line: &str| {
        let name = line.strip_prefix("test ")?.strip_suffix(" ... FAILED")?;
        Some(Failure {
            run: String::new(),
            name: name.to_owned(),
            printed: end_of_section(output, name),
        })
    };
    output.lines().filter_map(failed).collect()
}

/// All of them, for people.
pub fn listed(failures: &[Failure]) -> String {
    let line = |Failure { run, name, printed }: &Failure| format!("{run}: {name}{printed}");
    let lines: Vec<_> = failures.iter().map(line).collect();
    lines.join("\n")
}

/// The last lines of a test's section, each indented after a line break.
fn end_of_section(output: &str, name: &str) -> String {
    let heading = format!("---- {name} stdout ----");
    let section: Vec<_> = output
        .lines()
        .skip_while(|line| *line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("---- ") && *line != "failures:")
        .take_while(|line| *line != FRAMES)
        .filter(|line| !line.trim().is_empty())
        .collect();
    let start = section.len().saturating_sub(LINES);
    section
        .iter()
        .skip(start)
        .map(|line| format!("\n    {line}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_with_the_end_of_what_they_printed() {
        let long: String = (0..40).map(|number| format!("line {number}\n")).collect();
        let output = format!(
            "running 3 tests\ntest a::b ... ok\ntest c::d ... FAILED\ntest e ... FAILED\n\n\
             failures:\n\n---- c::d stdout ----\n{long}\n---- e stdout ----\nat e.rs\nstack backtrace:\n   0: f\n\n\
             failures:\n    c::d\n    e\n\ntest result: FAILED. 1 passed; 2 failed\n"
        );
        let failures = of(&output);
        assert_eq!(failures.len(), 2);
        assert_eq!(failures[0].name, "c::d");
        assert!(failures[0].printed.starts_with("\n    line 25\n"));
        assert!(failures[0].printed.ends_with("\n    line 39"));
        assert_eq!(listed(&failures[1..]), ": e\n    at e.rs");
        assert!(of("test a ... ok\nit said test b ... FAILED\n").is_empty());
    }
}

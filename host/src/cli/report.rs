//! The findings of a command: printed line by line as they are known, or as JSON at the
//! end.

use std::{io, mem};

use clap::ArgMatches;
use serde_json::{Value, json};

use super::failure::Failure;
use super::terminal::{escaped, in_a_line, print};

pub struct Report {
    as_json: bool,
    /// The name of a finding in JSON.
    kind: &'static str,
    line: fn(&str, &Result<String, String>) -> String,
    findings: Vec<Value>,
    failed: usize,
    printed: io::Result<()>,
}

impl Report {
    /// `kind`: the name of a finding in JSON. `line`: formats one finding, good or bad.
    pub fn new(
        matches: &ArgMatches,
        kind: &'static str,
        line: fn(&str, &Result<String, String>) -> String,
    ) -> Self {
        Self {
            as_json: matches.get_flag("json"),
            kind,
            line,
            findings: Vec::new(),
            failed: 0,
            printed: Ok(()),
        }
    }

    pub fn add(&mut self, name: &str, result: Result<String, String>) {
        self.add_with(name, result, &[]);
    }

    /// Adds a finding, and the lines printed meanwhile.
    pub fn add_with(&mut self, name: &str, result: Result<String, String>, printed: &[String]) {
        let in_a_line = |sentence: String| in_a_line(&sentence);
        let result = result.map(in_a_line).map_err(in_a_line);
        if !self.as_json {
            self.print(&(self.line)(name, &result));
            for line in printed {
                self.print(&format!("  | {line}\n"));
            }
        }
        let is_ok = result.is_ok();
        self.failed += usize::from(!is_ok);
        let (Ok(says) | Err(says)) = result;
        let mut finding = json!({"name": name, "ok": is_ok, "says": says});
        if let (Some(finding), false) = (finding.as_object_mut(), printed.is_empty()) {
            finding.insert("printed".to_owned(), json!(printed));
        }
        self.findings.push(finding);
    }

    /// `sum`: formats the last line from the numbers of good findings and of all.
    pub fn end(mut self, sum: impl FnOnce(usize, usize) -> String) -> Result<(), Failure> {
        let all_ok = self.failed == 0;
        let text = match self.as_json {
            true => {
                let report = json!({"ok": all_ok, (self.kind): &self.findings});
                escaped(&format!("{report:#}\n"))
            }
            false => sum(self.findings.len() - self.failed, self.findings.len()),
        };
        self.print(&text);
        self.printed?;
        if all_ok { Ok(()) } else { Err(Failure::Told) }
    }

    fn print(&mut self, text: &str) {
        let printed = print(text);
        self.printed = mem::replace(&mut self.printed, Ok(())).and(printed);
    }
}

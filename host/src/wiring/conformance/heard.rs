//! Collects what the model prints during the tests.

use std::mem;

use concept_refinement_runtime::model::output::Listener;
use parking_lot::Mutex;

/// Output since it was last taken.
#[derive(Default)]
pub struct Heard(Mutex<Said>);

#[derive(Default)]
struct Said {
    lines: Vec<String>,
    /// The reason of the first crash.
    crash: Option<String>,
}

impl Heard {
    /// Adds the reason of a crash to a result, and takes the lines printed meanwhile.
    pub fn with(&self, result: Result<String, String>) -> (Result<String, String>, Vec<String>) {
        let Said { lines, crash } = mem::take(&mut *self.0.lock());
        let result = result.map_err(|problem| match crash {
            Some(reason) => format!("{problem}: {reason}"),
            None => problem,
        });
        (result, lines)
    }
}

impl Listener for Heard {
    fn line(&self, _: &str, line: &str) {
        self.0.lock().lines.push(line.to_owned());
    }

    fn crash(&self, _: &str, reason: &str) {
        self.0.lock().crash.get_or_insert_with(|| reason.to_owned());
    }
}

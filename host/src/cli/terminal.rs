//! Standard output and standard error.

use std::io::{self, Write as _};

use concept_refinement_domain::sentence::sanitize;

/// Longest sentence, in code points.
const LONGEST: usize = 1_500;

/// Prints to standard error and ignores errors.
pub fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "concept-refinement: {}", in_a_line(sentence));
}

/// Makes a sentence printable, since it may quote text from outside.
pub fn in_a_line(sentence: &str) -> String {
    let words: Vec<_> = sentence.split_whitespace().collect();
    sanitize(&words.join(" "), LONGEST)
}

/// Prints to standard output. A closed pipe is not an error.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

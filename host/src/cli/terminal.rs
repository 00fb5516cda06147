//! Standard output and standard error.

use std::io::{self, Write as _};

use concept_refinement_domain::sentence::sanitize;

/// Of a sentence, in code points.
const LONGEST: usize = 1_500;

/// On standard error; that nobody reads it is no fault.
pub fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "concept-refinement: {}", in_a_line(sentence));
}

/// What is said may quote what comes from elsewhere.
pub fn in_a_line(sentence: &str) -> String {
    let words: Vec<_> = sentence.split_whitespace().collect();
    sanitize(&words.join(" "), LONGEST)
}

/// On standard output. Whoever reads only the beginning has what they want.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

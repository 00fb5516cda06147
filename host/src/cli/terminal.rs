//! Standard output and standard error.

use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use concept_refinement_domain::sentence::sanitize;

/// Longest sentence, in code points.
const LONGEST: usize = 1_500;

/// How long to wait until the last sentence is written.
const LAST_SENTENCE: Duration = Duration::from_secs(5);

/// Prints to standard error and ignores errors.
pub fn say(sentence: &str) {
    let _ = writeln!(io::stderr(), "concept-refinement: {}", in_a_line(sentence));
}

/// The same for the last sentence of a process, which ends even if the output is blocked.
pub fn say_at_the_end(sentence: String) {
    let (done, end) = mpsc::channel::<()>();
    let say = move || {
        say(&sentence);
        drop(done);
    };
    if thread::Builder::new().spawn(say).is_ok() {
        // An error means that it was printed.
        let _ = end.recv_timeout(LAST_SENTENCE);
    }
}

/// Makes a sentence safe to print on one line, since it may quote external text.
pub fn in_a_line(sentence: &str) -> String {
    let words: Vec<_> = sentence.split_whitespace().collect();
    sanitize(&words.join(" "), LONGEST)
}

/// Prints to standard output. A closed pipe is not an error.
pub fn print(text: &[u8]) -> io::Result<()> {
    print_to_reader(text).map(drop)
}

/// The same. False: the reader has gone, and nothing more is worth printing.
pub fn print_to_reader(text: &[u8]) -> io::Result<bool> {
    let mut output = io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        printed => printed.map(|()| true),
    }
}

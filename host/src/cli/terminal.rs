//! Standard output and standard error.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use concept_refinement_domain::sentence::{is_printable, sanitize};

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

/// JSON of the same value that is safe to print, since it may quote external text:
/// characters that a terminal could interpret are escaped.
pub fn escaped(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        // The serializer escapes other control characters itself.
        if character == '\n' || is_printable(character) {
            escaped.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(escaped, "\\u{unit:04x}");
        }
    }
    escaped
}

/// Prints to standard output. A closed pipe is not an error.
pub fn print(text: impl AsRef<[u8]>) -> io::Result<()> {
    print_to_reader(text).map(drop)
}

/// The same. False: the reader has closed the pipe, so printing more is pointless.
pub fn print_to_reader(text: impl AsRef<[u8]>) -> io::Result<bool> {
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_ref());
    match written.and_then(|()| output.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        printed => printed.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn json_is_the_same_and_harmless() {
        let plain = "é ☕ 語 \" \\ \n";
        let odd = "\u{7f}\u{9b}31m\u{202e}\u{2066}\u{200b}\u{feff}\u{85}\u{2028}\u{e0001}\u{1b}[2J";
        for value in [json!(plain), json!({ odd: [plain, odd, 7, null] })] {
            for text in [value.to_string(), format!("{value:#}")] {
                let escaped = escaped(&text);
                assert_eq!(serde_json::from_str::<Value>(&escaped).unwrap(), value);
                let is_harmless = |it: char| it == '\n' || is_printable(it);
                assert!(escaped.chars().all(is_harmless), "{escaped}");
            }
        }
        let text = json!(plain).to_string();
        assert_eq!(escaped(&text), text);
        assert_eq!(escaped("\"\u{9b}\u{e0001}\""), r#""\u009b\udb40\udc01""#);
    }
}

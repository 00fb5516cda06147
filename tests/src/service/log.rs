//! What the service writes: all of it, and the line that says that it is ready.

use std::io::{BufRead as _, BufReader, Read};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Compiling all components on a busy machine included.
pub(super) const START: Duration = Duration::from_secs(120);

/// All that a process writes.
#[derive(Clone, Default)]
pub(super) struct Log {
    text: Arc<Mutex<String>>,
    readers: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Log {
    pub(super) fn follow(
        &self,
        output: impl Read + Send + 'static,
        lines: Option<mpsc::Sender<String>>,
    ) {
        let text = Arc::clone(&self.text);
        let reader = std::thread::spawn(move || {
            let mut output = BufReader::new(output);
            let mut line = Vec::new();
            while output
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let read = String::from_utf8_lossy(&line).into_owned();
                line.clear();
                text.lock().unwrap().push_str(&read);
                if let Some(lines) = &lines {
                    // Nobody waits for the ready line any more.
                    let _ = lines.send(read);
                }
            }
        });
        self.readers.lock().unwrap().push(reader);
    }

    /// Waits for the end of all that is written.
    pub(super) fn finish(&self) {
        for reader in self.readers.lock().unwrap().drain(..) {
            reader.join().unwrap();
        }
    }

    pub(super) fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }
}

/// What was written to standard output, line by line.
pub(super) struct Lines(pub(super) mpsc::Receiver<String>);

impl Lines {
    /// The URL at the end of the line that says that the service is ready.
    pub(super) fn ready(&mut self) -> Option<String> {
        let begin = Instant::now();
        loop {
            match self.0.recv_timeout(START.saturating_sub(begin.elapsed())) {
                Ok(line) => {
                    let url = line.split_whitespace().last().unwrap_or_default();
                    if url.starts_with("http://") {
                        return Some(url.trim_end_matches('/').to_owned());
                    }
                }
                Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => return None,
            }
        }
    }
}

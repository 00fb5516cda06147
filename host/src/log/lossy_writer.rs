//! Hands lines to a thread that writes them, and drops what exceeds its buffer.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use prometheus_client::metrics::counter::Counter;

/// Bytes that may be buffered, in addition to those being written.
const CAPACITY: usize = 1 << 20;

/// Delay before a non-blocking output that is full is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Writes never block and never fail. Each has to consist of whole lines. Clones share
/// one output.
#[derive(Clone)]
pub struct LossyWriter(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    lost: Counter,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    is_writing: bool,
    /// Lost lines that have not been reported in the log yet.
    unreported: u64,
}

impl LossyWriter {
    /// Starts a thread that writes as long as the process lives.
    pub fn start(output: impl Write + Send + 'static, lost: Counter) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            lost,
        });
        let writer = Arc::clone(&shared);
        thread::Builder::new()
            .name("log".into())
            .spawn(move || writer.write_for_ever(output))?;
        Ok(Self(shared))
    }

    /// Waits until everything is written or lost, but no longer than this.
    pub fn wait_until_empty(&self, limit: Duration) {
        let begin = Instant::now();
        let mut state = self.0.state.lock();
        while state.is_writing || !state.waiting.is_empty() {
            let left = limit.saturating_sub(begin.elapsed());
            if left.is_zero() {
                return;
            }
            self.0.changed.wait_for(&mut state, left);
        }
    }
}

impl Write for LossyWriter {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let mut state = self.0.state.lock();
        if lines.len() <= CAPACITY.saturating_sub(state.waiting.len()) {
            state.waiting.extend_from_slice(lines);
            drop(state);
            self.0.changed.notify_all();
        } else {
            self.0.lose(&mut state, lines);
        }
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lose(&self, state: &mut State, lines: &[u8]) {
        let count = lines.split_inclusive(|byte| *byte == b'\n').count();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        self.lost.inc_by(count);
        state.unreported = state.unreported.saturating_add(count);
    }

    fn write_for_ever(&self, mut output: impl Write) {
        let mut lines = Vec::new();
        let mut is_amid_line = false;
        loop {
            lines.clear();
            self.take(&mut lines);
            // A line that was cut off has to be ended first.
            let end_of_line = if is_amid_line { "\n" } else { "" };
            let ended = write(&mut output, end_of_line.as_bytes()).map_err(|_| 0);
            let written = ended.and_then(|()| write(&mut output, &lines));
            let unreported = self.finish(&lines, written);
            match written {
                Ok(()) => is_amid_line = false,
                Err(0) => {}
                Err(length) => {
                    is_amid_line = lines.get(length - 1).is_some_and(|byte| *byte != b'\n');
                }
            }
            if unreported > 0 {
                tracing::warn!(lines = unreported, "lines of the log were lost");
            }
        }
    }

    /// Waits for lines.
    fn take(&self, lines: &mut Vec<u8>) {
        let mut state = self.state.lock();
        while state.waiting.is_empty() {
            self.changed.wait(&mut state);
        }
        std::mem::swap(&mut state.waiting, lines);
        state.is_writing = true;
    }

    /// Returns how many lost lines can be reported, now that lines are accepted.
    fn finish(&self, lines: &[u8], written: Result<(), usize>) -> u64 {
        let mut state = self.state.lock();
        state.is_writing = false;
        let unreported = match written {
            Ok(()) => std::mem::take(&mut state.unreported),
            Err(length) => {
                self.lose(&mut state, lines.get(length..).unwrap_or_default());
                0
            }
        };
        drop(state);
        self.changed.notify_all();
        unreported
    }
}

/// An error: the output failed after so many bytes.
fn write(output: &mut impl Write, bytes: &[u8]) -> Result<(), usize> {
    let mut length = 0;
    while let Some(rest) = bytes.get(length..).filter(|rest| !rest.is_empty()) {
        match output.write(rest) {
            Ok(0) => return Err(length),
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(RETRY_INTERVAL);
            }
            Err(_) => return Err(length),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Accepts the given numbers of bytes, then everything.
    #[derive(Clone, Default)]
    struct Output(Arc<Mutex<(Answers, Vec<u8>)>>);

    type Answers = VecDeque<io::Result<usize>>;

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let (answers, written) = &mut *self.0.lock();
            let length = answers.pop_front().unwrap_or(Ok(bytes.len()))?;
            written.extend_from_slice(&bytes[..length]);
            Ok(length)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_output_that_fails_costs_lines_and_nothing_else() {
        let full = || Err(io::ErrorKind::StorageFull.into());
        for (name, answers, expected, lost) in [
            ("none fails", vec![], "first\nsecond\n", 0),
            ("a short write", vec![Ok(2)], "first\nsecond\n", 0),
            (
                "interrupted and not ready",
                vec![
                    Err(io::ErrorKind::Interrupted.into()),
                    Err(io::ErrorKind::WouldBlock.into()),
                ],
                "first\nsecond\n",
                0,
            ),
            ("no room", vec![full()], "second\n", 1),
            ("no room for all", vec![Ok(2), full()], "fi\nsecond\n", 1),
            ("no room for any", vec![full(), full()], "", 2),
            (
                "no room for the end of a line either",
                vec![Ok(2), full(), full()],
                "fi",
                2,
            ),
            ("nothing is taken", vec![Ok(0)], "second\n", 1),
        ] {
            let (output, counted) = (Output::default(), Counter::default());
            output.0.lock().0.extend(answers);
            let mut writer = LossyWriter::start(output.clone(), counted.clone()).unwrap();
            for line in ["first\n", "second\n"] {
                writer.write_all(line.as_bytes()).unwrap();
                writer.wait_until_empty(SOON);
            }
            let written = String::from_utf8(output.0.lock().1.clone()).unwrap();
            assert_eq!(
                (written.as_str(), counted.get()),
                (expected, lost),
                "{name}"
            );
        }
    }

    #[test]
    fn an_output_that_takes_nothing_holds_nobody_up() {
        struct Stuck(crossbeam_channel::Receiver<()>);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                let _ = self.0.recv();
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (release, stuck) = crossbeam_channel::bounded(0);
        let counted = Counter::default();
        let mut writer = LossyWriter::start(Stuck(stuck), counted.clone()).unwrap();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        let begin = Instant::now();
        for _ in 0..10_000 {
            writer.write_all(&line).unwrap();
        }
        // One batch is being written and one waits.
        let fitting = u64::try_from(2 * CAPACITY / line.len()).unwrap();
        assert!(counted.get() >= 10_000 - fitting, "{}", counted.get());
        writer.wait_until_empty(Duration::from_millis(50));
        assert!(begin.elapsed() < SOON);
        drop(release);
        writer.wait_until_empty(SOON);
        assert!(writer.0.state.lock().waiting.is_empty());
    }
}

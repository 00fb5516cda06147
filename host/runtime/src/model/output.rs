//! The output that models print, for example with Rust's `eprintln!` or Python's
//! `print`: passed on as lines for operators and authors, limited and sanitized.

use std::mem;
use std::sync::Arc;

use concept_refinement_domain::redaction::Redaction;
use concept_refinement_domain::sentence::sanitize;
use concept_refinement_domain::size;
use parking_lot::Mutex;
use tracing::Span;

use crate::wasm::sandbox::{Printer, Stream};

/// Log target, by which operators can filter these lines.
const TARGET: &str = "concept_refinement::model_output";

/// Longest line, in characters.
const LINE: usize = 1_000;

/// Most lines of one call.
const LINES: usize = 100;

/// How much of a call's output is processed, in bytes.
const BYTES: usize = 16 << 10;

/// Receives what models print.
pub trait Listener: Send + Sync {
    /// A line that this model printed.
    fn line(&self, model: &str, line: &str);

    /// Why an instance of this model crashed, in one line.
    fn crash(&self, model: &str, reason: &str);
}

/// Writes it to the log.
pub struct Log;

impl Listener for Log {
    fn line(&self, model: &str, line: &str) {
        tracing::info!(target: TARGET, model, "{line}");
    }

    fn crash(&self, model: &str, reason: &str) {
        tracing::error!(model, reason, "the model crashed");
    }
}

/// The output of one call of a model.
pub struct Output {
    model: String,
    redaction: Arc<Redaction>,
    listener: Arc<dyn Listener>,
    /// The span of its task, since a guest may print from any thread.
    span: Span,
    state: Mutex<State>,
}

struct State {
    /// The unfinished line of each stream.
    output: Vec<u8>,
    error: Vec<u8>,
    lines_left: usize,
    bytes_left: usize,
    /// Number of bytes that were dropped.
    dropped: usize,
}

impl Output {
    /// For what `model` prints within the current span.
    pub fn new(model: &str, redaction: Arc<Redaction>, listener: Arc<dyn Listener>) -> Self {
        Self {
            model: model.to_owned(),
            redaction,
            listener,
            span: Span::current(),
            state: Mutex::new(State {
                output: Vec::new(),
                error: Vec::new(),
                lines_left: LINES,
                bytes_left: BYTES,
                dropped: 0,
            }),
        }
    }

    /// Flushes the last lines, and reports how much was dropped.
    pub fn end(&self) {
        let mut state = self.state.lock();
        for line in [mem::take(&mut state.output), mem::take(&mut state.error)] {
            self.line(&mut state, &line);
        }
        let dropped = mem::take(&mut state.dropped);
        if dropped > 0 {
            let note = format!("({dropped} more bytes were printed: they are dropped)");
            self.span
                .in_scope(|| self.listener.line(&self.model, &note));
        }
    }

    /// Flushes the last lines, and reports why the instance crashed. `memory`: the limit in
    /// bytes beyond which it asked for memory; its allocator may have given up because of
    /// that, which the error alone does not tell.
    pub fn crashed(&self, error: &wasmtime::Error, memory: Option<usize>) {
        self.end();
        let mut reason = self.harmless(&first_line(error));
        if let Some(limit) = memory {
            let limit = size::in_words(limit as u64);
            reason.push_str(&format!("; it asked for more than {limit} (model-memory)"));
        }
        self.span
            .in_scope(|| self.listener.crash(&self.model, &reason));
    }

    fn line(&self, state: &mut State, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end();
        if text.is_empty() {
            return;
        }
        let Some(left) = state.lines_left.checked_sub(1) else {
            state.dropped = state.dropped.saturating_add(line.len());
            return;
        };
        state.lines_left = left;
        let line = self.harmless(text);
        self.span
            .in_scope(|| self.listener.line(&self.model, &line));
    }

    /// Redacts before it cuts, since half of a secret would not be recognised.
    fn harmless(&self, text: &str) -> String {
        sanitize(&self.redaction.apply(text), LINE)
    }
}

impl Printer for Output {
    fn print(&self, stream: Stream, bytes: &[u8]) {
        let mut state = self.state.lock();
        let fitting = bytes.get(..state.bytes_left).unwrap_or(bytes);
        state.bytes_left -= fitting.len();
        state.dropped = state.dropped.saturating_add(bytes.len() - fitting.len());
        let mut begun = mem::take(state.line_of(stream));
        for part in fitting.split_inclusive(|byte| *byte == b'\n') {
            begun.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.line(&mut state, &begun);
                begun.clear();
            }
        }
        if fitting.len() < bytes.len() {
            // Half of a secret would not be found.
            begun.truncate(begun.len().saturating_sub(self.redaction.longest()));
        }
        *state.line_of(stream) = begun;
    }
}

impl State {
    fn line_of(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Output => &mut self.output,
            Stream::Error => &mut self.error,
        }
    }
}

/// Why an instance ended, without its backtrace.
pub fn first_line(error: &wasmtime::Error) -> String {
    let causes = error.chain().map(ToString::to_string);
    let causes = causes.filter(|cause| !cause.starts_with(FRAMES));
    let lines: Vec<String> = causes
        .filter_map(|cause| cause.lines().next().map(str::to_owned))
        .collect();
    lines.join(": ")
}

/// How wasmtime introduces a backtrace, which is a context of the error.
const FRAMES: &str = "error while executing at wasm backtrace";

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl Listener for Lines {
        fn line(&self, model: &str, line: &str) {
            self.0.lock().push(format!("{model}: {line}"));
        }

        fn crash(&self, model: &str, reason: &str) {
            self.0.lock().push(format!("{model} crashed: {reason}"));
        }
    }

    fn printed(print: impl FnOnce(&Output)) -> Vec<String> {
        let lines = Arc::<Lines>::default();
        let redaction = Arc::new(Redaction::of(["sk-1234"]));
        let output = Output::new("mine", redaction, Arc::<Lines>::clone(&lines));
        print(&output);
        output.end();
        mem::take(&mut *lines.0.lock())
    }

    #[test]
    fn lines_of_both_streams_are_put_together_of_their_parts() {
        let lines = printed(|output| {
            for (stream, text) in [
                (Stream::Output, "one"),
                (Stream::Error, "a\nb"),
                (Stream::Output, " line\r\n\n  two\n"),
                (Stream::Error, " and the rest"),
            ] {
                output.print(stream, text.as_bytes());
            }
        });
        let expected = ["a", "one line", "  two", "b and the rest"];
        assert_eq!(lines, expected.map(|line| format!("mine: {line}")));
    }

    #[test]
    fn what_could_do_harm_is_replaced() {
        let bytes = b"\x1b[31mred\t\xff the key is sk-1234\n";
        let lines = printed(|output| output.print(Stream::Output, bytes));
        assert_eq!(lines, ["mine: \u{fffd}[31mred \u{fffd} the key is ***"]);
    }

    #[test]
    fn what_is_too_much_is_dropped_and_counted() {
        let lines = printed(|output| {
            for _ in 0..LINES + 2 {
                output.print(Stream::Output, b"a line\n");
            }
        });
        assert_eq!(lines.len(), LINES + 1);
        assert_eq!(
            lines[LINES],
            "mine: (14 more bytes were printed: they are dropped)"
        );

        let lines = printed(|output| {
            for _ in 0..1000 {
                output.print(Stream::Error, &[b'x'; 1000]);
            }
        });
        let dropped = 1_000_000 - BYTES;
        assert_eq!(lines[0].chars().count(), "mine: ".len() + LINE);
        assert!(lines[0].ends_with('…'));
        let note = format!("mine: ({dropped} more bytes were printed: they are dropped)");
        assert_eq!(lines[1..], [note]);
    }

    #[test]
    fn a_crash_is_told_without_its_frames() {
        let error = wasmtime::Error::msg("wasm trap: unreachable");
        let error = error.context(format!("{FRAMES}:\n    0: 0x1 - model.wasm!f\n"));
        let lines = printed(|output| {
            output.print(Stream::Error, b"the last words");
            output.crashed(&error, None);
            output.crashed(&error, Some(64 << 20));
        });
        let expected = [
            "mine: the last words",
            "mine crashed: wasm trap: unreachable",
            "mine crashed: wasm trap: unreachable; it asked for more than 64 MiB (model-memory)",
        ];
        assert_eq!(lines, expected);
    }
}

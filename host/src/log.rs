//! The log: lines on standard error, dropped if it does not accept them.
//!
//! Logging must never block on standard error or fail with it: a full disk, or a reader
//! that has ended or does not read, loses lines but never affects work. Lost lines are
//! counted, and the number is logged once lines are accepted again.

mod library_throttle;
mod lossy_writer;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io;
use std::panic;
use std::sync::{LazyLock, OnceLock};
use std::thread;
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

pub use library_throttle::LibraryThrottle;
pub use lossy_writer::LossyWriter;

/// How long the end of the process waits until the last lines are written.
const LAST_LINES: Duration = Duration::from_secs(1);

static WRITER: OnceLock<LossyWriter> = OnceLock::new();

static LINES_LOST: LazyLock<Counter> = LazyLock::new(Counter::default);

/// Starts the thread that writes to standard error.
pub fn writer() -> io::Result<LossyWriter> {
    let writer = LossyWriter::start(io::stderr(), LINES_LOST.clone())?;
    Ok(WRITER.get_or_init(|| writer).clone())
}

/// Lines that could not be written since the process started.
pub fn lines_lost() -> Counter {
    LINES_LOST.clone()
}

/// Waits until everything is written, for at most a second. To be called before the
/// process ends.
pub fn flush() {
    if let Some(writer) = WRITER.get() {
        writer.wait_until_empty(LAST_LINES);
    }
}

/// Logs panics instead of printing them, which could block on standard error.
pub fn panics() {
    panic::set_hook(Box::new(|panic| {
        let thread = thread::current();
        let thread = thread.name().unwrap_or("a thread");
        let place = panic.location().map(ToString::to_string);
        let place = place.unwrap_or_default();
        let why = panic.payload_as_str().unwrap_or_default();
        let backtrace = Backtrace::capture();
        if backtrace.status() == BacktraceStatus::Captured {
            tracing::error!(%backtrace, "{thread} panicked at {place}: {why}");
        } else {
            tracing::error!("{thread} panicked at {place}: {why}");
        }
    }));
}

//! The signals that ask a process to end.

use std::{fs, future};

use tokio::signal::unix::{Signal, SignalKind, signal};

pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// None: hangups are ignored.
    hangup: Option<Signal>,
}

impl Signals {
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: match hangup_is_ignored() {
                true => None,
                false => Some(signal(SignalKind::hangup())?),
            },
        })
    }

    pub async fn next(&mut self) -> SignalKind {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => future::pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate(),
            _ = self.interrupt.recv() => SignalKind::interrupt(),
            _ = hangup => SignalKind::hangup(),
        }
    }
}

/// Whether the process was started with SIGHUP ignored, for example by `nohup`; a handler
/// would undo that. If the system does not tell, the signal keeps its default effect.
fn hangup_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signal numbers start at 1.
    let hangup = 1_u64 << (SignalKind::hangup().as_raw_value() - 1);
    ignored.is_none_or(|mask| mask & hangup != 0)
}

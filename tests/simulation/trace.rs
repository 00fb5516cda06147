//! What happened: the last events in words, and all of them in a sum by which
//! two runs can be compared.

use std::collections::VecDeque;
use std::fmt::Display;
use std::time::Duration;

/// Enough to see how it came to a failure.
const CAPACITY: usize = 60;

#[derive(Default)]
pub struct Trace {
    last: VecDeque<String>,
    count: u64,
    sum: u64,
}

impl Trace {
    pub fn add(&mut self, step: u64, now: Duration, event: impl Display) {
        let line = format!("{step:>6} {:>9.3} s  {event}", now.as_secs_f64());
        self.count += 1;
        for byte in line.bytes() {
            self.sum = (self.sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if self.last.len() == CAPACITY {
            self.last.pop_front();
        }
        self.last.push_back(line);
    }

    /// The number of events, and a sum over all that is told of them.
    pub fn sum(&self) -> (u64, u64) {
        (self.count, self.sum)
    }

    pub fn last(&self) -> Vec<String> {
        self.last.iter().cloned().collect()
    }
}

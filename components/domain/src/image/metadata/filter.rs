//! The second pass.

use super::super::Format;
use super::mark::{self, Mark};
use super::strip::{self, Strip};
use super::walker::Walker;

/// How the bytes of a file become those of another. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    length: u64,
    pass: Pass,
}

/// Takes the bytes of the same file again, in chunks of any size. Bytes of another file
/// give another file, whose length nobody promised.
#[derive(Debug)]
pub struct Filter {
    walker: Walker,
    pass: Pass,
}

/// A pass over the bytes of a file: in a rewrite, one that has not begun.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pass {
    /// Nothing changes.
    Same,
    Strip(Strip),
    Mark(Mark),
}

impl Rewrite {
    /// Of a file with so many bytes.
    pub(super) fn same(length: u64) -> Self {
        let pass = Pass::Same;
        Self { length, pass }
    }

    pub(super) fn strip(format: Format, plan: strip::Plan) -> Self {
        Self {
            length: plan.length,
            pass: Pass::Strip(Strip::new(format, plan)),
        }
    }

    /// With a result of so many bytes.
    pub(super) fn mark(format: Format, plan: mark::Plan, length: u64) -> Self {
        let pass = Pass::Mark(Mark::new(format, plan));
        Self { length, pass }
    }

    /// Of the result, in bytes: exactly what the filter writes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A filter for the file that was read, from its first byte on.
    pub fn filter(&self) -> Filter {
        Filter {
            walker: Walker::default(),
            pass: self.pass.clone(),
        }
    }
}

impl Filter {
    /// Takes the next bytes, and appends to `out` what follows from them.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        match &mut self.pass {
            Pass::Same => out.extend_from_slice(chunk),
            Pass::Strip(strip) => self.walker.push(chunk, &mut |event| strip.take(event, out)),
            Pass::Mark(mark) => self.walker.push(chunk, &mut |event| mark.take(event, out)),
        }
    }

    /// Appends what is left, after the last bytes.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match &mut self.pass {
            Pass::Same => {}
            Pass::Strip(strip) => self.walker.finish(&mut |event| strip.take(event, out)),
            Pass::Mark(mark) => {
                self.walker.finish(&mut |event| mark.take(event, out));
                mark.finish(out);
            }
        }
    }
}

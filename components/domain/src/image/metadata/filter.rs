//! The second pass.

/// How the bytes of a file become those of another. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    length: u64,
}

impl Rewrite {
    pub(super) fn new(length: u64) -> Self {
        Self { length }
    }

    /// Of the result, in bytes: exactly what the filter writes.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// A filter for the file that was read, from its first byte on.
    pub fn filter(&self) -> Filter {
        Filter {}
    }
}

/// Takes the bytes of the same file again, in chunks of any size. Bytes of another file
/// give another file, whose length nobody promised.
#[derive(Debug)]
pub struct Filter {}

impl Filter {
    /// Takes the next bytes, and appends to `out` what follows from them.
    pub fn push(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(chunk);
    }

    /// Appends what is left, after the last bytes.
    pub fn finish(&mut self, _out: &mut Vec<u8>) {}
}

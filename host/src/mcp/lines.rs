//! Lines of an input, each of a bounded length, as the transport over standard streams
//! separates its messages.

use std::io;

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

/// Reads lines.
pub struct Lines<R> {
    input: BufReader<R>,
    line: Vec<u8>,
    /// The line is longer than the limit, and the rest of it is dropped.
    is_too_long: bool,
    limit: usize,
}

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    Message(Vec<u8>),
    /// It was longer than the limit.
    TooLong,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// `limit`: the longest line, in bytes.
    pub fn new(input: R, limit: usize) -> Self {
        Self {
            input: BufReader::new(input),
            line: Vec::new(),
            is_too_long: false,
            limit,
        }
    }

    /// The next line. None: the input has ended. If it is dropped, nothing is lost: what was
    /// read is in `line`.
    pub async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            // The end of a line counts too.
            let left = self.limit.saturating_add(1) - self.line.len();
            let mut input = (&mut self.input).take(left as u64);
            let read = input.read_until(b'\n', &mut self.line).await?;
            if self.line.pop_if(|byte| *byte == b'\n').is_some() {
                return Ok(Some(self.take()));
            }
            if read == 0 {
                let is_rest = !self.line.is_empty() || self.is_too_long;
                return Ok(is_rest.then(|| self.take()));
            }
            if self.line.len() > self.limit {
                self.is_too_long = true;
                self.line = Vec::new();
            }
        }
    }

    fn take(&mut self) -> Line {
        let line = std::mem::take(&mut self.line);
        match std::mem::take(&mut self.is_too_long) {
            true => Line::TooLong,
            false => Line::Message(line),
        }
    }
}

//! Inspects an upload while it streams into the store.
//!
//! The store must not keep an incomplete image, but that is known only at the end. So the
//! last chunk is held back until it is inspected: an incomplete image then ends before
//! its declared length, and the store refuses it. Of a body of undeclared length all of them
//! are held back.

use std::collections::VecDeque;

use concept_refinement_domain::chunks;
use concept_refinement_domain::image::{self, Format, Inspector, Limits};

use crate::ports::ByteStream;
use crate::problem::Problem;
use crate::request::Body;
use crate::upload_memory::Reservation;

/// Why an upload of undeclared length is refused for want of memory.
pub const TOO_MANY_BUFFERED: &str = "Too many uploads without a declared length are under way.";

/// A body that is inspected while it is read.
pub struct Upload<B> {
    body: B,
    inspector: Option<Inspector>,
    bytes_read: usize,
    /// For all bytes that are read, where all are held.
    memory: Option<Reservation>,
    /// Chunks that were inspected but not passed on yet.
    held: VecDeque<Vec<u8>>,
    /// So many are held until the end is inspected too.
    least_held: usize,
    outcome: Option<Result<(), Problem>>,
}

impl<B: Body> Upload<B> {
    /// It is passed on as it comes, but for its end.
    pub fn streamed(body: B, limits: Limits) -> Self {
        Self {
            body,
            inspector: Some(Inspector::new(limits)),
            bytes_read: 0,
            memory: None,
            held: VecDeque::new(),
            least_held: 2,
            outcome: None,
        }
    }

    /// It is passed on only after it was buffered and found complete.
    pub fn buffered(body: B, limits: Limits, memory: Reservation) -> Self {
        Self {
            memory: Some(memory),
            least_held: usize::MAX,
            ..Self::streamed(body, limits)
        }
    }

    /// Reads until the format is known.
    pub async fn format(&mut self) -> Result<Format, Problem> {
        loop {
            if let Some(format) = self.inspector.as_ref().and_then(Inspector::format) {
                return Ok(format);
            }
            if !self.read().await {
                let problem = self.outcome.take().and_then(Result::err);
                return Err(problem.unwrap_or(Problem::Internal));
            }
        }
    }

    /// How many bytes were read so far.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read as u64
    }

    /// The result of the inspection.
    pub fn verdict(&mut self) -> Result<(), Problem> {
        // The store may have stopped reading before the end.
        self.outcome.take().unwrap_or(Err(Problem::Internal))
    }

    /// Reads and inspects the next chunk. False: the end; the result is known.
    async fn read(&mut self) -> bool {
        let Some(inspector) = &mut self.inspector else {
            return false;
        };
        let outcome = match self.body.chunk().await {
            Ok(Some(chunk)) => match inspector.push(&chunk) {
                Ok(()) => {
                    self.bytes_read = self.bytes_read.saturating_add(chunk.len());
                    let bytes = self.bytes_read;
                    let memory = self.memory.as_mut();
                    if memory.is_none_or(|memory| memory.cover(bytes)) {
                        chunks::append(&mut self.held, chunk);
                        return true;
                    }
                    Err(Problem::UploadMemoryShort(TOO_MANY_BUFFERED))
                }
                Err(problem) => Err(problem.into()),
            },
            Ok(None) => match self.inspector.take().map(|inspector| inspector.finish()) {
                Some(outcome) => outcome.map(drop).map_err(Problem::from),
                None => return false,
            },
            Err(interrupted) => Err(interrupted.into()),
        };
        self.inspector = None;
        self.outcome = Some(outcome);
        false
    }
}

impl<B: Body> ByteStream for Upload<B> {
    async fn next(&mut self) -> Option<Vec<u8>> {
        while self.held.len() < self.least_held && self.read().await {}
        let is_whole = matches!(self.outcome, Some(Ok(())));
        if self.held.len() < self.least_held && !is_whole {
            return None;
        }
        self.held.pop_front()
    }
}

impl From<image::Problem> for Problem {
    fn from(problem: image::Problem) -> Self {
        let detail = format!("The image cannot be used: {problem}.").into();
        match problem {
            image::Problem::NotAnImage | image::Problem::Unsupported(_) => {
                Self::UnsupportedMediaType(detail)
            }
            image::Problem::TooLarge { .. }
            | image::Problem::TooManyPixels { .. }
            | image::Problem::Packed => Self::TooLarge(detail),
            image::Problem::Empty
            | image::Problem::CutShort
            | image::Problem::Incomplete
            | image::Problem::Malformed => Self::Invalid(detail),
        }
    }
}

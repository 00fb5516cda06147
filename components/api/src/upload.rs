//! Inspects an upload while it streams into the store.
//!
//! The store must not keep an incomplete image, but that is known only at the end. So the
//! last chunk is held back until it is inspected: an incomplete image then ends before
//! its declared length, and the store refuses it.

use std::collections::VecDeque;

use concept_refinement_domain::chunks;
use concept_refinement_domain::image::{self, Format, Inspected, Inspector, Limits};

use crate::ports::ByteStream;
use crate::problem::Problem;
use crate::request::Body;

/// A body that is inspected while it is read.
pub struct Upload<B> {
    body: B,
    inspector: Option<Inspector>,
    /// A chunk that was inspected but not passed on yet.
    held: VecDeque<Vec<u8>>,
    outcome: Option<Result<Inspected, Problem>>,
}

impl<B: Body> Upload<B> {
    pub fn new(body: B, limits: Limits) -> Self {
        Self {
            body,
            inspector: Some(Inspector::new(limits)),
            held: VecDeque::new(),
            outcome: None,
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

    /// The result of the inspection.
    pub fn verdict(self) -> Result<Inspected, Problem> {
        // The store may have stopped reading before the end.
        self.outcome.unwrap_or(Err(Problem::Internal))
    }

    /// Reads and inspects the next chunk. False: the end; the result is known.
    async fn read(&mut self) -> bool {
        let Some(inspector) = &mut self.inspector else {
            return false;
        };
        let outcome = match self.body.chunk().await {
            Ok(Some(chunk)) => match inspector.push(&chunk) {
                Ok(()) => {
                    chunks::append(&mut self.held, chunk);
                    return true;
                }
                Err(problem) => Err(problem.into()),
            },
            Ok(None) => match self.inspector.take().map(|inspector| inspector.finish()) {
                Some(outcome) => outcome.map_err(Problem::from),
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
        while self.held.len() < 2 && self.read().await {}
        let is_whole = matches!(self.outcome, Some(Ok(_)));
        if self.held.len() < 2 && !is_whole {
            return None;
        }
        self.held.pop_front()
    }
}

/// A body of undeclared length, which is passed on only after it was buffered and found
/// complete.
pub struct Whole<B> {
    upload: Upload<B>,
    problem: Option<Problem>,
}

impl<B: Body> Whole<B> {
    pub fn new(upload: Upload<B>) -> Self {
        Self {
            upload,
            problem: None,
        }
    }

    /// Why no byte was passed on.
    pub fn problem(self) -> Option<Problem> {
        self.problem
    }
}

impl<B: Body> ByteStream for Whole<B> {
    async fn next(&mut self) -> Option<Vec<u8>> {
        while self.upload.read().await {}
        match self.upload.outcome.take_if(|outcome| outcome.is_err()) {
            Some(outcome) => {
                self.upload.held.clear();
                self.problem = outcome.err();
                None
            }
            None => self.upload.held.pop_front(),
        }
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

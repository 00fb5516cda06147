//! Bodies that come in chunks of any size.

use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::request::{Body, Interrupted};

/// A body, and what is left of it.
#[derive(Debug, Default)]
pub struct Chunks(pub VecDeque<Result<Vec<u8>, Interrupted>>);

impl Chunks {
    /// Cuts a body into chunks of these sizes, over and over; a size may be 0, but not all.
    pub fn of(mut body: &[u8], sizes: &[usize]) -> Self {
        let mut chunks = VecDeque::new();
        for size in sizes.iter().cycle() {
            if body.is_empty() {
                break;
            }
            let (chunk, rest) = body.split_at(body.len().min(*size));
            chunks.push_back(Ok(chunk.to_vec()));
            body = rest;
        }
        Self(chunks)
    }

    /// A body that breaks off after these bytes.
    pub fn interrupted(body: &[u8]) -> Self {
        Self([Ok(body.to_vec()), Err(Interrupted)].into())
    }
}

impl Body for Chunks {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Interrupted> {
        self.0.pop_front().transpose()
    }
}

/// Sizes of chunks.
pub fn sizes() -> impl Strategy<Value = Vec<usize>> {
    vec(0_usize..40, 0..6).prop_map(|mut sizes| {
        sizes.push(7);
        sizes
    })
}

//! Reading a stream of bytes.

use concept_refinement_domain::chunks;
use wit_bindgen::{StreamReader, StreamResult};

use crate::ports::ByteStream;

/// A stream that is read in growing chunks, or in chunks of one size.
pub struct Incoming {
    stream: StreamReader<u8>,
    /// Number of chunks that filled their buffer.
    whole: usize,
    /// In bytes.
    size: Option<usize>,
}

impl Incoming {
    /// The stream, to be handed on before anything was read.
    pub fn into_stream(self) -> StreamReader<u8> {
        self.stream
    }

    /// Reads in chunks of this many bytes: for data that is passed on at once, so that it
    /// never takes much memory.
    pub fn in_chunks_of(self, size: usize) -> Self {
        Self {
            size: Some(size),
            ..self
        }
    }

    /// The next chunk, never empty. None at the end, or if the sender gave up; the two
    /// cannot be distinguished.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        let size = self.size.unwrap_or(chunks::next_size(self.whole));
        loop {
            let (result, chunk) = self.stream.read(Vec::with_capacity(size)).await;
            if !chunk.is_empty() {
                self.whole += usize::from(chunk.len() == size);
                return Some(chunk);
            }
            if !matches!(result, StreamResult::Complete(_)) {
                return None;
            }
        }
    }
}

impl ByteStream for Incoming {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.chunk().await
    }
}

impl From<StreamReader<u8>> for Incoming {
    fn from(stream: StreamReader<u8>) -> Self {
        Self {
            stream,
            whole: 0,
            size: None,
        }
    }
}

//! A stream of bytes on its way in.

use concept_refinement_domain::pieces;
use wit_bindgen::{StreamReader, StreamResult};

use crate::ports::ByteStream;

/// A stream that is read in pieces which grow with what came.
pub struct Incoming {
    stream: StreamReader<u8>,
    /// The pieces that came as large as they were read.
    whole: usize,
}

impl Incoming {
    /// The next piece, which is not empty. None at the end, or where the sender
    /// gave up: the two look alike.
    pub async fn piece(&mut self) -> Option<Vec<u8>> {
        let size = pieces::size_after(self.whole);
        loop {
            let (result, piece) = self.stream.read(Vec::with_capacity(size)).await;
            if !piece.is_empty() {
                self.whole += usize::from(piece.len() == size);
                return Some(piece);
            }
            if !matches!(result, StreamResult::Complete(_)) {
                return None;
            }
        }
    }
}

impl ByteStream for Incoming {
    async fn next(&mut self) -> Option<Vec<u8>> {
        self.piece().await
    }
}

impl From<StreamReader<u8>> for Incoming {
    fn from(stream: StreamReader<u8>) -> Self {
        Self { stream, whole: 0 }
    }
}

//! An image that can be read again from its beginning, for a call that is tried
//! again.
//!
//! What was read is held until the call has its answer. Its bytes are shared with
//! whoever asked, who holds them for as long.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::{BoxStream, Fuse};
use futures::{Stream, StreamExt as _};

#[derive(Clone)]
pub struct Replay(Arc<Mutex<State>>);

struct State {
    read: Vec<Bytes>,
    rest: Fuse<BoxStream<'static, Bytes>>,
}

/// One reading, from the beginning. There is one at a time.
struct Reading {
    replay: Replay,
    position: usize,
}

impl Replay {
    pub fn new(image: BoxStream<'static, Bytes>) -> Self {
        Self(Arc::new(Mutex::new(State {
            read: Vec::new(),
            rest: image.fuse(),
        })))
    }

    pub fn image(&self) -> BoxStream<'static, Bytes> {
        Box::pin(Reading {
            replay: self.clone(),
            position: 0,
        })
    }
}

impl Stream for Reading {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let polled = {
            let mut state = self.replay.0.lock().unwrap_or_else(PoisonError::into_inner);
            match state.read.get(self.position) {
                Some(chunk) => Poll::Ready(Some(chunk.clone())),
                None => state.rest.poll_next_unpin(cx).map(|next| {
                    state.read.extend(next.clone());
                    next
                }),
            }
        };
        if let Poll::Ready(Some(_)) = &polled {
            self.position += 1;
        }
        polled
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt as _, stream};

    use super::*;

    #[test]
    fn each_reading_begins_at_the_beginning() {
        let chunks = ["a", "b", "c"].map(Bytes::from);
        let replay = Replay::new(stream::iter(chunks.clone()).boxed());
        let partly: Vec<_> = replay.image().take(2).collect().now_or_never().unwrap();
        assert_eq!(partly, chunks[..2]);
        for _ in 0..2 {
            let all: Vec<_> = replay.image().collect().now_or_never().unwrap();
            assert_eq!(all, chunks);
        }
    }
}

//! A request that can be made again, with its image from the beginning.
//!
//! If the image cannot be opened again, everything read of it is kept until the call has
//! its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use concept_refinement_capability::model::{ModelRequest, RetryLater};
use concept_refinement_capability::payments::Payments;
use futures::stream::{self, BoxStream, Fuse};
use futures::{Stream, StreamExt as _};
use parking_lot::Mutex;

#[derive(Clone)]
pub struct Replay(Arc<Mutex<State>>);

struct State {
    /// Without its image.
    request: ModelRequest,
    read: Vec<Bytes>,
    rest: Fuse<BoxStream<'static, Bytes>>,
}

/// One reader of the image, from its beginning. There is only one at a time.
struct Reading {
    replay: Replay,
    position: usize,
}

impl Replay {
    pub fn new(mut request: ModelRequest) -> Self {
        let image = std::mem::replace(&mut request.image, stream::empty().boxed());
        Self(Arc::new(Mutex::new(State {
            request,
            read: Vec::new(),
            rest: image.fuse(),
        })))
    }

    /// The request as it was made.
    pub fn request(&self) -> ModelRequest {
        let state = self.0.lock();
        state.request.with(match &state.request.reopen {
            Some(reopen) => reopen(),
            None => Box::pin(Reading {
                replay: self.clone(),
                position: 0,
            }),
        })
    }

    pub fn retry_later(&self) -> RetryLater {
        self.0.lock().request.retry_later.clone()
    }

    /// The key by which a link identifies the call.
    pub fn key(&self, link: &str) -> String {
        format!("{}/{link}", self.0.lock().request.task_id)
    }

    pub fn deadline(&self) -> Instant {
        self.0.lock().request.deadline
    }

    pub fn payments(&self) -> Payments {
        self.0.lock().request.payments.clone()
    }
}

impl Stream for Reading {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let polled = {
            let mut state = self.replay.0.lock();
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
    use concept_refinement_capability::model::Reopen;
    use futures::FutureExt as _;

    use super::*;

    fn request(image: BoxStream<'static, Bytes>, reopen: Option<Reopen>) -> ModelRequest {
        ModelRequest {
            task_id: String::new(),
            prompt: "make it blue".to_owned(),
            strength: 0.7,
            logo_description: None,
            theme_description: None,
            media_type: "image/png".to_owned(),
            length: 3,
            source_url: None,
            image,
            reopen,
            retry_later: RetryLater::default(),
            deadline: Instant::now(),
            payments: Payments::default(),
        }
    }

    #[test]
    fn each_reading_begins_at_the_beginning() {
        let chunks = ["a", "b", "c"].map(Bytes::from);
        let image = || stream::iter(["a", "b", "c"].map(Bytes::from)).boxed();
        for (name, reopen) in [
            ("it can be opened again", Some(Arc::new(image) as Reopen)),
            ("it cannot", None),
        ] {
            let is_held = reopen.is_none();
            let replay = Replay::new(request(image(), reopen));
            let partly = replay.request().image.take(2).collect::<Vec<_>>();
            assert_eq!(partly.now_or_never().unwrap(), chunks[..2], "{name}");
            for _ in 0..2 {
                let ModelRequest { prompt, image, .. } = replay.request();
                assert_eq!(prompt, "make it blue");
                let all: Vec<_> = image.collect().now_or_never().unwrap();
                assert_eq!(all, chunks, "{name}");
            }
            assert_eq!(!replay.0.lock().read.is_empty(), is_held, "{name}");
        }
    }
}

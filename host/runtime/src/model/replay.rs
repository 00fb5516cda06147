//! A request that can be made again, with its image and its mask from the beginning.
//!
//! If one of them cannot be opened again, everything read of it is kept until the call has
//! its answer.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use concept_refinement_capability::model::{Mask, ModelRequest, Reopen, RetryLater};
use concept_refinement_capability::payments::Payments;
use futures::stream::{self, BoxStream, Fuse};
use futures::{Stream, StreamExt as _};
use parking_lot::Mutex;

#[derive(Clone)]
pub struct Replay(Arc<Made>);

/// The request as it was made.
struct Made {
    /// Without the bytes of its image and its mask.
    request: Mutex<ModelRequest>,
    image: Reopen,
    mask: Option<Reopen>,
}

/// The bytes of a stream that cannot be opened again.
struct Kept {
    read: Vec<Bytes>,
    rest: Fuse<BoxStream<'static, Bytes>>,
}

/// One reader of them, from their beginning. There is only one at a time.
struct Reading {
    kept: Arc<Mutex<Kept>>,
    position: usize,
}

impl Replay {
    pub fn new(mut request: ModelRequest) -> Self {
        let image = opening(&mut request.image, &request.reopen);
        let mask = request.mask.as_mut();
        let mask = mask.map(|mask| opening(&mut mask.contents, &mask.reopen));
        Self(Arc::new(Made {
            request: Mutex::new(request),
            image,
            mask,
        }))
    }

    /// The request as it was made.
    pub fn request(&self) -> ModelRequest {
        let request = self.0.request.lock();
        let mask = request.mask.as_ref().zip(self.0.mask.as_ref());
        let mask = mask.map(|(mask, open)| Mask {
            media_type: mask.media_type.clone(),
            length: mask.length,
            contents: open(),
            reopen: mask.reopen.clone(),
        });
        request.with((self.0.image)(), mask)
    }

    pub fn retry_later(&self) -> RetryLater {
        self.0.request.lock().retry_later.clone()
    }

    /// The key by which a link identifies the call.
    pub fn key(&self, link: &str) -> String {
        format!("{}/{link}", self.0.request.lock().task_id)
    }

    pub fn deadline(&self) -> Instant {
        self.0.request.lock().deadline
    }

    pub fn payments(&self) -> Payments {
        self.0.request.lock().payments.clone()
    }
}

/// Opens a stream, which is taken out, from its beginning.
pub(super) fn opening(contents: &mut BoxStream<'static, Bytes>, reopen: &Option<Reopen>) -> Reopen {
    let contents = mem::replace(contents, stream::empty().boxed());
    reopen.clone().unwrap_or_else(|| {
        let kept = Arc::new(Mutex::new(Kept {
            read: Vec::new(),
            rest: contents.fuse(),
        }));
        Arc::new(move || {
            let kept = Arc::clone(&kept);
            Box::pin(Reading { kept, position: 0 })
        })
    })
}

impl Stream for Reading {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let polled = {
            let mut kept = self.kept.lock();
            match kept.read.get(self.position) {
                Some(chunk) => Poll::Ready(Some(chunk.clone())),
                None => kept.rest.poll_next_unpin(cx).map(|next| {
                    kept.read.extend(next.clone());
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
    use futures::FutureExt as _;

    use super::*;

    fn request(image: BoxStream<'static, Bytes>, reopen: Option<Reopen>) -> ModelRequest {
        ModelRequest {
            task_id: String::new(),
            prompt: "make it blue".to_owned(),
            strength: 0.7,
            seed: None,
            logo_description: None,
            theme_description: None,
            media_type: "image/png".to_owned(),
            length: 3,
            source_url: None,
            options: Vec::new(),
            mask: None,
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
            let mut request = request(image(), reopen.clone());
            request.mask = Some(Mask {
                media_type: "image/png".to_owned(),
                length: 3,
                contents: image(),
                reopen: reopen.clone(),
            });
            let replay = Replay::new(request);
            let partly = replay.request().image.take(2).collect::<Vec<_>>();
            assert_eq!(partly.now_or_never().unwrap(), chunks[..2], "{name}");
            for _ in 0..2 {
                let ModelRequest {
                    prompt,
                    image,
                    mask,
                    ..
                } = replay.request();
                assert_eq!(prompt, "make it blue");
                for stream in [image, mask.unwrap().contents] {
                    let all: Vec<_> = stream.collect().now_or_never().unwrap();
                    assert_eq!(all, chunks, "{name}");
                }
            }
            // Nothing is kept of what can be opened again.
            let opens = reopen.is_none_or(|reopen| Arc::ptr_eq(&reopen, &replay.0.image));
            assert!(opens, "{name}");
        }
    }
}

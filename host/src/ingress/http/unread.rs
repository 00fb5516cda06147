//! Answers over HTTP/2 that nobody reads.
//!
//! There a client may leave an answer unread for ever while its connection is
//! well. What the answer holds (an instance's work, an open file) is let go
//! after a while, and the stream with it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};

/// A body of which something has to be taken within each such time. `place` is
/// given back with what it holds.
pub fn limited(body: WasiBody, limit: Duration, place: OwnedSemaphorePermit) -> WasiBody {
    if body.is_end_stream() {
        return body;
    }
    let held = Arc::new(Held(Mutex::new(State {
        body: Some((body, place)),
        unread_since: Some(Instant::now()),
    })));
    let watch = tokio::spawn(watch(Arc::clone(&held), limit));
    let limited = Limited {
        held,
        _watch: AbortOnDropHandle::new(watch),
    };
    limited.boxed_unsync()
}

struct Limited {
    held: Arc<Held>,
    _watch: AbortOnDropHandle<()>,
}

struct Held(Mutex<State>);

struct State {
    /// None: it was let go.
    body: Option<(WasiBody, OwnedSemaphorePermit)>,
    /// None: there is nothing to read, and somebody who would.
    unread_since: Option<Instant>,
}

impl Held {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn watch(held: Arc<Held>, limit: Duration) {
    loop {
        let since = held.state().unread_since;
        sleep_until(since.unwrap_or_else(Instant::now) + limit).await;
        let let_go = {
            let mut state = held.state();
            match (since, state.unread_since) {
                (Some(before), Some(now)) if before == now => state.body.take(),
                _ => None,
            }
        };
        if let_go.is_some() {
            tracing::debug!("an answer that nobody reads is let go");
            return;
        }
    }
}

impl Body for Limited {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.held.state();
        let Some((body, _)) = &mut state.body else {
            return Poll::Ready(Some(Err(Error::ConnectionWriteTimeout)));
        };
        let frame = Pin::new(body).poll_frame(cx);
        state.unread_since = frame.is_ready().then(Instant::now);
        frame
    }

    fn is_end_stream(&self) -> bool {
        let state = self.held.state();
        state
            .body
            .as_ref()
            .is_some_and(|(body, _)| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.held.state();
        state
            .body
            .as_ref()
            .map_or_else(SizeHint::default, |(body, _)| body.size_hint())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::{Stream, StreamExt as _, stream};
    use http_body_util::StreamBody;
    use tokio::sync::Semaphore;
    use tokio::time::{advance, sleep};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Whether what the body holds is gone.
    struct Gone(Arc<AtomicBool>);

    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    fn body(
        pieces: impl Stream<Item = &'static str> + Send + 'static,
    ) -> (WasiBody, Arc<AtomicBool>) {
        let gone = Arc::new(AtomicBool::new(false));
        let held = Gone(Arc::clone(&gone));
        let frames = pieces.map(move |piece| {
            let _held = &held;
            Ok::<_, Error>(Frame::data(Bytes::from(piece)))
        });
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        let body = StreamBody::new(frames).boxed_unsync();
        (limited(body, LIMIT, place), gone)
    }

    async fn pass(time: Duration) {
        // Let the watch begin to wait, and see that its time has come.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        advance(time).await;
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_reads_is_let_go() {
        let (mut body, gone) = body(stream::iter(["a", "b"]));
        assert!(body.frame().await.unwrap().is_ok());
        pass(LIMIT - Duration::from_secs(1)).await;
        assert!(!gone.load(Ordering::Relaxed), "too soon");
        pass(LIMIT * 2).await;
        assert!(gone.load(Ordering::Relaxed), "not let go");
        assert!(body.frame().await.unwrap().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn who_reads_now_and_then_gets_all() {
        let (mut body, _) = body(stream::iter(["a", "b", "c", "d"]));
        for _ in 0..4 {
            pass(LIMIT - Duration::from_secs(1)).await;
            assert!(body.frame().await.unwrap().is_ok());
        }
        assert!(body.frame().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_what_is_not_there_yet_may_wait() {
        let later = stream::once(async {
            sleep(LIMIT * 10).await;
            "late"
        });
        let (mut body, _) = body(stream::iter(["a"]).chain(later));
        assert!(body.frame().await.unwrap().is_ok());
        assert!(body.frame().await.unwrap().is_ok(), "an event that is late");
    }
}

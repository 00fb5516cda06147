//! The write timeout of one HTTP/2 stream.
//!
//! A client may stop reading one answer while it reads others, so the connection itself
//! never times out. What such an answer holds (an instance's work, an open file) is
//! dropped after the timeout, and the stream is reset.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use parking_lot::Mutex;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, WasiBody};

/// A body that is dropped if nothing was read from it for `timeout`. `guard` is dropped
/// later, with the answer.
pub fn limited<G>(body: WasiBody, timeout: Duration, guard: G) -> WasiBody
where
    G: Send + Unpin + 'static,
{
    let shared = Arc::new(Mutex::new(State {
        body: Some(body),
        waiting_since: Some(Instant::now()),
    }));
    let watch = tokio::spawn(watch(Arc::clone(&shared), timeout));
    let limited = Limited {
        shared,
        _watch: AbortOnDropHandle::new(watch),
        _guard: guard,
    };
    limited.boxed_unsync()
}

struct Limited<G> {
    shared: Arc<Mutex<State>>,
    _watch: AbortOnDropHandle<()>,
    _guard: G,
}

struct State {
    /// None: it timed out.
    body: Option<WasiBody>,
    /// Since when data waits for the client to read it. None: the client waits for data.
    waiting_since: Option<Instant>,
}

async fn watch(shared: Arc<Mutex<State>>, timeout: Duration) {
    loop {
        let since = shared.lock().waiting_since;
        sleep_until(since.unwrap_or_else(Instant::now) + timeout).await;
        let dropped = {
            let mut state = shared.lock();
            match (since, state.waiting_since) {
                (Some(before), Some(now)) if before == now => state.body.take(),
                _ => None,
            }
        };
        if dropped.is_some() {
            tracing::debug!("an answer that nobody reads is dropped");
            return;
        }
    }
}

impl<G: Unpin> Body for Limited<G> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let mut state = self.shared.lock();
        let Some(body) = &mut state.body else {
            return Poll::Ready(Some(Err(Error::ConnectionWriteTimeout)));
        };
        let frame = Pin::new(body).poll_frame(cx);
        state.waiting_since = frame.is_ready().then(Instant::now);
        frame
    }

    fn is_end_stream(&self) -> bool {
        let state = self.shared.lock();
        state.body.as_ref().is_some_and(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let state = self.shared.lock();
        state
            .body
            .as_ref()
            .map_or_else(SizeHint::default, Body::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures::{Stream, StreamExt as _, stream};
    use http_body_util::StreamBody;
    use tokio::time::{advance, sleep};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(60);

    /// Whether the body was dropped.
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
        let frames = pieces.map(move |chunk| {
            let _held = &held;
            Ok::<_, Error>(Frame::data(Bytes::from(chunk)))
        });
        let body = StreamBody::new(frames).boxed_unsync();
        (limited(body, LIMIT, ()), gone)
    }

    async fn pass(time: Duration) {
        // Lets the timer start, and then expire.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        advance(time).await;
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_reads_is_dropped() {
        let (mut body, gone) = body(stream::iter(["a", "b"]));
        assert!(body.frame().await.unwrap().is_ok());
        pass(LIMIT - Duration::from_secs(1)).await;
        assert!(!gone.load(Ordering::Relaxed), "too soon");
        pass(LIMIT * 2).await;
        assert!(gone.load(Ordering::Relaxed), "not dropped");
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

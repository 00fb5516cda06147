//! A request body with limits on its size and on how slowly it may arrive.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, Sleep, sleep, timeout};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::ingress::activity::Activity;

/// While the client is waited for, at least this many bytes must arrive in each of these
/// spans. A phone on a bad line is faster; slower clients could keep their requests open for
/// days.
const SPAN: Duration = Duration::from_secs(30);
const MIN_BYTES: u64 = 30 * 1024;

/// How much of an unwanted body is read and discarded, in bytes, and for how long.
const DRAINED: u64 = 64 << 20;
const DRAINING: Duration = Duration::from_secs(5);

/// The body of a request, as a server receives it.
pub trait Received: Body<Data = Bytes, Error: Into<Error>> + Send + Unpin + 'static {}

impl<B: Body<Data = Bytes, Error: Into<Error>> + Send + Unpin + 'static> Received for B {}

/// Limits the body to `max` bytes; reading beyond that fails.
pub fn bounded<B: Received>(
    request: http::Request<B>,
    max: u64,
    activity: Activity,
) -> http::Request<WasiBody> {
    let expect = request.headers().get(http::header::EXPECT);
    let is_held_back =
        expect.is_some_and(|expect| expect.as_bytes().eq_ignore_ascii_case(b"100-continue"));
    request.map(|incoming| {
        Bounded {
            incoming: Some(incoming),
            is_held_back,
            left: max,
            pace: Pace::default(),
            waiting: None,
            activity,
        }
        .boxed_unsync()
    })
}

struct Bounded<B: Received> {
    /// None only during drop.
    incoming: Option<B>,
    /// The client waits for `100 Continue`, which is sent on the first read.
    is_held_back: bool,
    left: u64,
    pace: Pace,
    /// Since when the client is waited for, and the timeout.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    activity: Activity,
}

/// Bytes received in the current span, and how long they were waited for. Time without a
/// waiting reader does not count.
#[derive(Default)]
struct Pace {
    received: u64,
    waited: Duration,
}

impl Pace {
    /// How long the next bytes may take.
    fn left(&self) -> Duration {
        SPAN.saturating_sub(self.waited)
    }

    fn add(&mut self, bytes: u64, waited: Duration) {
        self.received = self.received.saturating_add(bytes);
        self.waited = self.waited.saturating_add(waited);
        if self.received >= MIN_BYTES {
            *self = Self::default();
        }
    }
}

impl<B: Received> Body for Bounded<B> {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        this.is_held_back = false;
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(Some(Ok(frame))) => {
                let waiting = this.waiting.take();
                let waited = waiting.map_or(Duration::ZERO, |(since, _)| since.elapsed());
                this.activity.record();
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                this.pace.add(length, waited);
                match this.left.checked_sub(length) {
                    Some(left) => {
                        this.left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => Poll::Ready(Some(Err(Error::HttpRequestBodySize(None)))),
                }
            }
            Poll::Pending => {
                let left = this.pace.left();
                let (_, deadline) = this
                    .waiting
                    .get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
                ready!(deadline.as_mut().poll(cx));
                this.incoming = None;
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Closing a connection while the client still sends could lose the answer, so the rest
/// of the body is read for a while and discarded.
impl<B: Received> Drop for Bounded<B> {
    fn drop(&mut self) {
        let Some(mut incoming) = self.incoming.take() else {
            return;
        };
        if incoming.is_end_stream() || self.is_held_back {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let drain = async move {
                let mut left = DRAINED;
                while let Some(Ok(frame)) = incoming.frame().await {
                    let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                    match left.checked_sub(length) {
                        Some(less) => left = less,
                        None => return,
                    }
                }
            };
            runtime.spawn(timeout(DRAINING, drain));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_keeps_up_its_pace() {
        const KIB: u64 = 1024;
        for (name, pieces, left) in [
            ("nothing yet", &[][..], 30),
            ("a byte now and then", &[(1, 10), (1, 10)], 10),
            ("not enough", &[(29 * KIB, 29)], 1),
            ("enough", &[(30 * KIB, 29)], 30),
            ("enough in pieces", &[(15 * KIB, 20), (15 * KIB, 9)], 30),
            ("and again too slow", &[(30 * KIB, 29), (KIB, 29)], 1),
            ("at once, and then silence", &[(1 << 30, 0), (0, 30)], 0),
            ("more than a clock counts", &[(1, u64::MAX)], 0),
        ] {
            let mut pace = Pace::default();
            for (bytes, seconds) in pieces {
                pace.add(*bytes, Duration::from_secs(*seconds));
            }
            assert_eq!(pace.left(), Duration::from_secs(left), "{name}");
        }
    }
}

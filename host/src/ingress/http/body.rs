//! A request body with limits on size and slowness.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::ingress::activity::Activity;

/// Longest silence within a body.
const SILENCE: Duration = Duration::from_secs(30);

/// Slowest average rate after that time, in bytes per second; a client that
/// sends a byte now and then would otherwise stay for days.
const PACE: u64 = 1024;

/// How much of an unwanted body is read and discarded, in bytes, and for how
/// long.
const DRAINED: u64 = 64 << 20;
const DRAINING: Duration = Duration::from_secs(5);

/// Limits the body to `max` bytes; a longer one fails there.
pub fn bounded(
    request: http::Request<Incoming>,
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
            begin: Instant::now(),
            received: 0,
            deadline: None,
            activity,
        }
        .boxed_unsync()
    })
}

struct Bounded {
    /// None only while it is dropped.
    incoming: Option<Incoming>,
    /// The client waits for `100 Continue`, which reading sends.
    is_held_back: bool,
    left: u64,
    begin: Instant,
    received: u64,
    /// Set while waiting for the client.
    deadline: Option<Pin<Box<Sleep>>>,
    activity: Activity,
}

/// When the next bytes must have arrived.
fn latest(begin: Instant, received: u64, now: Instant) -> Instant {
    let earned = Duration::from_secs(received / PACE);
    let by_pace = begin.checked_add(SILENCE.saturating_add(earned));
    let unless_silent = now + SILENCE;
    by_pace.map_or(unless_silent, |by_pace| by_pace.min(unless_silent))
}

impl Body for Bounded {
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
                this.deadline = None;
                this.activity.record();
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                this.received = this.received.saturating_add(length);
                match this.left.checked_sub(length) {
                    Some(left) => {
                        this.left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => Poll::Ready(Some(Err(Error::HttpRequestBodySize(None)))),
                }
            }
            Poll::Pending => {
                let latest = latest(this.begin, this.received, Instant::now());
                let deadline = this
                    .deadline
                    .get_or_insert_with(|| Box::pin(sleep_until(latest)));
                match deadline.as_mut().poll(cx) {
                    Poll::Ready(()) => {
                        deadline.as_mut().reset(Instant::now() + SILENCE);
                        Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
                    }
                    Poll::Pending => Poll::Pending,
                }
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

/// Closing a connection while the client still sends would lose the answer, so
/// the rest of the body is read for a while and discarded.
impl Drop for Bounded {
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
        let begin = Instant::now();
        let second = Duration::from_secs(1);
        for (name, received, passed, left) in [
            ("nothing yet", 0, 0, 30),
            ("nothing for a while", 0, 20, 10),
            ("a byte now and then", 29, 29, 1),
            ("slowly enough", 10 * PACE, 35, 5),
            ("at once, and then silence", 1 << 30, 1, 30),
            ("steadily", 100 * PACE, 100, 30),
            ("more than a clock counts", u64::MAX, 0, 30),
        ] {
            let now = begin + passed * second;
            let left = now + left * second;
            assert_eq!(latest(begin, received, now), left, "{name}");
        }
    }
}

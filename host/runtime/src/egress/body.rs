//! A response body with limits. Its connection is reused once the body has been read to
//! its end, and closed if the body is dropped before.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use wasmtime_wasi_http::Error;

use super::pool::Checkout;

/// Limits of a body.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest pause between bytes while a reader waits.
    pub between_bytes: Duration,
    /// When it must have ended.
    pub deadline: Instant,
    /// Most bytes in all.
    pub bytes: u64,
}

pub struct Limited<B: Body> {
    body: B,
    limits: Limits,
    /// Bytes that may still arrive.
    left: u64,
    timeout: Pin<Box<Sleep>>,
    /// Whether a reader is waiting: the timeout counts only then.
    is_waited_for: bool,
    /// None: the connection was given back.
    checkout: Option<Checkout>,
}

impl<B: Body> Limited<B> {
    pub fn new(body: B, limits: Limits, checkout: Checkout) -> Self {
        Self {
            body,
            limits,
            left: limits.bytes,
            timeout: Box::pin(tokio::time::sleep_until(limits.next())),
            is_waited_for: false,
            checkout: Some(checkout),
        }
    }

    /// Gives the connection back, since the answer has been read to its end.
    fn give_back(&mut self) {
        if let Some(checkout) = self.checkout.take() {
            checkout.end();
        }
    }
}

/// A reader that knows the length does not poll again after the last byte, so this may be
/// the end as well.
impl<B: Body> Drop for Limited<B> {
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.give_back();
        }
    }
}

impl Limits {
    /// When the body times out unless bytes arrive before.
    fn next(&self) -> Instant {
        let silent = Instant::now().checked_add(self.between_bytes);
        silent.map_or(self.deadline, |silent| silent.min(self.deadline))
    }
}

impl<B> Body for Limited<B>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        if this.limits.deadline <= Instant::now() {
            // The timer alone would not do: a body that always has bytes ready never
            // polls it.
            return Poll::Ready(Some(Err(Error::HttpResponseTimeout)));
        }
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => {
                this.give_back();
                return Poll::Ready(None);
            }
            Poll::Pending => {
                if !std::mem::replace(&mut this.is_waited_for, true) {
                    this.timeout.as_mut().reset(this.limits.next());
                }
                return this
                    .timeout
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some(Err(Error::ConnectionReadTimeout)));
            }
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match this.left.checked_sub(length) {
            Some(left) => this.left = left,
            None => {
                let limit = Some(this.limits.bytes);
                return Poll::Ready(Some(Err(Error::HttpResponseBodySize(limit))));
            }
        }
        this.is_waited_for = false;
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

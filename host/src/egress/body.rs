//! A response body with limits, which closes its connection when it is dropped.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::Error;

/// The task that drives a connection; aborted with the body.
pub type Driver = AbortOnDropHandle<Result<(), hyper::Error>>;

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long nothing may come.
    pub between_bytes: Duration,
    /// When it must have ended.
    pub deadline: Instant,
    /// In all.
    pub bytes: u64,
}

pub struct Limited<B> {
    body: B,
    limits: Limits,
    /// Bytes that may still arrive.
    left: u64,
    timeout: Pin<Box<Sleep>>,
    _driver: Driver,
}

impl<B> Limited<B> {
    pub fn new(body: B, limits: Limits, driver: Driver) -> Self {
        Self {
            body,
            limits,
            left: limits.bytes,
            timeout: Box::pin(tokio::time::sleep_until(limits.next())),
            _driver: driver,
        }
    }
}

impl Limits {
    /// When the body times out, unless something comes before.
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
            // A body that always has bytes ready would never be polled in vain.
            return Poll::Ready(Some(Err(Error::HttpResponseTimeout)));
        }
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
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
        this.timeout.as_mut().reset(this.limits.next());
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

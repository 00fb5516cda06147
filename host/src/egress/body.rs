//! A response body that does not wait for ever, and that closes its connection
//! when it is dropped.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::Error;

/// What drives a connection. It ends with the body.
pub type Driver = AbortOnDropHandle<Result<(), hyper::Error>>;

pub struct Watched<B> {
    body: B,
    silence: Duration,
    deadline: Pin<Box<Sleep>>,
    _driver: Driver,
}

impl<B> Watched<B> {
    pub fn new(body: B, silence: Duration, driver: Driver) -> Self {
        Self {
            body,
            silence,
            deadline: Box::pin(tokio::time::sleep(silence)),
            _driver: driver,
        }
    }
}

impl<B> Body for Watched<B>
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
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(frame) => {
                let next = Instant::now() + this.silence;
                this.deadline.as_mut().reset(next);
                Poll::Ready(frame.map(|frame| frame.map_err(Error::from)))
            }
            Poll::Pending => match this.deadline.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(Some(Err(Error::ConnectionReadTimeout))),
                Poll::Pending => Poll::Pending,
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

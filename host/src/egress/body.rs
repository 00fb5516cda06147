//! A response body that does not wait for ever, that has a bound, and that
//! closes its connection when it is dropped.

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

/// What a body may take of us.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Between two pieces.
    pub silence: Duration,
    /// By when it has to have ended.
    pub end: Instant,
    /// In bytes.
    pub most: u64,
}

pub struct Watched<B> {
    body: B,
    patience: Patience,
    /// What may still come, in bytes.
    left: u64,
    deadline: Pin<Box<Sleep>>,
    _driver: Driver,
}

impl<B> Watched<B> {
    pub fn new(body: B, patience: Patience, driver: Driver) -> Self {
        Self {
            body,
            patience,
            left: patience.most,
            deadline: Box::pin(tokio::time::sleep_until(patience.next())),
            _driver: driver,
        }
    }
}

impl Patience {
    /// When it is over, unless something comes.
    fn next(&self) -> Instant {
        let silent = Instant::now().checked_add(self.silence);
        silent.map_or(self.end, |silent| silent.min(self.end))
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
        if this.patience.end <= Instant::now() {
            // One that always has something to say would never be silent.
            return Poll::Ready(Some(Err(Error::HttpResponseTimeout)));
        }
        let frame = match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame,
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(None) => return Poll::Ready(None),
            Poll::Pending => {
                return this
                    .deadline
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some(Err(Error::ConnectionReadTimeout)));
            }
        };
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        match this.left.checked_sub(length) {
            Some(left) => this.left = left,
            None => {
                let most = Some(this.patience.most);
                return Poll::Ready(Some(Err(Error::HttpResponseBodySize(most))));
            }
        }
        this.deadline.as_mut().reset(this.patience.next());
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

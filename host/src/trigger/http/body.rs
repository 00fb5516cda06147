//! A request body that cannot be too large, and does not come too slowly.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep, timeout};
use wasmtime_wasi_http::{Error, WasiBody};

use crate::trigger::activity::Activity;

/// How long a client may be silent within a body.
const SILENCE: Duration = Duration::from_secs(30);

/// How much of a body that nobody wants is read, in bytes, and for how long.
const DRAINED: u64 = 64 << 20;
const DRAINING: Duration = Duration::from_secs(5);

/// At most `max` bytes are read: one that is longer breaks off there.
pub fn bounded(incoming: Incoming, max: u64, activity: Activity) -> WasiBody {
    Bounded {
        incoming: Some(incoming),
        left: max,
        deadline: None,
        activity,
    }
    .boxed_unsync()
}

struct Bounded {
    /// Taken only when this is dropped.
    incoming: Option<Incoming>,
    left: u64,
    /// Set while the client is waited for.
    deadline: Option<Pin<Box<Sleep>>>,
    activity: Activity,
}

impl Body for Bounded {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let Some(incoming) = &mut this.incoming else {
            return Poll::Ready(None);
        };
        match Pin::new(incoming).poll_frame(cx) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(error.into()))),
            Poll::Ready(Some(Ok(frame))) => {
                this.deadline = None;
                this.activity.moved();
                let length = frame.data_ref().map_or(0, |data| data.len() as u64);
                match this.left.checked_sub(length) {
                    Some(left) => {
                        this.left = left;
                        Poll::Ready(Some(Ok(frame)))
                    }
                    None => Poll::Ready(Some(Err(Error::HttpRequestBodySize(None)))),
                }
            }
            Poll::Pending => {
                let deadline = this
                    .deadline
                    .get_or_insert_with(|| Box::pin(sleep(SILENCE)));
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

/// A connection that is closed while its client still sends loses the answer on
/// its way: what is left of the body is read for a while, and thrown away.
impl Drop for Bounded {
    fn drop(&mut self) {
        let Some(mut incoming) = self.incoming.take() else {
            return;
        };
        if incoming.is_end_stream() {
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

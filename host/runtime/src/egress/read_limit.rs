//! A reader that fails once more than a limit was read. This also stops a server that
//! sends informational responses (1xx) for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};

/// Bytes that may still be read; clones share the count.
#[derive(Clone, Debug)]
pub struct ReadLimit(Arc<AtomicU64>);

impl ReadLimit {
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(bytes)))
    }

    pub fn set(&self, bytes: u64) {
        self.0.store(bytes, Ordering::Relaxed);
    }

    /// Fails if more was read than allowed.
    fn take(&self, bytes: u64) -> io::Result<()> {
        let left = |left: u64| left.checked_sub(bytes);
        let taken = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        taken
            .map(drop)
            .map_err(|_| io::Error::other("more was sent than is read"))
    }
}

pub struct LimitedReader<T> {
    pub reader: T,
    pub limit: ReadLimit,
}

impl<T: AsyncRead + Unpin> AsyncRead for LimitedReader<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        ready!(Pin::new(&mut this.reader).poll_read(cx, buffer))?;
        let read = buffer.filled().len() - before;
        Poll::Ready(this.limit.take(read as u64))
    }
}

//! A bounded pipe of chunks from a writer to a reader, often on different
//! threads.
//!
//! Waking the other side costs more than a chunk. So a blocked writer is woken
//! only when there is room for several chunks.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures::Stream;
use parking_lot::Mutex;

/// With this many bytes in the pipe the writer blocks until half of them are
/// read.
const CAPACITY: usize = 128 * 1024;

/// The writing end. Dropping it ends the stream.
pub struct Writer(Arc<Mutex<State>>);

/// The reading end.
pub struct Reader(Arc<Mutex<State>>);

/// The reader is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

#[derive(Default)]
struct State {
    chunks: VecDeque<Bytes>,
    /// Bytes in the pipe.
    bytes: usize,
    /// One end was dropped.
    is_closed: bool,
    /// The writer is blocked.
    is_full: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

pub fn pipe() -> (Writer, Reader) {
    let pipe = Arc::<Mutex<State>>::default();
    (Writer(Arc::clone(&pipe)), Reader(pipe))
}

impl Writer {
    /// Waits for room. Then one chunk of any size may be sent.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Closed>> {
        let mut state = self.0.lock();
        if state.is_closed {
            return Poll::Ready(Err(Closed));
        }
        // A blocked writer that is polled stays blocked.
        let full = if state.is_full {
            CAPACITY / 2 + 1
        } else {
            CAPACITY
        };
        state.is_full = state.bytes >= full;
        if !state.is_full {
            return Poll::Ready(Ok(()));
        }
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    pub fn send(&self, chunk: Bytes) {
        let reader = {
            let mut state = self.0.lock();
            if state.is_closed {
                return;
            }
            state.bytes += chunk.len();
            state.chunks.push_back(chunk);
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let reader = {
            let mut state = self.0.lock();
            state.is_closed = true;
            state.reader.take()
        };
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Stream for Reader {
    type Item = Bytes;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let (chunk, writer) = {
            let mut state = self.0.lock();
            match state.chunks.pop_front() {
                Some(chunk) => {
                    state.bytes = state.bytes.saturating_sub(chunk.len());
                    let has_room = state.bytes <= CAPACITY / 2;
                    (chunk, if has_room { state.writer.take() } else { None })
                }
                None if state.is_closed => return Poll::Ready(None),
                None => {
                    state.reader = Some(cx.waker().clone());
                    return Poll::Pending;
                }
            }
        };
        if let Some(writer) = writer {
            writer.wake();
        }
        Poll::Ready(Some(chunk))
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let writer = {
            let mut state = self.0.lock();
            state.is_closed = true;
            state.chunks.clear();
            state.writer.take()
        };
        if let Some(writer) = writer {
            writer.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use futures::{FutureExt as _, StreamExt as _};

    use super::*;

    const CHUNK: usize = 16 * 1024;

    #[derive(Default)]
    struct CountingWaker(AtomicUsize);

    impl Wake for CountingWaker {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn chunk() -> Bytes {
        Bytes::from(vec![0; CHUNK])
    }

    /// Sends chunks until the pipe is full.
    fn fill(writer: &Writer, cx: &mut Context<'_>) -> usize {
        let mut sent = 0;
        while writer.poll_ready(cx).is_ready() {
            writer.send(chunk());
            sent += 1;
        }
        sent
    }

    #[test]
    fn a_writer_is_woken_for_several_pieces_at_once() {
        let waker_count = Arc::new(CountingWaker::default());
        let waker = Waker::from(Arc::clone(&waker_count));
        let mut cx = Context::from_waker(&waker);
        let (writer, mut reader) = pipe();
        assert_eq!(fill(&writer, &mut cx), CAPACITY / CHUNK);
        for left in (CAPACITY / CHUNK / 2 + 1..CAPACITY / CHUNK).rev() {
            assert!(reader.next().now_or_never().is_some());
            assert_eq!(fill(&writer, &mut cx), 0, "with {left} on their way");
        }
        assert_eq!(waker_count.0.load(Ordering::Relaxed), 0);
        assert!(reader.next().now_or_never().is_some());
        assert_eq!(waker_count.0.load(Ordering::Relaxed), 1);
        assert_eq!(fill(&writer, &mut cx), CAPACITY / CHUNK / 2);
    }

    #[test]
    fn what_was_sent_is_read_after_the_writer_left() {
        let (writer, reader) = pipe();
        writer.send(Bytes::from_static(b"a"));
        writer.send(Bytes::from_static(b"b"));
        drop(writer);
        let read: Vec<Bytes> = reader.collect().now_or_never().unwrap();
        assert_eq!(read, ["a", "b"]);
    }

    #[test]
    fn a_writer_learns_that_its_reader_left() {
        let waker_count = Arc::new(CountingWaker::default());
        let waker = Waker::from(Arc::clone(&waker_count));
        let mut cx = Context::from_waker(&waker);
        let (writer, reader) = pipe();
        fill(&writer, &mut cx);
        drop(reader);
        assert_eq!(waker_count.0.load(Ordering::Relaxed), 1);
        assert_eq!(writer.poll_ready(&mut cx), Poll::Ready(Err(Closed)));
    }

    #[test]
    fn a_reader_is_woken_by_a_piece_and_by_the_end() {
        let waker_count = Arc::new(CountingWaker::default());
        let waker = Waker::from(Arc::clone(&waker_count));
        let mut cx = Context::from_waker(&waker);
        let (writer, mut reader) = pipe();
        assert!(reader.poll_next_unpin(&mut cx).is_pending());
        writer.send(chunk());
        assert_eq!(waker_count.0.load(Ordering::Relaxed), 1);
        assert!(reader.poll_next_unpin(&mut cx).is_ready());
        assert!(reader.poll_next_unpin(&mut cx).is_pending());
        drop(writer);
        assert_eq!(waker_count.0.load(Ordering::Relaxed), 2);
        assert_eq!(reader.poll_next_unpin(&mut cx), Poll::Ready(None));
    }
}

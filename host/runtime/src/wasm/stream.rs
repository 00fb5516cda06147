//! Streams of bytes between guests and the host.
//!
//! Both directions have backpressure: a fast writer waits for a slow reader, and nothing
//! is copied before there is a reader.

use std::any::{Any, TypeId};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use concept_refinement_capability::model::Reopen;
use concept_refinement_capability::stream_guard::guarded;
use futures::channel::mpsc;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use tokio::sync::oneshot;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Destination, Source, StreamConsumer, StreamProducer, StreamReader, StreamResult,
};

/// Largest chunk that is copied out of a guest, in bytes.
const MAX_CHUNK: usize = 16 * 1024;

/// Most chunks that wait for their reader: several, since waking the other side costs
/// more than a chunk.
const MAX_WAITING: usize = 8;

/// A stream of bytes for a guest.
pub struct ByteStream {
    chunks: BoxStream<'static, Bytes>,
    reopen: Option<Reopen>,
    /// Whether a guest has begun to read it.
    is_read: bool,
}

/// A stream of values for a guest.
pub struct Items<T>(BoxStream<'static, T>);

impl ByteStream {
    /// A stream that can be read once.
    pub fn new(stream: impl Stream<Item = Bytes> + Send + 'static) -> Self {
        Self::of(Box::pin(stream), None)
    }

    /// A stream that its consumer may open again, if that is possible.
    pub fn of(chunks: BoxStream<'static, Bytes>, reopen: Option<Reopen>) -> Self {
        Self {
            chunks,
            reopen,
            is_read: false,
        }
    }
}

impl<T> Items<T> {
    /// A stream that can be read once.
    pub fn new(stream: impl Stream<Item = T> + Send + 'static) -> Self {
        Self(Box::pin(stream))
    }
}

impl<D> StreamProducer<D> for ByteStream {
    type Item = u8;
    type Buffer = Bytes;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, u8, Bytes>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        self.is_read = true;
        Poll::Ready(Ok(loop {
            match self.chunks.as_mut().poll_next(cx) {
                Poll::Ready(Some(chunk)) if chunk.is_empty() => {}
                Poll::Ready(Some(chunk)) => {
                    destination.set_buffer(chunk);
                    break StreamResult::Completed;
                }
                Poll::Ready(None) => break StreamResult::Dropped,
                Poll::Pending if finish => break StreamResult::Cancelled,
                Poll::Pending => return Poll::Pending,
            }
        }))
    }

    /// Only before the first read: afterwards a chunk may be half consumed.
    fn try_into(me: Pin<Box<Self>>, wanted: TypeId) -> Result<Box<dyn Any>, Pin<Box<Self>>> {
        if wanted != TypeId::of::<Self>() || me.is_read {
            return Err(me);
        }
        let whole: Box<Self> = Pin::into_inner(me);
        Ok(whole)
    }
}

impl<D, T: Send + Sync + 'static> StreamProducer<D> for Items<T> {
    type Item = T;
    type Buffer = Option<T>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, T, Option<T>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        Poll::Ready(Ok(match self.0.as_mut().poll_next(cx) {
            Poll::Ready(Some(item)) => {
                destination.set_buffer(Some(item));
                StreamResult::Completed
            }
            Poll::Ready(None) => StreamResult::Dropped,
            Poll::Pending if finish => StreamResult::Cancelled,
            Poll::Pending => return Poll::Pending,
        }))
    }
}

/// The bytes that a guest wrote.
pub struct Consumed {
    /// They end where the guest's stream does, early or not.
    pub chunks: BoxStream<'static, Bytes>,
    /// Set if the stream is one of the host's own.
    pub reopen: Option<Reopen>,
    /// Completes when no more will be read.
    pub drained: oneshot::Receiver<()>,
}

/// Takes the bytes that a guest writes, in chunks.
pub fn consume(
    reader: StreamReader<u8>,
    mut store: impl wasmtime::AsContextMut,
) -> wasmtime::Result<Consumed> {
    let (ended, drained) = oneshot::channel();
    let reader = match reader.try_into::<ByteStream>(&mut store) {
        // It is one of the host's own streams, so the bytes need not pass through the
        // instance.
        Ok(ByteStream { chunks, reopen, .. }) => {
            return Ok(Consumed {
                chunks: Box::pin(guarded(chunks, ended)),
                reopen,
                drained,
            });
        }
        Err(reader) => reader,
    };
    // One less, since the sender has an extra place of its own.
    let (writer, chunks) = mpsc::channel(MAX_WAITING - 1);
    let (want, wanted) = oneshot::channel();
    reader.pipe(
        store,
        Consumer {
            wanted: Some(wanted),
            writer,
            _ended: ended,
        },
    )?;
    let chunks = stream::once(async move {
        // If the writer is gone, the stream ends at once.
        let _ = want.send(());
        chunks
    });
    Ok(Consumed {
        chunks: Box::pin(chunks.flatten()),
        reopen: None,
        drained,
    })
}

struct Consumer {
    /// Nothing is consumed before there is a reader, so that a thousand waiting models do
    /// not hold a thousand images.
    wanted: Option<oneshot::Receiver<()>>,
    writer: mpsc::Sender<Bytes>,
    /// Dropped with the consumer.
    _ended: oneshot::Sender<()>,
}

impl<D> StreamConsumer<D> for Consumer {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'_, D>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let mut source = source.as_direct(store);
        if source.remaining().is_empty() {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        if let Some(wanted) = &mut self.wanted {
            match Pin::new(wanted).poll(cx) {
                Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
                // An error means that the reader is gone, which the channel reports.
                wanted => drop(ready!(wanted)),
            }
            self.wanted = None;
        }
        let ready = match self.writer.poll_ready(cx) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            ready => ready!(ready),
        };
        if ready.is_err() {
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        let bytes = source.remaining();
        let chunk = Bytes::copy_from_slice(bytes.get(..MAX_CHUNK).unwrap_or(bytes));
        source.mark_read(chunk.len());
        let sent = self.writer.start_send(chunk);
        Poll::Ready(Ok(match sent {
            Ok(()) => StreamResult::Completed,
            Err(_) => StreamResult::Dropped,
        }))
    }
}

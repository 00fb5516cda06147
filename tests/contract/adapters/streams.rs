//! Streams in and out of an instance. Each way is bounded.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::StreamExt as _;
use futures::channel::mpsc;
use futures::stream::BoxStream;
use tokio::sync::oneshot;
use wasmtime::component::{
    Destination, Lift, Source, StreamConsumer, StreamProducer, StreamReader, StreamResult,
};
use wasmtime::{AsContextMut, StoreContextMut};

/// The largest piece that is taken out of an instance at once, in bytes.
const MAX_CHUNK: usize = 1 << 20;

/// Ends once an instance has written all of a stream, or its reader has left.
pub type Drained = oneshot::Receiver<()>;

/// Bytes for an instance. They end early where their sender leaves.
pub struct Chunks(pub tokio::sync::mpsc::Receiver<Bytes>);

impl<D> StreamProducer<D> for Chunks {
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
        Poll::Ready(Ok(loop {
            match self.0.poll_recv(cx) {
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
}

/// The values that an instance writes, one by one.
pub fn items<T: Lift + Send + 'static>(
    reader: StreamReader<T>,
    store: impl AsContextMut<Data: 'static>,
) -> wasmtime::Result<(BoxStream<'static, T>, Drained)> {
    consume(reader, store, |source: &mut Source<'_, T>, store| {
        let mut item = None;
        source.read(store, &mut item)?;
        Ok(item)
    })
}

/// The bytes that an instance writes, in pieces as it writes them.
pub fn bytes(
    reader: StreamReader<u8>,
    store: impl AsContextMut<Data: 'static>,
) -> wasmtime::Result<(BoxStream<'static, Bytes>, Drained)> {
    consume(reader, store, |source: &mut Source<'_, u8>, store| {
        let mut source = source.reborrow().as_direct(store);
        let chunk = source.remaining();
        let chunk = Bytes::copy_from_slice(&chunk[..chunk.len().min(MAX_CHUNK)]);
        source.mark_read(chunk.len());
        Ok((!chunk.is_empty()).then_some(chunk))
    })
}

fn consume<D: 'static, T: 'static, P: Send + 'static>(
    reader: StreamReader<T>,
    mut store: impl AsContextMut<Data = D>,
    take: Take<D, T, P>,
) -> wasmtime::Result<(BoxStream<'static, P>, Drained)> {
    let (sender, chunks) = mpsc::channel(0);
    let (ended, drained) = oneshot::channel();
    reader.pipe(
        store.as_context_mut(),
        Consumer {
            sender,
            take,
            _ended: ended,
        },
    )?;
    Ok((chunks.boxed(), drained))
}

/// Takes what there is, if anything.
type Take<D, T, P> = fn(&mut Source<'_, T>, StoreContextMut<'_, D>) -> wasmtime::Result<Option<P>>;

struct Consumer<D: 'static, T, P> {
    sender: mpsc::Sender<P>,
    take: Take<D, T, P>,
    /// Dropped with the consumer.
    _ended: oneshot::Sender<()>,
}

impl<D: 'static, T: 'static, P: Send + 'static> StreamConsumer<D> for Consumer<D, T, P> {
    type Item = T;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'_, D>,
        mut source: Source<'_, T>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        let ready = match self.sender.poll_ready(cx) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            ready => ready!(ready),
        };
        if ready.is_err() {
            return Poll::Ready(Ok(StreamResult::Dropped));
        }
        if let Some(chunk) = (self.take)(&mut source, store)? {
            // There is room, or the reader has left since.
            let _ = self.sender.start_send(chunk);
        }
        Poll::Ready(Ok(StreamResult::Completed))
    }
}

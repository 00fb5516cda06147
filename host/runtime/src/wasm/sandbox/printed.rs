//! The output of a guest on its standard output and standard error.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Size of the buffer, in bytes.
const CAPACITY: usize = 4096;

/// How much a guest may write at a time, in bytes.
const CHUNK: usize = 64 << 10;

/// The two output streams of a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Output,
    /// Standard error.
    Error,
}

/// Receives what a guest prints. It must not block, and must limit what it keeps, since a
/// guest may print for ever.
pub trait Printer: Send + Sync + 'static {
    /// Receives bytes as they come: not necessarily whole lines, or text.
    fn print(&self, stream: Stream, bytes: &[u8]);
}

/// Collects what our own components print, for the log. Output beyond a limit is silently
/// dropped.
#[derive(Debug, Default)]
pub struct Printed(Mutex<Vec<u8>>);

impl Printed {
    /// Takes what was printed since the last call.
    pub fn take(&self) -> String {
        let printed = std::mem::take(&mut *self.0.lock());
        String::from_utf8_lossy(&printed).trim_end().to_owned()
    }

    pub fn is_empty(&self) -> bool {
        self.0.lock().is_empty()
    }
}

impl Printer for Printed {
    fn print(&self, _: Stream, bytes: &[u8]) {
        let mut buffer = self.0.lock();
        let room = CAPACITY.saturating_sub(buffer.len());
        let fitting = bytes.get(..room).unwrap_or(bytes);
        buffer.extend_from_slice(fitting);
    }
}

/// An output stream of a guest. It accepts everything immediately, so that what was
/// printed right before a trap is not lost.
#[derive(Clone)]
pub(super) struct Pipe {
    pub to: Arc<dyn Printer>,
    pub stream: Stream,
}

impl IsTerminal for Pipe {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Pipe {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.to.print(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[async_trait]
impl Pollable for Pipe {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Pipe {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.to.print(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn as_much_is_kept_as_there_is_room() {
        let printed = Arc::<Printed>::default();
        let pipe = Pipe {
            to: Arc::clone(&printed) as _,
            stream: Stream::Error,
        };
        let mut guest = Pin::from(pipe.async_stream());
        for (name, said, buffer) in [
            ("nothing", 0, 0),
            ("a line", 80, 80),
            ("all that fits", CAPACITY, CAPACITY),
            ("more", 3 * CAPACITY, CAPACITY),
            ("a line after that", 80, 80),
        ] {
            guest.write_all(&vec![b'x'; said]).await.unwrap();
            assert_eq!(printed.take().len(), buffer, "{name}");
        }
        guest.write_all(b"a line\n").await.unwrap();
        assert_eq!(printed.take(), "a line");
        pipe.p2_stream().write("another\n".into()).unwrap();
        assert_eq!(printed.take(), "another");
    }
}

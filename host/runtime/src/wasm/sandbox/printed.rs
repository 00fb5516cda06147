//! Collects what a guest prints, for the log. Output beyond a limit is
//! discarded silently, since a guest may print for ever.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Size of the buffer, in bytes.
const CAPACITY: usize = 4096;

#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// Takes what was printed since the last call.
    pub fn take(&self) -> String {
        let printed = std::mem::take(&mut *self.0.lock());
        String::from_utf8_lossy(&printed).trim_end().to_owned()
    }
}

impl StdoutStream for Printed {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl IsTerminal for Printed {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl AsyncWrite for Printed {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = self.0.lock();
        let room = CAPACITY.saturating_sub(buffer.len());
        let fitting = bytes.get(..room).unwrap_or(bytes);
        buffer.extend_from_slice(fitting);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt as _;

    use super::*;

    #[tokio::test]
    async fn as_much_is_kept_as_there_is_room() {
        let printed = Printed::default();
        let mut guest = Pin::from(printed.async_stream());
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
    }
}

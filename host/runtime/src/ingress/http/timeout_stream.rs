//! A connection with timeouts: for a client that does not read its answer, and for one that
//! has disconnected while its answer is in progress.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// How long the connection of a client that has disconnected is kept. hyper itself does
/// not notice the end while there is unread input, which it reads only after the answer.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(1);

pub struct TimeoutStream {
    stream: TcpStream,
    write_timeout: Duration,
    /// Set while a write is blocked.
    write: Option<Pin<Box<Sleep>>>,
    /// Set once the client has disconnected.
    left: Option<Pin<Box<Sleep>>>,
}

impl TimeoutStream {
    /// `write_timeout`: while the client does not read.
    pub fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        Self {
            stream,
            write_timeout,
            write: None,
            left: None,
        }
    }

    /// Fails a write that has been blocked for too long.
    fn timed<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.write = None;
            return outcome;
        }
        let timeout = self.write_timeout;
        let write = self.write.get_or_insert_with(|| Box::pin(sleep(timeout)));
        ready!(write.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Completes some time after the client has disconnected, even if there is unread
    /// input.
    fn poll_left(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.left.is_none() {
            // Peeking consumes nothing; an error shows again at the next read or write.
            let peeked = ready!(self.stream.poll_peek(cx, &mut ReadBuf::new(&mut [0])));
            let readiness = self.stream.ready(Interest::READABLE).now_or_never();
            let is_closed =
                readiness.is_some_and(|known| known.is_ok_and(|ready| ready.is_read_closed()));
            if is_closed || matches!(peeked, Ok(0)) {
                self.left = Some(Box::pin(sleep(LEAVE_TIMEOUT)));
            }
        }
        match &mut self.left {
            Some(left) => left.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}

impl AsyncRead for TimeoutStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for TimeoutStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.timed(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.timed(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_flush(cx);
        ready!(self.timed(cx, outcome))?;
        match self.poll_left(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into())),
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.timed(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    /// More than the system buffers for a client that does not read.
    const MUCH: usize = 16 << 20;

    async fn connected(write: Duration) -> (TcpStream, TimeoutStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let server = TimeoutStream::new(accepted.unwrap().0, write);
        (client.unwrap(), server)
    }

    #[tokio::test]
    async fn one_that_reads_nothing_times_out() {
        let (_client, mut server) = connected(SHORT).await;
        let ended = server.write_all(&vec![0; MUCH]).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn one_that_reads_slowly_does_not() {
        let (mut client, mut server) = connected(LONG).await;
        let slowly = async {
            for _ in 0..4 {
                sleep(SHORT).await;
                client.read_exact(&mut vec![0; MUCH / 4]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(async { server.write_all(&vec![0; MUCH]).await }, slowly);
        written.unwrap();
    }

    /// Flushes whenever it is woken, as hyper does while an answer is in progress.
    async fn flushed(server: &mut TimeoutStream) -> io::Result<()> {
        poll_fn(|cx| match Pin::new(&mut *server).poll_flush(cx) {
            Poll::Ready(Ok(())) => Poll::Pending,
            outcome => outcome,
        })
        .await
    }

    #[tokio::test]
    async fn one_that_has_left_times_out_whatever_it_said() {
        for said in [&b""[..], b"G"] {
            let (mut client, mut server) = connected(LONG).await;
            client.write_all(said).await.unwrap();
            if !said.is_empty() {
                server.read_exact(&mut [0]).await.unwrap();
            }
            drop(client);
            let ended = flushed(&mut server).await;
            assert_eq!(
                ended.unwrap_err().kind(),
                io::ErrorKind::ConnectionAborted,
                "{said:?}"
            );
        }
    }
}

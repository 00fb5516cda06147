//! A connection that times out: on a client that does not say which protocol it
//! speaks, and on one that does not read its answer.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// The length of the HTTP/2 preface (RFC 9113, 3.4). After this many bytes the
/// protocol is known, and its own limits apply.
const PREFACE: usize = 24;

pub struct TimeoutStream<S> {
    stream: S,
    /// Bytes that have to come before the protocol is known.
    missing: usize,
    preface: Pin<Box<Sleep>>,
    write_timeout: Duration,
    /// Set while a write is blocked.
    write: Option<Pin<Box<Sleep>>>,
}

impl<S> TimeoutStream<S> {
    /// `preface_timeout`: until the protocol is known; `write_timeout`: while the
    /// client reads nothing.
    pub fn new(stream: S, preface_timeout: Duration, write_timeout: Duration) -> Self {
        Self {
            stream,
            missing: PREFACE,
            preface: Box::pin(sleep(preface_timeout)),
            write_timeout,
            write: None,
        }
    }

    /// Fails a write that has been blocked for too long.
    fn timed<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        // The first write is an answer: the protocol is known.
        self.missing = 0;
        if outcome.is_ready() {
            self.write = None;
            return outcome;
        }
        let timeout = self.write_timeout;
        let write = self.write.get_or_insert_with(|| Box::pin(sleep(timeout)));
        write.as_mut().poll(cx).map(|()| Err(timed_out()))
    }
}

impl TimeoutStream<TcpStream> {
    /// Whether the first bytes could begin HTTP/2. They stay to be read, and have to come
    /// within the time for the preface.
    pub async fn may_be_http2(&mut self) -> io::Result<bool> {
        // No method of HTTP/1 that we know begins like `PRI`.
        let mut first = [0; 2];
        tokio::select! {
            peeked = self.stream.peek(&mut first) => {
                let first = first.get(..peeked?).unwrap_or_default();
                Ok(b"PR".starts_with(first))
            }
            () = &mut self.preface => Err(timed_out()),
        }
    }

    /// Whether bytes wait that the client does not read.
    pub fn is_blocked(&self) -> bool {
        self.write.is_some()
    }

    /// Ends when the client has closed. Not if it speaks meanwhile, which stays to be
    /// read.
    pub async fn closed(&self) {
        if let Ok(1..) = self.stream.peek(&mut [0]).await {
            pending::<()>().await;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for TimeoutStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if outcome.is_ready() {
            let read = buffer.filled().len() - before;
            self.missing = self.missing.saturating_sub(read);
            return outcome;
        }
        match self.missing {
            0 => Poll::Pending,
            _ => self.preface.as_mut().poll(cx).map(|()| Err(timed_out())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TimeoutStream<S> {
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
        self.timed(cx, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.timed(cx, outcome)
    }
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_client_that_sends_too_little_times_out() {
        for said in ["", "G", "PRI * HTTP/2.0\r\n"] {
            let (mut client, server) = duplex(1024);
            let mut server = TimeoutStream::new(server, SHORT, LONG);
            client.write_all(said.as_bytes()).await.unwrap();
            let mut heard = Vec::new();
            let ended = server.read_to_end(&mut heard).await;
            assert_eq!(
                ended.unwrap_err().kind(),
                io::ErrorKind::TimedOut,
                "{said:?}"
            );
            assert_eq!(heard, said.as_bytes());
        }
    }

    #[tokio::test]
    async fn one_that_sent_enough_may_pause() {
        let (mut client, server) = duplex(1024);
        let mut server = TimeoutStream::new(server, SHORT, LONG);
        let request = b"GET / HTTP/1.1\r\nHost: example.com";
        client.write_all(request).await.unwrap();
        let mut heard = [0; 64];
        assert!(server.read(&mut heard).await.unwrap() >= PREFACE);
        let client = async {
            sleep(2 * SHORT).await;
            client.write_all(b"\r\n\r\n").await.unwrap();
        };
        let (read, ()) = tokio::join!(server.read(&mut heard), client);
        assert_eq!(read.unwrap(), 4);
    }

    #[tokio::test]
    async fn one_that_reads_nothing_times_out() {
        let (_client, server) = duplex(16);
        let mut server = TimeoutStream::new(server, LONG, SHORT);
        let ended = server.write_all(&[0; 64]).await;
        assert_eq!(ended.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn one_that_reads_slowly_is_not() {
        let (mut client, server) = duplex(16);
        let mut server = TimeoutStream::new(server, LONG, LONG);
        let slowly = async {
            for _ in 0..4 {
                sleep(SHORT).await;
                client.read_exact(&mut [0; 16]).await.unwrap();
            }
        };
        let (written, ()) = tokio::join!(server.write_all(&[0; 64]), slowly);
        written.unwrap();
    }
}

//! Which version of HTTP a client speaks, as its first bytes tell.
//!
//! hyper tells it too, but reads these bytes by themselves. Its buffer for the rest then has
//! 16 kB in place of 8 as long as the connection lives.

use std::io;

use rustix::net::{RecvFlags, recv};
use tokio::io::Interest;
use tokio::net::TcpStream;

/// The first bytes of a client of HTTP/2 (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http1,
    Http2,
}

impl Protocol {
    /// Waits for enough bytes, and leaves them in the stream. tokio's `peek` would return the
    /// beginning of a preface again and again, without waiting for the rest.
    pub async fn of(stream: &TcpStream) -> io::Result<Self> {
        loop {
            let ready = stream.ready(Interest::READABLE).await?;
            let shown = stream.try_io(Interest::READABLE, || {
                let mut first = [0; PREFACE.len()];
                let (_, received) = recv(stream, &mut first, RecvFlags::PEEK)?;
                let first = first.get(..received).unwrap_or_default();
                Self::shown_by(first).ok_or_else(|| io::ErrorKind::WouldBlock.into())
            });
            match shown {
                // No more will arrive.
                Err(error) if is_early(&error) && ready.is_read_closed() => return Ok(Self::Http1),
                Err(error) if is_early(&error) => {}
                shown => return shown,
            }
        }
    }

    /// None: more bytes are needed. Without any, the client has left.
    fn shown_by(first: &[u8]) -> Option<Self> {
        match first {
            PREFACE => Some(Self::Http2),
            first if first.is_empty() || !PREFACE.starts_with(first) => Some(Self::Http1),
            _ => None,
        }
    }
}

fn is_early(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::time::timeout;

    use super::*;

    async fn connected() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (client.unwrap(), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn the_first_bytes_tell_and_stay() {
        for (said, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], Protocol::Http1),
            (b"G", Protocol::Http1),
            (b"POST / HTTP/1.1\r\n", Protocol::Http1),
            (b"PRI * HTTP/1.1\r\n", Protocol::Http1),
            (b"\x16\x03\x01", Protocol::Http1),
            (PREFACE, Protocol::Http2),
            (
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04",
                Protocol::Http2,
            ),
        ] {
            // At once, and byte by byte.
            for chunk in [said.len(), 1] {
                let (mut client, mut server) = connected().await;
                let saying = async {
                    for bytes in said.chunks(chunk) {
                        client.write_all(bytes).await.unwrap();
                        tokio::task::yield_now().await;
                    }
                };
                let (protocol, ()) = tokio::join!(Protocol::of(&server), saying);
                let case = said.escape_ascii();
                assert_eq!(protocol.unwrap(), expected, "{case} by {chunk}");
                let mut heard = vec![0; said.len()];
                server.read_exact(&mut heard).await.unwrap();
                assert_eq!(heard, said, "{case} by {chunk}");
            }
        }
    }

    #[tokio::test]
    async fn one_that_leaves_early_is_not_waited_for() {
        for said in ["", "P", "PRI * HTTP/2.0\r\n"] {
            let (mut client, server) = connected().await;
            client.write_all(said.as_bytes()).await.unwrap();
            client.shutdown().await.unwrap();
            let protocol = Protocol::of(&server).await.unwrap();
            assert_eq!(protocol, Protocol::Http1, "{said:?}");
        }
    }

    #[tokio::test]
    async fn one_that_says_too_little_is_waited_for() {
        for said in ["", "P", "PRI * HTTP/2.0\r\n"] {
            let (mut client, server) = connected().await;
            client.write_all(said.as_bytes()).await.unwrap();
            let protocol = timeout(Duration::from_millis(50), Protocol::of(&server)).await;
            assert!(protocol.is_err(), "{said:?}");
        }
    }
}

//! Which version of HTTP a client speaks, found out before anything is read.
//!
//! Whoever reads to find out has to hand what was read back, and makes the
//! connection's buffer twice as large as it need be for as long as it lives.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

/// What a client that speaks HTTP/2 says first (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// It comes in one piece. To look whether more of it is there cannot be waited
/// for while some is; who makes us look for long is looked at seldom.
const LOOKED_AGAIN: Duration = Duration::from_millis(10);
const LOOKED_SELDOM: Duration = Duration::from_secs(1);

/// None: the client says too little for so long, or has left.
pub async fn speaks_http2(stream: &TcpStream, limit: Duration) -> Option<bool> {
    timeout(limit, begins_with(stream, PREFACE)).await.ok()?
}

async fn begins_with(stream: &TcpStream, expected: &[u8]) -> Option<bool> {
    let mut begin = [0; PREFACE.len()];
    let mut pause = LOOKED_AGAIN;
    loop {
        let length = stream.peek(&mut begin).await.ok()?;
        let begin = begin.get(..length)?;
        if begin.is_empty() {
            return None;
        }
        if begin == expected {
            return Some(true);
        }
        if !expected.starts_with(begin) {
            return Some(false);
        }
        sleep(pause).await;
        pause = pause.saturating_mul(2).min(LOOKED_SELDOM);
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap());
        let (client, accepted) = tokio::join!(client, listener.accept());
        (client.unwrap(), accepted.unwrap().0)
    }

    #[tokio::test]
    async fn the_first_bytes_tell() {
        let preface = String::from_utf8(PREFACE.to_vec()).unwrap();
        let more = format!("{preface}\0\0\0\x04");
        for (name, said, expected) in [
            ("HTTP/1.1", "GET / HTTP/1.1\r\n\r\n", Some(true)),
            ("a letter", "G", Some(true)),
            ("another with P", "POST / HTTP/1.1\r\n\r\n", Some(true)),
            ("no HTTP", "\x16\x03\x01", Some(true)),
            ("nearly", "PRI * HTTP/2.0\r\n\r\nSM\r\n\rX", Some(true)),
            ("HTTP/2", &preface, Some(false)),
            ("HTTP/2, and more", &more, Some(false)),
            ("half of it", &preface[..12], None),
        ] {
            let (mut client, mut server) = pair().await;
            client.write_all(said.as_bytes()).await.unwrap();
            let limit = Duration::from_millis(if expected.is_some() { 10_000 } else { 50 });
            let told = speaks_http2(&server, limit).await;
            assert_eq!(told.map(|http2| !http2), expected, "{name}");
            client.shutdown().await.unwrap();
            let mut read = String::new();
            server.read_to_string(&mut read).await.unwrap();
            assert_eq!(read, said, "{name}: nothing was taken");
        }
    }

    #[tokio::test]
    async fn it_may_come_in_pieces() {
        let (mut client, server) = pair().await;
        let say = async {
            for byte in PREFACE {
                client.write_all(&[*byte]).await.unwrap();
                tokio::task::yield_now().await;
            }
        };
        let told = speaks_http2(&server, Duration::from_secs(10));
        assert_eq!(tokio::join!(told, say).0, Some(true));
    }

    #[tokio::test]
    async fn who_says_nothing_is_not_waited_for() {
        let (client, server) = pair().await;
        let told = speaks_http2(&server, Duration::from_millis(20)).await;
        assert_eq!(told, None, "silent");
        drop(client);
        let told = speaks_http2(&server, Duration::from_secs(10)).await;
        assert_eq!(told, None, "gone");
    }
}

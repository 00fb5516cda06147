//! A server for the tests of what asks it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::yield_now;
use tokio::time::timeout;

pub const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Gives its answers on each connection, and closes it when one request more comes.
/// Counts connections.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

impl Server {
    /// On an address of one's own; port 0 is a free one.
    pub async fn start_at(address: &str, answers: &'static [&'static [u8]]) -> Self {
        Self::start_endless(address, answers, b"").await
    }

    /// The same, but repeats the last bytes for ever, unless there are none.
    pub async fn start_endless(
        address: &str,
        answers: &'static [&'static [u8]],
        again: &'static [u8],
    ) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (connections, open) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (count, present) = (Arc::clone(&connections), Arc::clone(&open));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                present.fetch_add(1, Ordering::Relaxed);
                let present = Arc::clone(&present);
                tokio::spawn(async move {
                    answer(stream, answers, again).await;
                    present.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self {
            address,
            connections,
            open,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// So far.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// Waits until so many connections have not ended.
    pub async fn has_open(&self, count: usize) {
        let reached = async {
            while self.open.load(Ordering::Relaxed) != count {
                yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), reached).await.unwrap();
    }
}

async fn answer(mut stream: TcpStream, answers: &[&[u8]], again: &[u8]) {
    let mut request = [0; 4096];
    for answer in answers {
        let sent = match stream.read(&mut request).await {
            Ok(1..) => stream.write_all(answer).await,
            _ => return,
        };
        if sent.is_err() {
            return;
        }
    }
    while !again.is_empty() {
        if stream.write_all(again).await.is_err() {
            return;
        }
    }
    let _ = stream.read(&mut request).await;
}

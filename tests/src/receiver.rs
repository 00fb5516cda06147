//! A receiver of webhooks that answers as its test wants it to, and remembers what
//! it was told, to the byte.

use crate::provider::{Asked, Provider};
use crate::server::Reply;

pub struct Receiver(Provider);

impl Receiver {
    /// On a free loopback port.
    pub fn start() -> Self {
        Self(Provider::start())
    }

    /// `127.0.0.1:PORT`
    pub fn authority(&self) -> String {
        self.0.authority()
    }

    /// A URL of its own where deliveries are answered with these, one after the
    /// other, the last one again and again.
    pub fn hook(&self, replies: impl IntoIterator<Item = Reply>) -> String {
        self.0.serve_each(replies)
    }

    /// What was delivered to a URL so far.
    pub fn deliveries(&self, url: &str) -> Vec<Asked> {
        self.0.asked(url)
    }

    /// Connections that have not ended.
    pub fn open_connections(&self) -> usize {
        self.0.open_connections()
    }
}

/// Where nothing listens.
pub fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

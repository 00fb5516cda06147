//! A reverse proxy of connections before several hosts, as operators have one: in
//! turns, past those that accept none.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::listen;

/// A host that stands still accepts connections, as the system does for it; one
/// that is cut off does not.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(500);

pub struct Balancer {
    address: SocketAddr,
    hosts: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Balancer {
    /// On a free loopback port, before these hosts.
    pub fn start(hosts: Vec<SocketAddr>) -> Self {
        let hosts = Arc::new(Mutex::new(hosts));
        let (all, turn) = (Arc::clone(&hosts), AtomicUsize::default());
        let connection = move |client| {
            let mut hosts = all.lock().unwrap().clone();
            let first = turn.fetch_add(1, Ordering::Relaxed) % hosts.len().max(1);
            hosts.rotate_left(first);
            pass(client, hosts)
        };
        let address = listen("127.0.0.1:0".parse().unwrap(), Arc::default(), connection);
        Self { address, hosts }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sends new connections to these alone.
    pub fn set_hosts(&self, hosts: Vec<SocketAddr>) {
        *self.hosts.lock().unwrap() = hosts;
    }
}

/// To the first that accepts. If none does, the client's connection is closed.
async fn pass(mut client: TcpStream, hosts: Vec<SocketAddr>) {
    for host in hosts {
        if let Ok(Ok(mut connected)) = timeout(CONNECT_TIMEOUT, TcpStream::connect(host)).await {
            for stream in [&client, &connected] {
                let _ = stream.set_nodelay(true);
            }
            // Whoever breaks off ends it for both.
            let _ = copy_bidirectional(&mut client, &mut connected).await;
            return;
        }
    }
}

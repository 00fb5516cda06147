//! A reverse proxy of connections before several hosts, as operators have one: in
//! turns, past those that accept none.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::server::SERVERS;

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
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let hosts = Arc::new(Mutex::new(hosts));
        let (all, turn) = (Arc::clone(&hosts), Arc::<AtomicUsize>::default());
        SERVERS.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((client, _)) = listener.accept().await {
                let mut hosts = all.lock().unwrap().clone();
                let first = turn.fetch_add(1, Ordering::Relaxed) % hosts.len().max(1);
                hosts.rotate_left(first);
                tokio::spawn(pass(client, hosts));
            }
        });
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

//! Name resolution.
//!
//! Resolvers are not trusted: each address is checked, and used only for the
//! connection for which it was checked.

use std::future::ready;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

/// Concurrent lookups. The system's resolver blocks a thread per lookup while
/// name servers are silent, and the same threads also read files.
const LOOKUPS: usize = 64;

/// Looks names up.
pub trait Resolver: Send + Sync {
    /// All addresses of a host, which may be a literal address. The caller
    /// drops the future when it times out.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The machine's resolver, with one limit for all.
pub fn system() -> Arc<dyn Resolver> {
    static SYSTEM: LazyLock<Arc<SystemResolver>> = LazyLock::new(|| {
        Arc::new(SystemResolver {
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        })
    });
    Arc::clone(&SYSTEM) as _
}

struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        if let Ok(address) = host.parse() {
            return Box::pin(ready(Ok(vec![SocketAddr::new(address, port)])));
        }
        let (host, lookups) = (host.to_owned(), Arc::clone(&self.lookups));
        Box::pin(async move {
            let place = lookups.acquire_owned().await.map_err(io::Error::other)?;
            let look_up = move || {
                let addresses = (host.as_str(), port).to_socket_addrs()?.collect();
                // Released only now, since the thread is busy even if the
                // caller is gone.
                drop(place);
                Ok(addresses)
            };
            tokio::task::spawn_blocking(look_up).await?
        })
    }
}

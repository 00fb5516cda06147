//! What stands behind a name.
//!
//! A resolver is not trusted: each of its answers is judged, and an address is
//! used only in the connection for which it was judged.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};

use futures::future::BoxFuture;
use tokio::sync::Semaphore;

/// The system's resolver keeps a thread for each name that it looks up, for as
/// long as name servers are silent. There are only so many threads, and files
/// are read on them too.
const LOOKUPS: usize = 64;

/// Looks names up.
pub trait Resolver: Send + Sync {
    /// All addresses of a host, which may be a literal address. Whoever has
    /// waited for long enough drops the answer.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// As the machine resolves names. All share its bound.
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
        let (host, lookups) = (host.to_owned(), Arc::clone(&self.lookups));
        Box::pin(async move {
            let place = lookups.acquire_owned().await.map_err(io::Error::other)?;
            let look_up = move || {
                let addresses = (host.as_str(), port).to_socket_addrs()?.collect();
                // Not before: the thread is busy also when nobody waits for it.
                drop(place);
                Ok(addresses)
            };
            tokio::task::spawn_blocking(look_up).await?
        })
    }
}

//! Name resolution.
//!
//! Resolvers are not trusted: each address is checked, and used only for the connection
//! for which it was checked.

mod lookups;

use std::future::ready;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::timeout;

use lookups::Lookups;

/// Concurrent look-ups. While name servers do not answer, the system's resolver blocks
/// one thread per look-up, by default for up to half a minute.
const LOOKUPS: usize = 128;

/// How long to wait for an answer. With the resolver's default settings that is enough to
/// get past one silent name server (5 s).
const TIMEOUT: Duration = Duration::from_secs(8);

/// Looks names up.
pub trait Resolver: Send + Sync {
    /// All addresses of a host, which may be a literal address. The caller drops the
    /// future on a timeout.
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>>;
}

/// The system's resolver, with a limit for the whole process.
pub fn system() -> Arc<dyn Resolver> {
    static SYSTEM: LazyLock<Arc<Blocking>> = LazyLock::new(|| {
        Arc::new(Blocking {
            lookups: Lookups::new(LOOKUPS),
            look_up: |host, port| Ok((host, port).to_socket_addrs()?.collect()),
        })
    });
    Arc::clone(&SYSTEM) as _
}

/// Looks up each name on its own thread, so that a lookup that waits for a silent name
/// server blocks nothing else.
struct Blocking {
    lookups: Arc<Lookups>,
    look_up: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
}

impl Resolver for Blocking {
    fn resolve(&self, host: &str, port: u16) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> {
        if let Ok(address) = host.parse() {
            return Box::pin(ready(Ok(vec![SocketAddr::new(address, port)])));
        }
        let (host, look_up) = (host.to_owned(), self.look_up);
        let lookups = Arc::clone(&self.lookups);
        Box::pin(async move {
            let answer = async {
                let permit = lookups.permit(&host).await;
                let (sender, answer) = oneshot::channel();
                thread::Builder::new()
                    .name("look-up".to_owned())
                    .spawn(move || {
                        // Fails if the caller is gone.
                        let _ = sender.send(look_up(&host, port));
                        // Released only now, since the thread was busy until here.
                        drop(permit);
                    })?;
                answer.await.map_err(io::Error::other)?
            };
            let late = |_| Err(io::ErrorKind::TimedOut.into());
            timeout(TIMEOUT, answer).await.unwrap_or_else(late)
        })
    }
}

#[cfg(test)]
mod tests;

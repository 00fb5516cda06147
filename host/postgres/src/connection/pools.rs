//! The connections to the database: one pool per core's thread, and one for all other
//! threads.
//!
//! A statement passes through the task that drives its connection, and so does the
//! answer. If that task is on another thread, waking each other costs the host more than
//! the rest of the statement. So a connection is driven where it was dialed, and a core
//! uses its own pool. Within each pool every user has a share.

use std::iter;
use std::sync::Arc;

use concept_refinement_capability::cores;
use deadpool_postgres::{BuildError, Connect, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error};

use crate::connection::dialer::Dialer;
use crate::connection::fair_permits::FairPermits;

/// Minimum number of connections per pool, unless it is the only pool.
const MIN_SIZE: usize = 4;

pub(crate) struct Pools {
    /// For calls from threads without a core.
    shared: Shared,
    /// Empty if there are too few connections to divide.
    of_cores: Vec<Shared>,
}

/// A pool, and the queues of users for it.
pub(crate) struct Shared {
    pub pool: Pool,
    pub permits: Arc<FairPermits>,
}

impl Pools {
    /// `size`: limit of connections in all. Connections that are dialed outside of the
    /// cores' threads are driven on the dialer's runtime, since they outlive their first
    /// caller.
    pub fn new(dialer: &Dialer, size: usize) -> Result<Self, BuildError> {
        let count = (size / MIN_SIZE).clamp(1, cores::count() + 1);
        let pool = |size| {
            let config = ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            };
            let manager = Manager::from_connect(Config::new(), dialer.clone(), config);
            Ok(Shared {
                pool: Pool::builder(manager).max_size(size).build()?,
                permits: FairPermits::new(size),
            })
        };
        let each = size / count;
        let shared = pool(size - each * (count - 1))?;
        let of_cores = iter::repeat_with(|| pool(each)).take(count - 1);
        Ok(Self {
            shared,
            of_cores: of_cores.collect::<Result<_, _>>()?,
        })
    }

    /// The pool of the current thread's core.
    pub fn own(&self) -> &Shared {
        let core = cores::current().filter(|_| !self.of_cores.is_empty());
        let own = core.and_then(|core| self.of_cores.get(core % self.of_cores.len()));
        own.unwrap_or(&self.shared)
    }

    /// Discards all idle connections.
    pub fn clear(&self) {
        for shared in iter::once(&self.shared).chain(&self.of_cores) {
            shared.pool.retain(|_, _| false);
        }
    }
}

impl Shared {
    /// Whether all connections are in use.
    pub fn is_busy(&self) -> bool {
        let status = self.pool.status();
        status.available == 0 && status.size >= status.max_size
    }
}

impl Connect for Dialer {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        async move {
            let (client, connection) = self.dial().await?;
            let runtime = cores::runtime_or(&self.runtime);
            let driven = runtime.spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%error, "a connection of the task store ended");
                }
            });
            Ok((client, driven))
        }
        .boxed()
    }
}

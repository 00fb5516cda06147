//! The connections to the database: a pool for each thread that has a core, and one
//! for everybody else.
//!
//! A statement goes to what drives its connection, and the answer comes back. Where
//! that is on another thread, waking each other costs more than all else that a
//! statement costs a host. So a connection is driven where it was dialed, and a core
//! uses those of its own pool. Of each pool a user has a share.

use std::iter;
use std::sync::Arc;

use concept_refinement_capability::cores;
use deadpool_postgres::{BuildError, Connect, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error};

use super::dialer::Dialer;
use super::fair_permits::FairPermits;

/// Connections of a pool, at least, unless there is no other.
const MIN_SIZE: usize = 4;

pub(super) struct Pools {
    /// For calls from threads that belong to no core.
    shared: Shared,
    /// None: there are too few connections to divide.
    of_cores: Vec<Shared>,
}

/// A pool, and the permits of users for it.
pub(super) struct Shared {
    pub pool: Pool,
    pub permits: Arc<FairPermits>,
}

impl Pools {
    /// `size`: most connections, in all. Connections that are dialed outside of the cores'
    /// threads are driven on `runtime`, since they outlive their first caller.
    pub fn new(dialer: &Arc<Dialer>, size: usize, runtime: &Handle) -> Result<Self, BuildError> {
        let count = (size / MIN_SIZE).clamp(1, cores::count() + 1);
        let pool = |size| {
            let config = ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            };
            let dialer = PoolDialer {
                dialer: Arc::clone(dialer),
                runtime: runtime.clone(),
            };
            let manager = Manager::from_connect(Config::new(), dialer, config);
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

    /// Throws away all connections that nobody uses at the moment.
    pub fn clear(&self) {
        for shared in iter::once(&self.shared).chain(&self.of_cores) {
            shared.pool.retain(|_, _| false);
        }
    }
}

impl Shared {
    /// Whether all connections are taken.
    pub fn is_busy(&self) -> bool {
        let status = self.pool.status();
        status.available == 0 && status.size >= status.max_size
    }
}

/// As a pool asks it.
struct PoolDialer {
    dialer: Arc<Dialer>,
    runtime: Handle,
}

impl Connect for PoolDialer {
    fn connect(&self, _: &Config) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), Error>> {
        async move {
            let (client, connection) = self.dialer.dial().await?;
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

//! A pool of connections for reading, which never wait for the writer.

use std::sync::Arc;

use concept_refinement_domain::capability::CapabilityError;
use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::damage::Damage;
use super::fault::{Fault, unavailable};

#[derive(Debug)]
pub(super) struct Readers {
    /// One permit per idle connection.
    permits: Arc<Semaphore>,
    idle: Receiver<Connection>,
    returns: Sender<Connection>,
    size: usize,
    damage: Arc<Damage>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>, damage: Arc<Damage>) -> Self {
        let size = connections.len();
        let (returns, idle) = bounded(size);
        for connection in connections {
            // Cannot fail: the channel has room for all connections.
            let _ = returns.send(connection);
        }
        Self {
            permits: Arc::new(Semaphore::new(size)),
            idle,
            returns,
            size,
            damage,
        }
    }

    /// Runs a query on the calling thread: moving it to another one would cost more than
    /// reading a few pages. Only for queries whose cost does not grow with the store.
    pub(super) async fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, CapabilityError> {
        let permit = self.permits.acquire().await.map_err(|_| unavailable())?;
        let connection = self.take()?;
        let answer = query(connection.get()?);
        drop((connection, permit));
        answer.map_err(|fault| fault.report(&self.damage))
    }

    /// Runs a query that may take long, on a thread that may block.
    pub(super) async fn scan<T, Q>(&self, query: Q) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let permits = Arc::clone(&self.permits);
        let permit = permits.acquire_owned().await.map_err(|_| unavailable())?;
        let connection = self.take()?;
        let damage = Arc::clone(&self.damage);
        let scan = tokio::task::spawn_blocking(move || {
            let answer = query(connection.get()?);
            drop((connection, permit));
            answer.map_err(|fault| fault.report(&damage))
        });
        scan.await.map_err(|_| unavailable())?
    }

    fn take(&self) -> Result<Borrowed, CapabilityError> {
        Ok(Borrowed {
            connection: Some(self.idle.try_recv().map_err(|_| unavailable())?),
            returns: self.returns.clone(),
        })
    }
}

/// Waits for queries in progress, so that all connections are closed
/// afterwards.
impl Drop for Readers {
    fn drop(&mut self) {
        for _ in 0..self.size {
            let _ = self.idle.recv();
        }
    }
}

/// A connection that returns to the pool when it is dropped, even by a panic.
struct Borrowed {
    connection: Option<Connection>,
    returns: Sender<Connection>,
}

impl Borrowed {
    fn get(&self) -> Result<&Connection, CapabilityError> {
        self.connection.as_ref().ok_or_else(unavailable)
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let _ = self.returns.send(connection);
        }
    }
}

//! Connections for reading, which never wait for the writer.
//!
//! Users, the host and operators have separate connections, so that a search through the
//! whole store never takes the last one from users.

use std::sync::Arc;

use concept_refinement_capability::administration::{SEATS, Seat};
use concept_refinement_domain::capability::CapabilityError;
use crossbeam_channel::{Receiver, Sender, bounded};
use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::damage::Damage;
use super::fault::{Fault, unavailable};

#[derive(Debug)]
pub(super) struct Readers {
    users: Pool,
    /// For scans by the host itself, one at a time.
    host: Pool,
    /// One for each seat.
    operators: Pool,
    damage: Arc<Damage>,
}

impl Readers {
    /// `users`: how many connections there are for users.
    pub(super) fn open(
        users: usize,
        damage: Arc<Damage>,
        open: impl Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Self> {
        Ok(Self {
            users: Pool::open(users, &open)?,
            host: Pool::open(1, &open)?,
            operators: Pool::open(SEATS, &open)?,
            damage,
        })
    }

    /// Runs a query on the calling thread: moving it to another one would cost more than
    /// reading a few pages. Only for queries whose cost does not grow with the store.
    pub(super) async fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, CapabilityError> {
        let connection = self.users.take().await?;
        let answer = query(connection.get()?);
        drop(connection);
        answer.map_err(|fault| fault.report(&self.damage))
    }

    /// Runs a query that may take long, on a thread that may block. If it is for an operator,
    /// the seat is kept until the query has ended.
    pub(super) async fn scan<T, Q>(
        &self,
        seat: Option<Seat>,
        query: Q,
    ) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let connection = match &seat {
            Some(_) => self.operators.take().await?,
            None => self.host.take().await?,
        };
        let damage = Arc::clone(&self.damage);
        let scan = tokio::task::spawn_blocking(move || {
            let _seat = seat;
            let answer = query(connection.get()?);
            drop(connection);
            answer.map_err(|fault| fault.report(&damage))
        });
        scan.await.map_err(|_| unavailable())?
    }
}

#[derive(Debug)]
struct Pool {
    /// One permit per idle connection.
    permits: Arc<Semaphore>,
    idle: Receiver<Connection>,
    returns: Sender<Connection>,
    size: usize,
}

impl Pool {
    fn open(
        size: usize,
        open: impl Fn() -> rusqlite::Result<Connection>,
    ) -> rusqlite::Result<Self> {
        let (returns, idle) = bounded(size);
        for _ in 0..size {
            // Cannot fail: the channel has room for all connections.
            let _ = returns.send(open()?);
        }
        Ok(Self {
            permits: Arc::new(Semaphore::new(size)),
            idle,
            returns,
            size,
        })
    }

    async fn take(&self) -> Result<Borrowed, CapabilityError> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(|_| unavailable())?;
        Ok(Borrowed {
            connection: Some(self.idle.try_recv().map_err(|_| unavailable())?),
            returns: self.returns.clone(),
            _permit: permit,
        })
    }
}

/// Waits for queries in progress, so that all connections are closed
/// afterwards.
impl Drop for Pool {
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
    /// Dropped after the connection has returned.
    _permit: OwnedSemaphorePermit,
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

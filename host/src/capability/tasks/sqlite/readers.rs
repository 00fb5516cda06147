//! Reading threads, which never wait for the writer.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use concept_refinement_domain::capability::CapabilityError;
use crossbeam_channel::{Receiver, Sender, unbounded};
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use super::damage::Damage;
use super::fault::{Fault, unavailable};

/// Capacity of the queue; further callers wait to enter it.
const QUEUE_CAPACITY: usize = 1024;

type Query = Box<dyn FnOnce(&Connection) + Send>;

#[derive(Debug)]
pub(super) struct Readers {
    /// None once the readers are stopping.
    queries: Option<Sender<Query>>,
    room: Semaphore,
    threads: Vec<JoinHandle<()>>,
    damage: Arc<Damage>,
}

impl Readers {
    pub(super) fn start(
        connections: Vec<Connection>,
        damage: Arc<Damage>,
    ) -> std::io::Result<Self> {
        let (queries, waiting) = unbounded();
        let threads = connections
            .into_iter()
            .map(|connection| {
                let waiting = waiting.clone();
                thread::Builder::new()
                    .name("sqlite-reader".into())
                    .spawn(move || serve(&connection, &waiting))
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            queries: Some(queries),
            room: Semaphore::new(QUEUE_CAPACITY),
            threads,
            damage,
        })
    }

    pub(super) async fn read<T, Q>(&self, query: Q) -> Result<T, CapabilityError>
    where
        T: Send + 'static,
        Q: FnOnce(&Connection) -> Result<T, Fault> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<T, CapabilityError>>();
        let damage = self.damage.clone();
        let query: Query = Box::new(move |connection| {
            if !answer.is_closed() {
                // The caller may be gone.
                let _ = answer.send(query(connection).map_err(|fault| fault.report(&damage)));
            }
        });
        let queries = self.queries.as_ref().ok_or_else(unavailable)?;
        let _room = self.room.acquire().await.map_err(|_| unavailable())?;
        queries.send(query).map_err(|_| unavailable())?;
        answered.await.map_err(|_| unavailable())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queries = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the task store had crashed");
            }
        }
    }
}

fn serve(connection: &Connection, queries: &Receiver<Query>) {
    for query in queries {
        query(connection);
    }
}

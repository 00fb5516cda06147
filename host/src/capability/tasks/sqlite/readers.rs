//! The threads that read, beside the writer and never waiting for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use concept_refinement_domain::capability::CapabilityError;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::damage::Damage;
use super::fault::{Fault, unavailable};

/// Callers beyond these wait before they are queued.
const WAITING: usize = 1024;

type Query = Box<dyn FnOnce(&Connection) + Send>;

#[derive(Debug)]
pub(super) struct Readers {
    /// Taken when the readers are to stop.
    sender: Option<mpsc::Sender<Query>>,
    threads: Vec<JoinHandle<()>>,
    damage: Arc<Damage>,
}

impl Readers {
    pub(super) fn start(
        connections: Vec<Connection>,
        damage: Arc<Damage>,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(receiver));
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
            sender: Some(sender),
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
                // Whoever asked may have left meanwhile.
                let _ = answer.send(query(connection).map_err(|fault| fault.tell(&damage)));
            }
        });
        let sender = self.sender.as_ref().ok_or_else(unavailable)?;
        sender.send(query).await.map_err(|_| unavailable())?;
        answered.await.map_err(|_| unavailable())?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.sender = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a reader of the task store had crashed");
            }
        }
    }
}

/// Each waits for the next query in turn, holding the receiver.
fn serve(connection: &Connection, waiting: &Mutex<mpsc::Receiver<Query>>) {
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .blocking_recv();
        let Some(query) = next else { return };
        query(connection);
    }
}

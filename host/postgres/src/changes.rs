//! Tells the other hosts on a database what this one did to tasks, and hears
//! from them.
//!
//! It is only said that something changed: what is true stands in the tables. So
//! messages may be lost, and nothing waits for them. They are sent in batches, by
//! commits that wait for no disk, since a notification inside of each commit
//! would make all commits wait for each other.

mod inbox;
mod listener;
mod message;

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::tasks::hub::Hub;
use concept_refinement_domain::task::{Stage, Status};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use super::database::Database;
use super::fault::Fault;
use super::promises::Promises;
use super::recent::Recent;
use super::values::parameters;
use listener::{Line, Listener};
use message::{Message, payloads};

/// Messages that wait to be sent at most; the oldest are left out, since whoever
/// watches looks by itself now and then.
const MAX_WAITING: usize = 10_000;

/// How long messages are collected before they are sent, in which more come.
const COLLECT: Duration = Duration::from_millis(10);

/// What sends and hears.
pub(super) struct Changes {
    outbox: Arc<Outbox>,
    wakes: Arc<Wakes>,
    _running: [AbortOnDropHandle<()>; 2],
}

#[derive(Default)]
struct Outbox {
    waiting: Mutex<Vec<Message>>,
    arrived: Notify,
}

/// Wakes the queue of this host.
pub(super) struct Wakes(watch::Sender<u64>);

/// What is needed to hear from other hosts.
pub(super) struct Ears {
    pub(super) hub: Arc<Hub>,
    pub(super) promises: Arc<Promises>,
    pub(super) recent: Arc<Recent>,
    /// Where notifications come from: the database itself, or by an address that
    /// leads there without a pooler.
    pub(super) source: Arc<Database>,
}

impl Changes {
    pub(super) fn start(database: Arc<Database>, ears: Ears) -> Self {
        let outbox = Arc::<Outbox>::default();
        let wakes = Arc::new(Wakes(watch::channel(0).0));
        let listener = Listener::new(Arc::clone(&database), ears, Arc::clone(&wakes));
        let runtime = Handle::current();
        let sending = runtime.spawn(send(database, Arc::clone(&outbox)));
        let hearing = runtime.spawn(listener.run());
        Self {
            outbox,
            wakes,
            _running: [sending, hearing].map(AbortOnDropHandle::new),
        }
    }

    pub(super) fn changed(&self, id: &str, revision: u64, status: Status) {
        self.outbox.put(Message::Changed {
            id: id.to_owned(),
            revision,
            status,
        });
    }

    pub(super) fn began(&self, id: &str, revision: u64, stage: Stage) {
        self.outbox.put(Message::Began {
            id: id.to_owned(),
            revision,
            stage,
        });
    }

    pub(super) fn deleted(&self, id: &str) {
        self.outbox.put(Message::Deleted { id: id.to_owned() });
    }

    /// There is something to deliver, for whichever host.
    pub(super) fn published(&self) {
        self.wakes.wake();
        self.outbox.put(Message::Published);
    }

    /// A delivery was requested again, for whichever host delivers.
    pub(super) fn redelivered(&self) {
        self.outbox.put(Message::Redelivered);
    }

    /// Changes whenever there may be something to deliver.
    pub(super) fn wakes(&self) -> watch::Receiver<u64> {
        self.wakes.0.subscribe()
    }

    /// Wakes the queue of this host alone.
    pub(super) fn wake(&self) {
        self.wakes.wake();
    }
}

impl Wakes {
    fn wake(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Outbox {
    fn put(&self, message: Message) {
        let mut waiting = self.waiting.lock();
        if message == Message::Published && waiting.contains(&message) {
            return;
        }
        if waiting.len() >= MAX_WAITING {
            waiting.clear();
        }
        waiting.push(message);
        self.arrived.notify_one();
    }
}

/// Sends what is put into the outbox, for as long as it runs.
async fn send(database: Arc<Database>, outbox: Arc<Outbox>) {
    loop {
        outbox.arrived.notified().await;
        sleep(COLLECT).await;
        let messages = std::mem::take(&mut *outbox.waiting.lock());
        if let Err(fault) = notify(&database, &messages).await {
            log_throttled!(debug, "other hosts were not told of changes", %fault);
        }
    }
}

async fn notify(database: &Database, messages: &[Message]) -> Result<(), Fault> {
    const NOTIFY: &str = "SELECT set_config('synchronous_commit', 'off', true), \
         pg_notify($1, payload) FROM unnest($2) AS payload";
    let (channel, payloads) = (channel(database), payloads(database.host(), messages));
    if payloads.is_empty() {
        return Ok(());
    }
    let session = database.session().await?;
    let parameters = parameters![channel, payloads];
    session.query(NOTIFY, &parameters).await?;
    Ok(())
}

/// Whether what hosts tell each other arrives by way of `source`.
pub(super) async fn probe(database: &Database, source: &Database) -> Result<(), Fault> {
    Line::open(database, source).await.map(drop)
}

/// One a schema, since channels are of the whole database.
fn channel(database: &Database) -> String {
    format!("concept_refinement_{:016x}", database.lock_key("channel"))
}

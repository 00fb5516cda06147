//! Notifies the other hosts of a database about changes to tasks, and receives their
//! notifications.
//!
//! A message only says that something changed; the tables say what. So messages may be
//! lost, and nothing waits for them. They are sent in batches, by commits that do not
//! wait for the disk, since a notification inside of each commit would make all commits
//! wait for each other.

mod listener;
pub(crate) mod message;
pub(crate) mod promises;

use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::tasks::hub::Hub;
use futures::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

use crate::changes::promises::Promises;
use crate::connection::database::Database;
use crate::connection::fault::Fault;
use crate::connection::values::parameters;
use crate::tasks::recent::Recent;
use listener::{Listener, Notifications};
use message::{Message, payloads};

/// Limit of messages that wait to be sent. Further ones are dropped, since watchers also
/// poll from time to time.
const MAX_WAITING: usize = 10_000;

/// How long to collect messages before they are sent.
const COLLECT: Duration = Duration::from_millis(10);

/// Sends and receives notifications.
pub(super) struct Changes {
    outbox: mpsc::Sender<Message>,
    /// Sent to whenever there may be a task to deliver.
    wakes: watch::Sender<()>,
    /// Sent to whenever an operator has acted on another host.
    operated: watch::Sender<()>,
    _running: [AbortOnDropHandle<()>; 2],
}

/// Everything needed to receive other hosts' notifications.
pub(super) struct Subscription {
    pub(super) hub: Arc<Hub>,
    pub(super) promises: Arc<Promises>,
    pub(super) recent: Arc<Recent>,
    /// Where to receive notifications: the database itself, or another address of it that
    /// bypasses a pooler.
    pub(super) source: Arc<Database>,
}

impl Changes {
    pub(super) fn start(database: Arc<Database>, subscription: Subscription) -> Self {
        let (outbox, waiting) = mpsc::channel(MAX_WAITING);
        let (wakes, operated) = (watch::Sender::default(), watch::Sender::default());
        let listener = Listener {
            database: Arc::clone(&database),
            subscription,
            wakes: wakes.clone(),
            operated: operated.clone(),
        };
        let runtime = Handle::current();
        let sending = runtime.spawn(send(database, waiting));
        let hearing = runtime.spawn(listener.run());
        Self {
            outbox,
            wakes,
            operated,
            _running: [sending, hearing].map(AbortOnDropHandle::new),
        }
    }

    /// Announces that there is a task to deliver, on any host.
    pub(super) fn published(&self) {
        self.wake();
        self.tell(Message::Published);
    }

    /// The same. When this completes, other hosts are told, even if this one stops then.
    pub(super) async fn publish_now(&self, database: &Database) -> Result<(), Fault> {
        self.wake();
        notify(database, &[Message::Published]).await
    }

    /// Tells other hosts.
    pub(super) fn tell(&self, message: Message) {
        // Dropped if the outbox is full: others then find the change by polling.
        let _ = self.outbox.try_send(message);
    }

    /// Changes whenever an operator may have paused or resumed the queue, or started a job, on
    /// another host.
    pub(super) fn operations(&self) -> watch::Receiver<()> {
        self.operated.subscribe()
    }

    /// Changes whenever there may be a task to deliver.
    pub(super) fn wakes(&self) -> watch::Receiver<()> {
        self.wakes.subscribe()
    }

    /// Wakes only the queue of this host.
    pub(super) fn wake(&self) {
        self.wakes.send_replace(());
    }
}

/// Sends waiting messages for ever.
async fn send(database: Arc<Database>, mut waiting: mpsc::Receiver<Message>) {
    let mut messages = Vec::new();
    while let Some(first) = waiting.recv().await {
        sleep(COLLECT).await;
        messages.push(first);
        let _ = waiting.recv_many(&mut messages, MAX_WAITING).now_or_never();
        if let Err(fault) = notify(&database, &messages).await {
            log_throttled!(debug, "other hosts were not told of changes", %fault);
        }
        messages.clear();
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
    session.execute(NOTIFY, &parameters).await
}

/// Checks that notifications sent to `database` arrive at `source`.
pub(super) async fn probe(database: &Database, source: &Database) -> Result<(), Fault> {
    Notifications::open(database, source).await.map(drop)
}

/// One per schema, since channels are visible in the whole database.
fn channel(database: &Database) -> String {
    format!("concept_refinement_{:016x}", database.lock_key("channel"))
}

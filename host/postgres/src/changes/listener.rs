//! Receives notifications of other hosts, and polls where some may have been missed.

use std::collections::HashSet;
use std::ptr;
use std::sync::Arc;
use std::time::Duration;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::tasks::hub::Update;
use concept_refinement_domain::rulebook::TaskRecord;
use futures::{FutureExt as _, StreamExt as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_postgres::{AsyncMessage, Client, SimpleQueryMessage};
use tokio_util::task::AbortOnDropHandle;

use super::message::{Message, read};
use super::{Subscription, channel};
use crate::connection::database::{DEADLINE, Database};
use crate::connection::fault::Fault;
use crate::tasks::reads;

/// How often watched tasks are polled, regardless of notifications.
const LOOK: Duration = Duration::from_secs(5);

/// The same while no notifications can be received.
const DEAF_LOOK: Duration = Duration::from_millis(500);

/// How often to try again to receive notifications.
const RETRY: Duration = Duration::from_secs(1);

/// The same behind a pooler, where each attempt may leave one more connection that
/// listens in vain.
const POOLED_RETRY: Duration = Duration::from_secs(30);

/// How often to check whether tasks with promised space have ended.
const PROMISES: Duration = Duration::from_secs(60);

/// The same while no notifications can be received.
const DEAF_PROMISES: Duration = Duration::from_secs(5);

/// Most payloads that are kept. A reader that falls further behind polls everything that
/// is watched instead, which takes a query or two.
const CAPACITY: usize = 1_000;

/// How many ids are queried at once.
const BATCH: usize = 1_000;

pub(super) struct Listener {
    pub(super) database: Arc<Database>,
    pub(super) subscription: Subscription,
    pub(super) wakes: watch::Sender<()>,
    pub(super) operated: watch::Sender<()>,
}

/// A connection that receives notifications.
pub(super) struct Notifications {
    client: Client,
    payloads: broadcast::Receiver<String>,
    _driven: AbortOnDropHandle<()>,
}

/// The payloads received since the last time.
#[derive(Default)]
struct Heard {
    payloads: Vec<String>,
    /// Further payloads were dropped.
    is_incomplete: bool,
}

impl Notifications {
    /// Begins to listen, and verifies that notifications arrive: poolers accept the
    /// statement but pass nothing on. Notifications are received from `source`.
    pub(super) async fn open(database: &Database, source: &Database) -> Result<Self, Fault> {
        let dialed = timeout(DEADLINE, source.dialer.dial()).await;
        let (client, mut connection) = dialed.map_err(|_| Fault::Timeout)??;
        let (filled, payloads) = broadcast::channel(CAPACITY);
        let driven = tokio::spawn(async move {
            let mut messages =
                futures::stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message {
                    let _ = filled.send(notification.payload().to_owned());
                }
            }
        });
        let mut notifications = Self {
            client,
            payloads,
            _driven: AbortOnDropHandle::new(driven),
        };
        let channel = channel(database);
        let probe = format!("probe {}", database.host());
        let listen = format!("LISTEN \"{channel}\"");
        let listening = timeout(DEADLINE, notifications.client.batch_execute(&listen)).await;
        listening.map_err(|_| Fault::Timeout)??;
        let session = database.unready_session(DEADLINE).await?;
        let sql = format!("SELECT pg_notify('{channel}', '{probe}')");
        session.batch(&sql).await?;
        let heard = async {
            while let Some(heard) = notifications.heard().await {
                if heard.payloads.contains(&probe) {
                    return Ok(());
                }
            }
            Err(Fault::NotReady("it closed the connection".to_owned()))
        };
        timeout(DEADLINE, heard).await.map_err(|_| Fault::Deaf)??;
        if ptr::eq(database, source) {
            database.set_direct();
        }
        Ok(notifications)
    }

    /// Waits for notifications. None: the connection has ended. Cancel-safe.
    async fn heard(&mut self) -> Option<Heard> {
        let mut heard = Heard::default();
        let mut next = Some(self.payloads.recv().await);
        while let Some(received) = next.take() {
            match received {
                Ok(payload) => heard.payloads.push(payload),
                Err(RecvError::Lagged(_)) => heard.is_incomplete = true,
                Err(RecvError::Closed) => return None,
            }
            if heard.payloads.len() < CAPACITY {
                next = self.payloads.recv().now_or_never();
            }
        }
        Some(heard)
    }

    /// Whether the connection works and its server is still the primary: after a failover
    /// no notifications arrive from the old one.
    async fn is_to_primary(&self) -> bool {
        let shown = self.client.simple_query("SHOW transaction_read_only");
        let Ok(Ok(rows)) = timeout(DEADLINE, shown).await else {
            return false;
        };
        let is_off = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0) == Some("off"),
            _ => false,
        };
        rows.iter().any(is_off)
    }
}

impl Listener {
    /// Runs until it is dropped.
    pub(super) async fn run(self) {
        let mut released = Instant::now();
        loop {
            let retry = match self.while_deaf(self.connect(), &mut released).await {
                // Looks up changes that were missed before listening began.
                Ok(notifications) => {
                    self.hear(notifications, &mut released).await;
                    RETRY
                }
                Err(fault) => {
                    if self.database.is_ready() {
                        log_throttled!(
                            warn every minute,
                            "changes of other hosts are not heard, only looked for \
                             (behind a pooler, set REFINEMENT_TASKS_LISTEN_URL)",
                            %fault
                        );
                    }
                    match fault {
                        Fault::Deaf => POOLED_RETRY,
                        _ => RETRY,
                    }
                }
            };
            self.while_deaf(sleep(retry), &mut released).await;
        }
    }

    /// Polls until `work` is done.
    async fn while_deaf<T>(&self, work: impl Future<Output = T>, released: &mut Instant) -> T {
        let looking = async {
            loop {
                self.look_at_all(released, DEAF_PROMISES).await;
                sleep(DEAF_LOOK).await;
            }
        };
        tokio::select! {
            done = work => done,
            never = looking => never,
        }
    }

    /// Looks up everything that may have been missed. `released`: when promises were last
    /// checked, which happens once per `promises`.
    async fn look_at_all(&self, released: &mut Instant, promises: Duration) {
        self.look().await;
        self.wakes.send_replace(());
        if released.elapsed() >= promises {
            self.release_promises().await;
            *released = Instant::now();
        }
    }

    async fn connect(&self) -> Result<Notifications, Fault> {
        match self.database.is_ready() {
            true => Notifications::open(&self.database, &self.subscription.source).await,
            false => Err(Fault::NotReady("it was not reached yet".to_owned())),
        }
    }

    /// Runs until the connection is lost.
    async fn hear(&self, mut notifications: Notifications, released: &mut Instant) {
        loop {
            self.look_at_all(released, PROMISES).await;
            let next_look = Instant::now() + LOOK;
            loop {
                match timeout_at(next_look, notifications.heard()).await {
                    // Handles everything received so far with one query.
                    Ok(Some(heard)) => {
                        self.heard(&heard.payloads).await;
                        if heard.is_incomplete {
                            break;
                        }
                    }
                    Ok(None) => return,
                    Err(_) => break,
                }
            }
            if !notifications.is_to_primary().await {
                return;
            }
        }
    }

    async fn heard(&self, payloads: &[String]) {
        let theirs = payloads.iter().map(|payload| read(payload));
        let theirs = theirs.filter(|(host, _)| *host != self.database.host());
        let messages: Vec<_> = theirs.flat_map(|(_, messages)| messages).collect();
        let hub = &self.subscription.hub;
        let mut changed = HashSet::new();
        for message in &messages {
            if let Message::Changed { id, revision, .. } = message
                && hub.lacks(id, *revision)
            {
                changed.insert(id.clone());
            }
        }
        let changed = Vec::from_iter(changed);
        self.look_at(&changed).await;
        for message in messages {
            match message {
                Message::Changed {
                    id,
                    revision,
                    status,
                } => {
                    self.subscription.recent.forget(&id);
                    if status.is_final() {
                        self.subscription.promises.release(&id);
                    }
                    hub.changed_elsewhere(&id, revision, status);
                }
                Message::Began {
                    id,
                    revision,
                    stage,
                } => hub.began_elsewhere(&id, revision, stage),
                Message::Deleted { id } => {
                    self.subscription.recent.forget(&id);
                    self.subscription.promises.release(&id);
                    hub.announce(&id, Update::Deleted);
                }
                Message::Published => self.wakes.send_replace(()),
                Message::Redelivered => self.subscription.hub.announce_delivery(),
                Message::Operated => self.operated.send_replace(()),
            }
        }
    }

    /// Looks up all tasks that are watched here, with one query.
    async fn look(&self) {
        let watched = self.subscription.hub.watched();
        for some in watched.chunks(BATCH) {
            self.look_at(some).await;
        }
    }

    /// Announces the current state of these tasks to their watchers.
    async fn look_at(&self, ids: &[String]) {
        let Ok(found) = self.find(ids).await else {
            return;
        };
        let hub = &self.subscription.hub;
        let mut gone: HashSet<_> = ids.iter().collect();
        for (id, _) in &found {
            gone.remove(id);
        }
        for id in gone {
            hub.announce(id, Update::Deleted);
        }
        for (id, record) in found {
            if let Some(record) = record
                && hub.lacks(&id, record.revision)
            {
                hub.announce_elsewhere(&id, Update::of(record));
            }
        }
    }

    /// Gives back the space of tasks whose end this host has missed.
    async fn release_promises(&self) {
        for some in self.subscription.promises.all().chunks(BATCH) {
            let Ok(found) = self.find(some).await else {
                return;
            };
            let active = found.into_iter().filter(|(_, record)| {
                let is_final = |record: &TaskRecord| record.task.status.is_final();
                !record.as_ref().is_some_and(is_final)
            });
            let active: HashSet<_> = active.map(|(id, _)| id).collect();
            for id in some.iter().filter(|id| !active.contains(*id)) {
                self.subscription.promises.release(id);
            }
        }
    }

    async fn find(&self, ids: &[String]) -> Result<Vec<(String, Option<TaskRecord>)>, Fault> {
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let session = self.database.session().await?;
        reads::some(&session, ids).await
    }
}

//! A writing thread that commits all waiting changes together and only then answers them.
//!
//! A commit has to wait for the disk, which takes as long for one change as for a
//! hundred.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

/// Commits groups of changes, on its own thread.
pub(crate) trait Committer: Send + 'static {
    /// A change, and where to send its outcome.
    type Entry: Send;

    /// Limit of entries per commit; more would only delay the first ones.
    const MAX_GROUP: usize;

    /// Commits a group, removes its entries and answers them.
    fn commit(&mut self, group: &mut Vec<Self::Entry>);

    /// Called after the last group.
    fn close(self);
}

/// A writing thread. Dropping it waits for the work in progress, so that the file is
/// closed afterwards.
pub(crate) struct GroupCommit<E> {
    /// None while it is shutting down.
    sender: Option<mpsc::Sender<E>>,
    thread: Option<JoinHandle<()>>,
}

impl<E: Send + 'static> GroupCommit<E> {
    /// `capacity`: how many entries may wait; further callers wait to enter.
    pub fn start<C>(name: &str, capacity: usize, committer: C) -> io::Result<Self>
    where
        C: Committer<Entry = E>,
    {
        let (sender, waiting) = mpsc::channel(capacity);
        let thread = thread::Builder::new()
            .name(name.into())
            .spawn(move || run(committer, waiting))?;
        Ok(Self {
            sender: Some(sender),
            thread: Some(thread),
        })
    }

    /// Returns the answer. None: the thread has ended.
    pub async fn write<T>(&self, entry: impl FnOnce(oneshot::Sender<T>) -> E) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let sent = self.sender.as_ref()?.send(entry(answer));
        sent.await.ok()?;
        answered.await.ok()
    }

    /// The same for a thread that may block.
    pub fn write_blocking<T>(&self, entry: impl FnOnce(oneshot::Sender<T>) -> E) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let sent = self.sender.as_ref()?.blocking_send(entry(answer));
        sent.ok()?;
        answered.blocking_recv().ok()
    }
}

impl<E> Drop for GroupCommit<E> {
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("a thread that writes to SQLite had crashed");
        }
    }
}

fn run<C: Committer>(mut committer: C, mut waiting: mpsc::Receiver<C::Entry>) {
    let mut group = Vec::with_capacity(C::MAX_GROUP);
    while waiting.blocking_recv_many(&mut group, C::MAX_GROUP) > 0 {
        committer.commit(&mut group);
    }
    committer.close();
}

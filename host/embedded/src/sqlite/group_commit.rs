//! A thread that writes: what waits together is committed together, and only then
//! answered.
//!
//! A commit waits for the disk, as long for one change as for a hundred.

use std::io;
use std::thread::{self, JoinHandle};

use tokio::sync::{mpsc, oneshot};

/// What commits, in a thread of its own.
pub(crate) trait Committer: Send + 'static {
    /// A change, and where its outcome is sent.
    type Entry: Send;

    /// Most entries of a commit; more would only delay the first.
    const MAX_GROUP: usize;

    /// Commits a group, takes its entries out and answers them.
    fn commit(&mut self, group: &mut Vec<Self::Entry>);

    /// After the last group.
    fn close(self);
}

/// A writing thread. Dropped, it waits for what is under way, so that the file is
/// closed afterwards.
pub(crate) struct GroupCommit<E> {
    /// None once it is stopping.
    sender: Option<mpsc::Sender<E>>,
    thread: Option<JoinHandle<()>>,
}

impl<E: Send + 'static> GroupCommit<E> {
    /// So many entries may wait; further callers wait to enter.
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

    /// Returns what was answered. None: the thread has ended.
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

//! Permits for a resource that users share, such as the connections of a pool. Each user
//! has a queue, and the queues are served round-robin, so that one user's many calls do
//! not delay other users.
//!
//! A user's share is limited as for all permits, and calls wait here, where they do not
//! occupy a connection.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use concept_refinement_capability::permits::{Permit, Permits};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::connection::fault::Fault;

/// Permits by user, and the queues for them.
pub(crate) struct FairPermits {
    shares: Arc<Permits<String>>,
    queues: Mutex<Queues>,
}

#[derive(Default)]
struct Queues {
    by_user: HashMap<String, VecDeque<oneshot::Sender<FairPermit>>>,
    /// Users with a queue, in the order in which they are served; each once.
    order: VecDeque<String>,
}

/// A permit, which passes to the next caller when it is dropped.
pub(crate) struct FairPermit {
    permits: Arc<FairPermits>,
    /// None while it is being dropped.
    share: Option<Permit<String>>,
}

impl FairPermits {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            shares: Permits::new(limit),
            queues: Mutex::default(),
        })
    }

    /// Waits for a permit until the deadline.
    pub async fn take(
        self: &Arc<Self>,
        user: &str,
        deadline: Instant,
    ) -> Result<FairPermit, Fault> {
        let waiting = {
            let mut queues = self.queues.lock();
            if !queues.by_user.contains_key(user)
                && let Some(share) = self.shares.take(None, Some(user.to_owned()))
            {
                return Ok(self.permit(share));
            }
            queues.join(user.to_owned())
        };
        match timeout_at(deadline, waiting).await {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_)) | Err(_) => Err(Fault::Busy),
        }
    }

    fn permit(self: &Arc<Self>, share: Permit<String>) -> FairPermit {
        FairPermit {
            permits: Arc::clone(self),
            share: Some(share),
        }
    }
}

impl Queues {
    fn join(&mut self, user: String) -> oneshot::Receiver<FairPermit> {
        let (permit, waiting) = oneshot::channel();
        let queue = self.by_user.entry(user.clone()).or_insert_with(|| {
            self.order.push_back(user);
            VecDeque::new()
        });
        queue.push_back(permit);
        waiting
    }

    /// The next caller to serve. Users whose share is used up are skipped, and callers
    /// that have left are removed.
    fn next(
        &mut self,
        shares: &Arc<Permits<String>>,
    ) -> Option<(Permit<String>, oneshot::Sender<FairPermit>)> {
        for _ in 0..self.order.len() {
            let user = self.order.pop_front()?;
            let mut queue = self.by_user.remove(&user).unwrap_or_default();
            while queue.front().is_some_and(oneshot::Sender::is_closed) {
                queue.pop_front();
            }
            let share = match queue.is_empty() {
                true => None,
                false => shares.take(None, Some(user.clone())),
            };
            let served = share.and_then(|share| Some((share, queue.pop_front()?)));
            if !queue.is_empty() {
                self.by_user.insert(user.clone(), queue);
                self.order.push_back(user);
            }
            if served.is_some() {
                return served;
            }
        }
        None
    }
}

impl Drop for FairPermit {
    fn drop(&mut self) {
        self.share = None;
        let permits = &self.permits;
        loop {
            let next = permits.queues.lock().next(&permits.shares);
            let Some((share, waiting)) = next else {
                return;
            };
            // If the receiver leaves at this moment, the permit is dropped with the
            // message.
            let _ = waiting.send(permits.permit(share));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::{BoxFuture, ready};

    use super::*;

    type Waiting = BoxFuture<'static, Result<FairPermit, Fault>>;

    fn ask(permits: &Arc<FairPermits>, user: &'static str) -> Waiting {
        let permits = Arc::clone(permits);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut waiting = async move { permits.take(user, deadline).await }.boxed();
        match (&mut waiting).now_or_never() {
            Some(permit) => ready(permit).boxed(),
            None => waiting,
        }
    }

    fn granted(waiting: &mut Waiting) -> Option<FairPermit> {
        waiting.now_or_never().and_then(Result::ok)
    }

    #[tokio::test]
    async fn one_user_leaves_a_turn_to_each_other_one() {
        let permits = FairPermits::new(8);
        let mut greedy: Vec<_> = (0..100).map(|_| ask(&permits, "greedy")).collect();
        let taken: Vec<_> = greedy.iter_mut().filter_map(granted).collect();
        assert_eq!(taken.len(), 6);
        let other = granted(&mut ask(&permits, "ada"));
        assert!(other.is_some());
        assert!(granted(&mut ask(&permits, "bob")).is_some());
    }

    #[tokio::test]
    async fn the_queues_of_users_are_served_in_turn() {
        let permits = FairPermits::new(1);
        let first = granted(&mut ask(&permits, "greedy"));
        let users = ["greedy", "greedy", "greedy", "ada", "bob", "ada"];
        let mut waiting: Vec<_> = users.map(|user| (user, ask(&permits, user))).into();
        let mut order = Vec::new();
        let mut held = first;
        while held.is_some() {
            held = None;
            let next = waiting
                .iter_mut()
                .position(|(_, asked)| match granted(asked) {
                    Some(permit) => held.replace(permit).is_none(),
                    None => false,
                });
            order.extend(next.map(|index| waiting.swap_remove(index).0));
        }
        assert_eq!(order, ["greedy", "ada", "bob", "greedy", "ada", "greedy"]);
        assert_eq!(permits.shares.taken(), 0);
        assert!(permits.queues.lock().by_user.is_empty());
    }

    #[tokio::test]
    async fn who_goes_before_its_turn_takes_none() {
        let permits = FairPermits::new(1);
        let held = granted(&mut ask(&permits, "ada"));
        let gone: Vec<_> = (0..10_000).map(|_| ask(&permits, "bob")).collect();
        let mut eve = ask(&permits, "eve");
        drop(gone);
        drop(held);
        assert!(granted(&mut eve).is_some());
        assert_eq!(permits.shares.taken(), 0);
        assert!(permits.queues.lock().order.is_empty());
    }
}

//! Turns at what users share, such as the connections of a pool: each user has a line of
//! its own, and the lines are served in turn, so that one user's many calls do not delay
//! others.
//!
//! A user has its share as of everything else, and waits here, where it keeps nobody from
//! a connection.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher as _;
use std::sync::Arc;

use concept_refinement_domain::share::{RESERVE, has_share};
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::fault::Fault;

pub(super) struct Turns {
    limit: usize,
    hasher: RandomState,
    state: Mutex<State>,
}

/// Users are known by a hash.
#[derive(Default)]
struct State {
    taken: usize,
    by_user: HashMap<u64, usize>,
    lines: HashMap<u64, VecDeque<oneshot::Sender<Turn>>>,
    /// Whose line is served next, each once.
    order: VecDeque<u64>,
}

/// It is the next one's when it is dropped.
pub(super) struct Turn {
    turns: Arc<Turns>,
    user: u64,
}

impl Turns {
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            hasher: RandomState::new(),
            state: Mutex::default(),
        })
    }

    /// Waits for one until then.
    pub async fn take(self: &Arc<Self>, user: &str, deadline: Instant) -> Result<Turn, Fault> {
        let user = self.hasher.hash_one(user);
        let waiting = {
            let mut state = self.state.lock();
            if !state.lines.contains_key(&user) && state.admit(user, self.limit) {
                return Ok(self.turn(user));
            }
            state.join(user)
        };
        match timeout_at(deadline, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Fault::Busy),
        }
    }

    fn turn(self: &Arc<Self>, user: u64) -> Turn {
        Turn {
            turns: Arc::clone(self),
            user,
        }
    }
}

impl State {
    /// Whether the user has a share left, of which one is taken then.
    fn admit(&mut self, user: u64, limit: usize) -> bool {
        let own = self.by_user.get(&user).copied().unwrap_or_default();
        let is_admitted = has_share(limit, self.taken, own, RESERVE);
        if is_admitted {
            self.taken += 1;
            self.by_user.insert(user, own + 1);
        }
        is_admitted
    }

    fn join(&mut self, user: u64) -> oneshot::Receiver<Turn> {
        let (turn, waiting) = oneshot::channel();
        let line = self.lines.entry(user).or_insert_with(|| {
            self.order.push_back(user);
            VecDeque::new()
        });
        line.push_back(turn);
        waiting
    }

    fn give_back(&mut self, user: u64) {
        self.taken -= 1;
        match self.by_user.get_mut(&user) {
            Some(own @ 2..) => *own -= 1,
            Some(_) | None => drop(self.by_user.remove(&user)),
        }
    }

    /// The next one to serve. Users that have their share are skipped, and callers that have
    /// gone are dropped.
    fn next(&mut self, limit: usize) -> Option<(u64, oneshot::Sender<Turn>)> {
        for _ in 0..self.order.len() {
            let user = self.order.pop_front()?;
            let mut line = self.lines.remove(&user).unwrap_or_default();
            while line.front().is_some_and(oneshot::Sender::is_closed) {
                line.pop_front();
            }
            let served = match !line.is_empty() && self.admit(user, limit) {
                true => line.pop_front(),
                false => None,
            };
            if !line.is_empty() {
                self.lines.insert(user, line);
                self.order.push_back(user);
            }
            if let Some(served) = served {
                return Some((user, served));
            }
        }
        None
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let turns = &self.turns;
        turns.state.lock().give_back(self.user);
        loop {
            let next = turns.state.lock().next(turns.limit);
            let Some((user, waiting)) = next else {
                return;
            };
            // Who goes at this very moment drops it.
            let _ = waiting.send(turns.turn(user));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt as _;
    use futures::future::{BoxFuture, ready};

    use super::*;

    type Waiting = BoxFuture<'static, Result<Turn, Fault>>;

    fn ask(turns: &Arc<Turns>, user: &'static str) -> Waiting {
        let turns = Arc::clone(turns);
        let deadline = Instant::now() + Duration::from_secs(60);
        let mut waiting = async move { turns.take(user, deadline).await }.boxed();
        match (&mut waiting).now_or_never() {
            Some(turn) => ready(turn).boxed(),
            None => waiting,
        }
    }

    fn has_turn(waiting: &mut Waiting) -> Option<Turn> {
        waiting.now_or_never().and_then(Result::ok)
    }

    #[tokio::test]
    async fn one_user_leaves_a_turn_to_each_other_one() {
        let turns = Turns::new(8);
        let mut greedy: Vec<_> = (0..100).map(|_| ask(&turns, "greedy")).collect();
        let taken: Vec<_> = greedy.iter_mut().filter_map(has_turn).collect();
        assert_eq!(taken.len(), 6);
        let other = has_turn(&mut ask(&turns, "ada"));
        assert!(other.is_some());
        assert!(has_turn(&mut ask(&turns, "bob")).is_some());
    }

    #[tokio::test]
    async fn the_lines_of_users_are_served_in_turn() {
        let turns = Turns::new(1);
        let first = has_turn(&mut ask(&turns, "greedy"));
        let users = ["greedy", "greedy", "greedy", "ada", "bob", "ada"];
        let mut waiting: Vec<_> = users.map(|user| (user, ask(&turns, user))).into();
        let mut order = Vec::new();
        let mut held = first;
        while held.is_some() {
            held = None;
            let next = waiting
                .iter_mut()
                .position(|(_, asked)| match has_turn(asked) {
                    Some(turn) => held.replace(turn).is_none(),
                    None => false,
                });
            order.extend(next.map(|index| waiting.swap_remove(index).0));
        }
        assert_eq!(order, ["greedy", "ada", "bob", "greedy", "ada", "greedy"]);
        assert!(turns.state.lock().by_user.is_empty() && turns.state.lock().lines.is_empty());
    }

    #[tokio::test]
    async fn who_goes_before_its_turn_takes_none() {
        let turns = Turns::new(1);
        let held = has_turn(&mut ask(&turns, "ada"));
        let gone: Vec<_> = (0..10_000).map(|_| ask(&turns, "bob")).collect();
        let mut eve = ask(&turns, "eve");
        drop(gone);
        drop(held);
        assert!(has_turn(&mut eve).is_some());
        let state = turns.state.lock();
        assert_eq!((state.taken, state.order.len()), (0, 0));
    }
}

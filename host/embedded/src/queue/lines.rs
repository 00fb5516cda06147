//! Tasks that are ready: each user has a line, and it is the turn of the user who was served
//! longest ago, or never, and among these of the one whose task came first.

use std::collections::{BTreeSet, HashMap, VecDeque};

use lru::LruCache;

use super::delay_queue::Entry;

/// Of how many users it is known when they were served; the others were not served for longer
/// than all of these.
pub(crate) const MAX_TURNS: usize = 10_000;

pub(super) struct Lines {
    /// The tasks of each user who waits, with the numbers in which they came.
    lines: HashMap<String, VecDeque<(u64, Entry)>>,
    /// Those users in the order of their turns: when each was served, and the number of the
    /// first task in the line.
    order: BTreeSet<(u64, u64, String)>,
    /// When users were served, as numbers that grow.
    turns: LruCache<String, u64>,
    /// How many tasks have come, and how often a user was served.
    count: u64,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            lines: HashMap::new(),
            order: BTreeSet::new(),
            turns: LruCache::unbounded(),
            count: 0,
        }
    }
}

impl Lines {
    /// Adds a task to the end of its user's line.
    pub(super) fn join(&mut self, entry: Entry) {
        self.count += 1;
        let number = self.count;
        let line = self.lines.entry(entry.user_id.clone()).or_default();
        if line.is_empty() {
            // Who was never served is before all others.
            let turn = self.turns.peek(&entry.user_id).copied().unwrap_or(0);
            self.order.insert((turn, number, entry.user_id.clone()));
        }
        line.push_back((number, entry));
    }

    /// Takes the next task, which serves its user.
    pub(super) fn next(&mut self) -> Option<Entry> {
        let (_, _, user_id) = self.order.pop_first()?;
        let turn = self.served(user_id.clone());
        let line = self.lines.get_mut(&user_id)?;
        let (_, entry) = line.pop_front()?;
        match line.front() {
            Some((number, _)) => drop(self.order.insert((turn, *number, user_id))),
            None => drop(self.lines.remove(&user_id)),
        }
        Some(entry)
    }

    /// Notes that a user was served, later than all others, and returns the turn.
    pub(super) fn served(&mut self, user_id: String) -> u64 {
        self.count += 1;
        self.turns.put(user_id, self.count);
        if self.turns.len() > MAX_TURNS {
            self.turns.pop_lru();
        }
        self.count
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn joined(lines: &mut Lines, user_id: &str, task_id: &str) {
        lines.join(Entry {
            task_id: task_id.to_owned(),
            user_id: user_id.to_owned(),
        });
    }

    fn rest(lines: &mut Lines) -> Vec<String> {
        std::iter::from_fn(|| lines.next())
            .map(|entry| entry.task_id)
            .collect()
    }

    #[test]
    fn each_user_who_waits_is_served_in_turn() {
        let mut lines = Lines::default();
        for task in ["a1", "a2", "a3", "b1", "c1", "b2"] {
            joined(&mut lines, &task[..1], task);
        }
        assert_eq!(rest(&mut lines), ["a1", "b1", "c1", "a2", "b2", "a3"]);
        // c was served before b, and b before a.
        for task in ["a4", "b3", "d1", "c2", "e1"] {
            joined(&mut lines, &task[..1], task);
        }
        assert_eq!(rest(&mut lines), ["d1", "e1", "c2", "b3", "a4"]);
    }

    #[test]
    fn what_was_served_before_the_start_counts() {
        let mut lines = Lines::default();
        for user in ["a", "b", "a"] {
            lines.served(user.to_owned());
        }
        for task in ["a1", "b1", "c1"] {
            joined(&mut lines, &task[..1], task);
        }
        assert_eq!(rest(&mut lines), ["c1", "b1", "a1"]);
    }

    #[test]
    fn who_was_served_longest_ago_is_forgotten_first() {
        let mut lines = Lines::default();
        for user in 0..=MAX_TURNS {
            lines.served(user.to_string());
        }
        let turns = &lines.turns;
        assert_eq!(turns.len(), MAX_TURNS);
        assert_eq!((turns.peek("0"), turns.peek("1")), (None, Some(&2)));
    }

    proptest! {
        /// None: the next one is taken.
        #[test]
        fn nothing_is_lost_and_nobody_is_passed_over_twice(
            acts in proptest::collection::vec(proptest::option::weighted(0.6, 0..5_u8), 1..80),
        ) {
            let mut lines = Lines::default();
            let mut waiting: Vec<(u8, String)> = Vec::new();
            // How many others were served since a user has begun to wait.
            let mut passed = HashMap::<(u8, u8), u32>::new();
            for (number, act) in acts.into_iter().enumerate() {
                match act {
                    Some(user) => {
                        let task = format!("{user} {number}");
                        joined(&mut lines, &user.to_string(), &task);
                        waiting.push((user, task));
                    }
                    None => {
                        let next = lines.next().map(|entry| entry.task_id);
                        prop_assert_eq!(next.is_none(), waiting.is_empty());
                        let Some(next) = next else { continue };
                        let at = waiting.iter().position(|(_, task)| *task == next).unwrap();
                        let (user, _) = waiting.remove(at);
                        prop_assert!(waiting[..at].iter().all(|(other, _)| *other != user));
                        passed.retain(|(who, _), _| *who != user);
                        for (other, _) in &waiting {
                            if *other != user {
                                passed.entry((*other, user)).or_insert(0);
                            }
                        }
                        for other in 0..5 {
                            if let Some(times) = passed.get_mut(&(other, user)) {
                                *times += 1;
                                prop_assert!(*times <= 1, "{} before {}", user, other);
                            }
                        }
                    }
                }
            }
            prop_assert_eq!(rest(&mut lines).len(), waiting.len());
        }
    }
}

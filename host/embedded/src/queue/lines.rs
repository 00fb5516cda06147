//! Tasks that are ready: each user has a line, and it is the turn of the user who was served
//! longest ago, or never, and among these of the one whose task came first.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::delay_queue::Entry;

/// Of how many users it is known when they were served; the others were not served for longer
/// than all of these.
pub(crate) const MAX_TURNS: usize = 10_000;

#[derive(Default)]
pub(super) struct Lines {
    /// The tasks of each user who waits, with the numbers in which they came.
    lines: HashMap<String, VecDeque<(u64, Entry)>>,
    /// Those users in the order of their turns: when each was served, and the number of the
    /// first task in the line.
    order: BTreeSet<(u64, u64, String)>,
    turns: Turns,
    /// How many tasks have come.
    count: u64,
}

/// When users were served, as numbers that grow; 0 is never.
#[derive(Default)]
struct Turns {
    of: HashMap<String, u64>,
    users: BTreeMap<u64, String>,
    latest: u64,
}

impl Lines {
    /// Adds a task to the end of its user's line.
    pub(super) fn join(&mut self, entry: Entry) {
        self.count += 1;
        let number = self.count;
        let line = self.lines.entry(entry.user_id.clone()).or_default();
        if line.is_empty() {
            let turn = self.turns.of(&entry.user_id);
            self.order.insert((turn, number, entry.user_id.clone()));
        }
        line.push_back((number, entry));
    }

    /// Takes the next task, which serves its user.
    pub(super) fn next(&mut self) -> Option<Entry> {
        let (_, _, user_id) = self.order.pop_first()?;
        let line = self.lines.get_mut(&user_id)?;
        let (_, entry) = line.pop_front()?;
        let turn = self.turns.serve(user_id.clone());
        match line.front() {
            Some((number, _)) => drop(self.order.insert((turn, *number, user_id))),
            None => drop(self.lines.remove(&user_id)),
        }
        Some(entry)
    }

    /// Notes that a user who does not wait was served, later than all others.
    pub(super) fn served(&mut self, user_id: String) {
        self.turns.serve(user_id);
    }
}

impl Turns {
    fn of(&self, user_id: &str) -> u64 {
        self.of.get(user_id).copied().unwrap_or_default()
    }

    fn serve(&mut self, user_id: String) -> u64 {
        self.latest += 1;
        self.users.insert(self.latest, user_id.clone());
        if let Some(before) = self.of.insert(user_id, self.latest) {
            self.users.remove(&before);
        }
        if self.users.len() > MAX_TURNS
            && let Some((_, oldest)) = self.users.pop_first()
        {
            self.of.remove(&oldest);
        }
        self.latest
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
        let mut turns = Turns::default();
        for user in 0..=MAX_TURNS {
            turns.serve(user.to_string());
        }
        assert_eq!((turns.of.len(), turns.users.len()), (MAX_TURNS, MAX_TURNS));
        assert_eq!((turns.of("0"), turns.of("1")), (0, 2));
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

//! How many attempts may be under way at once, in all and at one receiver, so that
//! a slow receiver keeps no other one waiting.

use std::collections::BTreeMap;

/// What is left of the places. A receiver is the origin of a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    free: u32,
    per_receiver: u32,
    taken: BTreeMap<String, u32>,
}

impl Places {
    /// `taken`: the receivers of the attempts under way, each as often as it has
    /// one.
    pub fn new<'a>(
        total: u32,
        per_receiver: u32,
        taken: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let mut places = Self {
            free: total,
            per_receiver,
            taken: BTreeMap::new(),
        };
        for receiver in taken {
            places.free = places.free.saturating_sub(1);
            places.count(receiver);
        }
        places
    }

    /// In all.
    pub fn free(&self) -> u32 {
        self.free
    }

    pub fn has_room_for(&self, receiver: &str) -> bool {
        let taken = self.taken.get(receiver).copied().unwrap_or_default();
        self.free > 0 && taken < self.per_receiver
    }

    /// False: there is none for this receiver.
    pub fn take(&mut self, receiver: &str) -> bool {
        let has_room = self.has_room_for(receiver);
        if has_room {
            self.free = self.free.saturating_sub(1);
            self.count(receiver);
        }
        has_room
    }

    /// The receivers that get no further place.
    pub fn full(&self) -> Vec<&str> {
        let full = self
            .taken
            .iter()
            .filter(|(_, taken)| **taken >= self.per_receiver);
        full.map(|(receiver, _)| receiver.as_str()).collect()
    }

    fn count(&mut self, receiver: &str) {
        let taken = self.taken.entry(receiver.to_owned()).or_default();
        *taken = taken.saturating_add(1);
    }
}

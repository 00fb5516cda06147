//! Limits concurrent attempts, in total and per receiver, so that unresponsive receivers
//! block nobody else's deliveries.
//!
//! Receivers share all permits, and so do users; the users of one receiver share its
//! permits. So whatever one user does, with any number of receivers, a quarter of all
//! permits and of each receiver's permits is left for others. Several users together can
//! take more: six can take all permits, if each takes the rest that the others have
//! left.

use std::collections::BTreeMap;

use crate::share::{RESERVE, has_share};

/// The holder of a permit: an attempt at this receiver on behalf of this user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The origin of a URL.
    pub receiver: String,
    /// The user whose webhook it is.
    pub user_id: String,
}

/// The permits that are left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryPermits {
    receivers: Pool,
    users: Pool,
    per_receiver: usize,
    /// The users of each receiver.
    users_of: BTreeMap<String, Pool>,
}

/// A pool of permits, with the number that each holder has.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Pool {
    limit: usize,
    used: usize,
    own: BTreeMap<String, usize>,
}

impl DeliveryPermits {
    /// `taken`: the permits of attempts in progress.
    pub fn new<'a>(
        total: usize,
        per_receiver: usize,
        taken: impl IntoIterator<Item = &'a Holder>,
    ) -> Self {
        let mut permits = Self {
            receivers: Pool::new(total),
            users: Pool::new(total),
            per_receiver,
            users_of: BTreeMap::new(),
        };
        for Holder { receiver, user_id } in taken {
            permits.add(receiver, user_id);
        }
        permits
    }

    /// Free permits in total.
    pub fn free(&self) -> usize {
        self.receivers.free()
    }

    /// Whether another attempt for this receiver and user may begin.
    pub fn has_room_for(&self, receiver: &str, user_id: &str) -> bool {
        let users = self.users_of.get(receiver);
        self.receivers.has_room_for(receiver)
            && self.users.has_room_for(user_id)
            && users.is_none_or(|users| users.has_room_for(user_id))
    }

    /// False: this user gets no permit for this receiver.
    pub fn take(&mut self, receiver: &str, user_id: &str) -> bool {
        let has_room = self.has_room_for(receiver, user_id);
        if has_room {
            self.add(receiver, user_id);
        }
        has_room
    }

    /// The receivers that get no more permits.
    pub fn full_receivers(&self) -> Vec<&str> {
        let receivers = self.users_of.iter().filter(|(receiver, users)| {
            users.free() == 0 || !self.receivers.has_room_for(receiver)
        });
        receivers.map(|(receiver, _)| receiver.as_str()).collect()
    }

    /// The users who get no more permits.
    pub fn full_users(&self) -> Vec<&str> {
        self.users.full().collect()
    }

    /// Pairs of a receiver and a user who gets no more permits there.
    pub fn full_pairs(&self) -> Vec<(&str, &str)> {
        let pairs = self.users_of.iter().flat_map(|(receiver, users)| {
            let users = users.full();
            users.map(move |user_id| (receiver.as_str(), user_id))
        });
        pairs.collect()
    }

    /// Whether any receiver or user gets no more permits.
    pub fn are_short(&self) -> bool {
        !self.full_receivers().is_empty()
            || !self.full_users().is_empty()
            || !self.full_pairs().is_empty()
    }

    fn add(&mut self, receiver: &str, user_id: &str) {
        self.receivers.add(receiver);
        self.users.add(user_id);
        let users = self.users_of.entry(receiver.to_owned());
        let users = users.or_insert_with(|| Pool::new(self.per_receiver));
        users.add(user_id);
    }
}

impl Pool {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            used: 0,
            own: BTreeMap::new(),
        }
    }

    fn free(&self) -> usize {
        self.limit.saturating_sub(self.used)
    }

    fn has_room_for(&self, holder: &str) -> bool {
        let own = self.own.get(holder).copied().unwrap_or_default();
        self.has_share(own)
    }

    fn full(&self) -> impl Iterator<Item = &str> {
        let full = self.own.iter().filter(|(_, own)| !self.has_share(**own));
        full.map(|(holder, _)| holder.as_str())
    }

    fn has_share(&self, own: usize) -> bool {
        has_share(self.limit, self.used, own, RESERVE)
    }

    fn add(&mut self, holder: &str) {
        self.used = self.used.saturating_add(1);
        let own = self.own.entry(holder.to_owned()).or_default();
        *own = own.saturating_add(1);
    }
}

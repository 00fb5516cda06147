//! Permits that many clients share, so that no client takes all of them. Each client gets
//! a share (`components/domain/src/share.rs`) rather than a fixed number, since all
//! clients behind a proxy or a NAT look like one.

mod subnet;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use concept_refinement_domain::share::{RESERVE, has_share};
use parking_lot::Mutex;

pub use subnet::Subnet;

/// Replaces [`RESERVE`] for an address whose requests carry credentials. The part that it
/// cannot take alone is smaller, so it can hold more permits than one user can, and does
/// not block its other users.
const RESERVE_OF_USERS: usize = 8;

/// A pool of permits. `U` identifies a user.
pub struct Permits<U: Eq + Hash> {
    limit: usize,
    taken: Mutex<Taken<U>>,
}

struct Taken<U> {
    total: usize,
    by_client: HashMap<Subnet, usize>,
    by_user: HashMap<U, usize>,
}

/// One permit, free again when it is dropped.
pub struct Permit<U: Eq + Hash> {
    permits: Arc<Permits<U>>,
    client: Option<Subnet>,
    user: Option<U>,
}

impl<U: Clone + Eq + Hash> Permits<U> {
    /// `limit` permits, all of them free.
    pub fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            taken: Mutex::new(Taken {
                total: 0,
                by_client: HashMap::new(),
                by_user: HashMap::new(),
            }),
        })
    }

    /// Whether more than a quarter of the permits are free, or the user has none yet.
    pub fn has_room_for(&self, user: &U) -> bool {
        let taken = self.taken.lock();
        let free = self.limit - taken.total;
        free * RESERVE > self.limit || count(&taken.by_user, user) == 0
    }

    /// How many permits are taken.
    pub fn taken(&self) -> usize {
        self.taken.lock().total
    }

    /// None: the client or the user has its share already, or no permit is left. `client`
    /// is None for a trusted proxy, which stands for many clients.
    pub fn take(self: &Arc<Self>, client: Option<Subnet>, user: Option<U>) -> Option<Permit<U>> {
        let mut taken = self.taken.lock();
        let has_share = |own, reserve| has_share(self.limit, taken.total, own, reserve);
        let of_client = match user {
            Some(_) => RESERVE_OF_USERS,
            None => RESERVE,
        };
        let is_admitted = taken.total < self.limit
            && client.is_none_or(|it| has_share(count(&taken.by_client, &it), of_client))
            && (user.as_ref()).is_none_or(|it| has_share(count(&taken.by_user, it), RESERVE));
        if !is_admitted {
            return None;
        }
        taken.total += 1;
        if let Some(client) = client {
            *taken.by_client.entry(client).or_default() += 1;
        }
        if let Some(user) = &user {
            *taken.by_user.entry(user.clone()).or_default() += 1;
        }
        Some(Permit {
            permits: Arc::clone(self),
            client,
            user,
        })
    }
}

impl<U: Eq + Hash> Drop for Permit<U> {
    fn drop(&mut self) {
        let mut taken = self.permits.taken.lock();
        taken.total -= 1;
        if let Some(client) = &self.client {
            give_back(&mut taken.by_client, client);
        }
        if let Some(user) = &self.user {
            give_back(&mut taken.by_user, user);
        }
    }
}

fn count<H: Eq + Hash>(permits: &HashMap<H, usize>, holder: &H) -> usize {
    permits.get(holder).copied().unwrap_or_default()
}

fn give_back<H: Eq + Hash>(permits: &mut HashMap<H, usize>, holder: &H) {
    match permits.get_mut(holder) {
        Some(own @ 2..) => *own -= 1,
        Some(_) | None => drop(permits.remove(holder)),
    }
}

#[cfg(test)]
mod tests;

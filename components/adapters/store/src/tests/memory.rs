//! A platform in memory: each call lets others go first.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use concept_refinement_domain::timestamp::Timestamp;
use concept_refinement_guest::{Clock, Random};

use super::{COMMITS, IS_NEVER, NOW, RANDOM, SETTING, STORED, SWAPS, Swaps};
use crate::ports::{Documents, Fault, Records, Settings};

/// Compares by value, as platforms do.
#[derive(Default)]
pub(super) struct Memory;

pub(super) fn stored<T>(look: impl FnOnce(&mut BTreeMap<String, Vec<u8>>) -> T) -> T {
    STORED.with(|stored| look(&mut stored.borrow_mut()))
}

fn commit() {
    COMMITS.set(COMMITS.get() + 1);
}

impl Records for Memory {
    type Held = (String, Option<Vec<u8>>);

    async fn read(&self, key: &str) -> Result<(Option<Vec<u8>>, Self::Held), Fault> {
        others_first().await;
        let value = stored(|stored| stored.get(key).cloned());
        Ok((value.clone(), (key.to_owned(), value)))
    }

    async fn swap(&self, (key, before): Self::Held, value: Vec<u8>) -> Result<bool, Fault> {
        commit();
        others_first().await;
        let swaps = SWAPS.get();
        Ok(stored(|stored| {
            let is_unchanged = stored.get(&key) == before.as_ref() && swaps != Swaps::AreLost;
            if is_unchanged {
                assert_ne!(stored.insert(key, value.clone()), Some(value));
            }
            is_unchanged && swaps == Swaps::Work
        }))
    }
}

impl Documents for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        others_first().await;
        Ok(stored(|stored| stored.get(key).cloned()))
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let mut found = Vec::new();
        for key in keys {
            found.push(self.get(key).await?);
        }
        Ok(found)
    }

    async fn set_many(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        commit();
        for (key, value) in documents {
            others_first().await;
            stored(|stored| stored.insert(key, value));
        }
        Ok(())
    }

    async fn delete_many(&self, keys: &[String]) -> Result<(), Fault> {
        commit();
        for key in keys {
            others_first().await;
            stored(|stored| stored.remove(key));
        }
        Ok(())
    }
}

impl Settings for Memory {
    async fn setting(&self, name: &str) -> Option<String> {
        let (set, value) = SETTING.get();
        match name {
            "model-repeat" if IS_NEVER.get() => Some("never".to_owned()),
            name => (name == set).then(|| value.to_owned()),
        }
    }
}

#[derive(Default)]
pub(super) struct Dice;

impl Clock for Dice {
    fn now(&self) -> Timestamp {
        Timestamp(NOW.get())
    }

    async fn sleep(&self, _: Duration) {
        others_first().await;
    }
}

impl Random for Dice {
    /// Xorshift (Marsaglia 2003).
    fn random(&self) -> u64 {
        let mut state = RANDOM.get();
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        RANDOM.set(state);
        state
    }
}

pub(super) fn others_first() -> impl Future<Output = ()> {
    let mut is_first = true;
    poll_fn(move |_| {
        if std::mem::take(&mut is_first) {
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
}

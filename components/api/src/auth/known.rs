//! Tokens that were verified lately: a client that polls shows the same one each
//! time.
//!
//! A token is known by its SHA-256. How long it takes to look one up says
//! nothing of use: nobody can choose a token by its hash.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::Caller;
use super::claims::Span;

/// A half of what is remembered. Where all of these are taken, the older half is
/// forgotten.
const HALF: usize = 512;

/// The longest name of a user that is remembered, in bytes: with it all of this
/// takes less than half a megabyte.
const MAX_USER: usize = 256;

#[derive(Default)]
pub struct Known {
    /// Those of another set of keys are forgotten.
    generation: u64,
    younger: HashMap<Name, Holder>,
    older: HashMap<Name, Holder>,
}

/// What a token is known by.
pub type Name = [u8; 32];

pub type Holder = (Caller, Span);

pub fn name(token: &str) -> Name {
    Sha256::digest(token).into()
}

impl Known {
    /// Who showed this token before, under the same keys. Whether it is still
    /// good is for the caller to see.
    pub fn find(&mut self, name: &Name, generation: u64) -> Option<Holder> {
        self.forget_others(generation);
        if let Some(holder) = self.younger.get(name) {
            return Some(holder.clone());
        }
        let holder = self.older.remove(name)?;
        self.insert(*name, holder.clone());
        Some(holder)
    }

    pub fn remember(&mut self, name: Name, generation: u64, holder: &Holder) {
        self.forget_others(generation);
        if holder.0.user.len() <= MAX_USER {
            self.insert(name, holder.clone());
        }
    }

    fn insert(&mut self, name: Name, holder: Holder) {
        if self.younger.len() >= HALF {
            self.older = std::mem::take(&mut self.younger);
        }
        self.younger.insert(name, holder);
    }

    fn forget_others(&mut self, generation: u64) {
        if self.generation != generation {
            *self = Self {
                generation,
                ..Self::default()
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::timestamp::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::auth::claims::{Claims, Rules};

    fn holder(user: &str) -> Holder {
        let claims: Claims = serde_json::from_value(json!({"sub": user, "exp": 1e10})).unwrap();
        claims.judge(&Rules::default()).unwrap()
    }

    fn count(known: &Known) -> usize {
        known.younger.len() + known.older.len()
    }

    #[test]
    fn a_bounded_number_is_remembered_and_those_in_use_longest() {
        let mut known = Known::default();
        let polled = name("polled");
        known.remember(polled, 1, &holder("ann"));
        for number in 0..10 * HALF {
            let token = number.to_string();
            known.remember(name(&token), 1, &holder(&token));
            assert!(known.find(&polled, 1).is_some(), "after {number}");
            assert!(count(&known) <= 2 * HALF);
        }
        let (caller, span) = known.find(&name("5119"), 1).unwrap();
        assert_eq!(caller.user, "5119");
        assert!(span.check(Timestamp::from_secs(1)).is_ok());
        assert!(known.find(&name("0"), 1).is_none());
    }

    #[test]
    fn other_keys_make_all_unknown() {
        let mut known = Known::default();
        let token = name("token");
        known.remember(token, 1, &holder("ann"));
        assert!(known.find(&token, 2).is_none());
        assert!(known.find(&token, 1).is_none(), "also if they come back");
    }

    #[test]
    fn a_long_name_is_not_remembered() {
        let mut known = Known::default();
        for (length, is_remembered) in [(MAX_USER, true), (MAX_USER + 1, false)] {
            let user = "a".repeat(length);
            known.remember(name(&user), 0, &holder(&user));
            assert_eq!(known.find(&name(&user), 0).is_some(), is_remembered);
        }
    }
}

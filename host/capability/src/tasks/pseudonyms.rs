//! Pseudonyms of the users of a task store.

use std::sync::OnceLock;

use concept_refinement_domain::pseudonym::pseudonym;
use concept_refinement_domain::secret::LENGTH;

/// Derives the pseudonyms under which tasks of users are counted.
///
/// The key comes from the service's secret, which is known only after the store was
/// opened: hosts of a shared store keep the secret there. Until it is set, the key is all
/// zeros, which does for tests and for stores that are lost with their process.
#[derive(Debug, Default)]
pub struct Pseudonyms(OnceLock<[u8; LENGTH]>);

impl Pseudonyms {
    /// Sets the key. It never changes after the first call.
    pub fn set_key(&self, key: [u8; LENGTH]) {
        let _ = self.0.set(key);
    }

    /// The pseudonym of a user.
    pub fn of(&self, user_id: &str) -> String {
        pseudonym(self.0.get().unwrap_or(&[0; LENGTH]), user_id)
    }
}

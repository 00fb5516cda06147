//! Pseudonyms of users: the counts of a user are stored under a keyed hash in place of
//! the id, so that they can outlive all other data of the user without revealing whose
//! they are.

use hmac::Mac;

use crate::hex::hex;
use crate::secret::{LENGTH, mac};

/// The pseudonym of a user: the same for the same key, and meaningless without it.
pub fn pseudonym(key: &[u8; LENGTH], user_id: &str) -> String {
    let mac = mac(key).chain_update(user_id);
    hex(&mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_of_one_user_and_one_key() {
        let of = |key: u8, user_id| pseudonym(&[key; LENGTH], user_id);
        assert_eq!(of(1, "ada"), of(1, "ada"));
        assert_ne!(of(1, "ada"), of(1, "bob"));
        assert_ne!(of(1, "ada"), of(1, "ada "));
        assert_ne!(of(1, "ada"), of(2, "ada"));
        assert_eq!(of(1, "").len(), 64);
    }

    /// RFC 4231, test case 2, whose key is padded with zeros as HMAC does.
    #[test]
    fn it_is_an_hmac() {
        let mut key = [0; LENGTH];
        key[..4].copy_from_slice(b"Jefe");
        assert_eq!(
            pseudonym(&key, "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}

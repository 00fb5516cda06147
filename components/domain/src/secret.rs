//! Derives independent keys for different purposes from one secret.

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// In bytes.
pub const LENGTH: usize = 32;

/// Minimum length of a secret that an operator sets, in bytes: the output length of HS256
/// (RFC 7518, 3.2).
pub const SHORTEST: usize = 32;

/// For signing image URLs.
pub const IMAGE_URLS: &str = "image-urls";
/// For signing tokens of anonymous sessions.
pub const SESSION_TOKENS: &str = "sessions";
/// For the keys by which models identify receipts.
pub const RECEIPT_KEYS: &str = "receipt-keys";
/// For the pseudonyms under which tasks of users are counted.
pub const PSEUDONYMS: &str = "pseudonyms";
/// For the keys of webhooks, if no secret is configured for them.
pub const WEBHOOKS: &str = "webhooks";

/// Derives the key for one purpose.
pub fn derive(secret: &[u8; LENGTH], purpose: &str) -> [u8; LENGTH] {
    let mac = mac(secret).chain_update(purpose);
    mac.finalize().into_bytes().into()
}

/// A code over whatever is added to it.
pub(crate) fn mac(key: &[u8; LENGTH]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    Mac::new(&block.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn purposes_and_secrets_are_apart() {
        let key = |secret: u8, purpose| derive(&[secret; LENGTH], purpose);
        assert_eq!(key(1, SESSION_TOKENS), key(1, SESSION_TOKENS));
        assert_ne!(key(1, SESSION_TOKENS), key(1, IMAGE_URLS));
        assert_ne!(key(1, SESSION_TOKENS), key(2, SESSION_TOKENS));
    }
}

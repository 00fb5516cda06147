//! The keys that sign deliveries: one per user, derived from the service's secret, so
//! that none is stored and no user can learn another user's key.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Separates these keys from other uses of the secret.
const PURPOSE: &str = "concept-refinement webhook key\n";

/// Prefix of the base64 of a key, as receivers' libraries expect it (Standard Webhooks,
/// "Symmetric signatures").
const PREFIX: &str = "whsec_";

/// The HMAC-SHA256 key of one user.
#[derive(Clone, PartialEq, Eq)]
pub struct UserKey(pub [u8; 32]);

/// The secret that the keys are derived from; two secrets during a rotation.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceSecrets {
    first: String,
    second: Option<String>,
}

impl ServiceSecrets {
    /// Parses one or two secrets, separated by a comma. The error ends a sentence that
    /// begins with the setting's name, and reveals nothing about the secrets.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut secrets = text.split(',').map(|secret| secret.trim().to_owned());
        let (first, second) = (secrets.next().unwrap_or_default(), secrets.next());
        if secrets.next().is_some() {
            return Err("must be one secret, or two separated by a comma".into());
        }
        if first.is_empty() || second.as_deref() == Some("") {
            return Err("must not be empty, nor a part of it".into());
        }
        Ok(Self { first, second })
    }

    /// The key that is shown to users, and the first one to sign with.
    pub fn key_of(&self, user_id: &str) -> UserKey {
        derive(&self.first, user_id)
    }

    /// All keys to sign a delivery with, the newest first.
    pub fn keys_of(&self, user_id: &str) -> Vec<UserKey> {
        let secrets = [&self.first].into_iter().chain(&self.second);
        secrets.map(|secret| derive(secret, user_id)).collect()
    }
}

impl UserKey {
    /// The form for users: `whsec_` and the base64 of the key.
    pub fn secret(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }
}

fn derive(secret: &str, user_id: &str) -> UserKey {
    // Cannot fail: HMAC accepts keys of any length.
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes());
    let mac = mac.map(|mac| mac.chain_update(PURPOSE).chain_update(user_id));
    UserKey(mac.map_or([0; 32], |mac| mac.finalize().into_bytes().into()))
}

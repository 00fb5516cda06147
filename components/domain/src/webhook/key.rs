//! The keys that deliveries are signed with: one a user, derived from the
//! service's secret, so that none is stored and no user learns another's.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Separates these keys from other uses of the secret.
const PURPOSE: &str = "concept-refinement webhook key\n";

/// Before the base64 of a key, as receivers' libraries expect it (Standard
/// Webhooks, "Symmetric signatures").
const PREFIX: &str = "whsec_";

/// The key of one user, in bytes: that of HMAC-SHA256.
#[derive(Clone, PartialEq, Eq)]
pub struct UserKey(pub [u8; 32]);

/// What the keys are derived from: one secret, or while it is being replaced, two.
#[derive(Clone, PartialEq, Eq)]
pub struct ServiceSecrets {
    first: String,
    second: Option<String>,
}

impl ServiceSecrets {
    /// Reads one or two secrets, separated by a comma. The error ends a sentence
    /// that names the setting, and tells nothing of the secrets.
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

    /// The key that users get, and the first one to sign with.
    pub fn key_of(&self, user_id: &str) -> UserKey {
        derive(&self.first, user_id)
    }

    /// All that a delivery is signed with, the newest first.
    pub fn keys_of(&self, user_id: &str) -> Vec<UserKey> {
        let secrets = [&self.first].into_iter().chain(&self.second);
        secrets.map(|secret| derive(secret, user_id)).collect()
    }
}

impl UserKey {
    /// The form that users get: `whsec_` and the base64 of the key.
    pub fn secret(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.0))
    }
}

fn derive(secret: &str, user_id: &str) -> UserKey {
    // A key of any length will do for HMAC.
    let mac = <Hmac<Sha256> as Mac>::new_from_slice(secret.as_bytes());
    let mac = mac.map(|mac| mac.chain_update(PURPOSE).chain_update(user_id));
    UserKey(mac.map_or([0; 32], |mac| mac.finalize().into_bytes().into()))
}

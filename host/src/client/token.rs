//! Access tokens that only this process can make, and only its own API accepts.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use concept_refinement_domain::hex::hex;
use concept_refinement_domain::timestamp::Timestamp;
use hmac::{Hmac, Mac as _};
use serde_json::json;
use sha2::Sha256;

/// How long a token is valid, in seconds. Each request has a new one.
const VALID: u64 = 60;

/// A key for HS256.
pub struct Key(String);

impl Key {
    /// From random bytes.
    pub fn new(random: &[u8; 32]) -> Self {
        Self(hex(random))
    }

    /// As the setting `jwt-secret`.
    pub fn setting(&self) -> &str {
        &self.0
    }

    /// A token for this user.
    pub fn token(&self, user: &str, now: Timestamp) -> Option<String> {
        let encoded = |part: serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let head = encoded(json!({"alg": "HS256", "typ": "JWT"}));
        let claims = encoded(json!({"sub": user, "exp": now.as_secs().saturating_add(VALID)}));
        let message = format!("{head}.{claims}");
        let mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(self.0.as_bytes()).ok()?;
        let signature = mac.chain_update(&message).finalize().into_bytes();
        Some(format!(
            "{message}.{}",
            BASE64_URL_SAFE_NO_PAD.encode(signature)
        ))
    }
}

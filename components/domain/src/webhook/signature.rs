//! The signature of a delivery according to the Standard Webhooks specification:
//! HMAC-SHA256 over `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// Version of the scheme, the prefix of a signature's base64.
const VERSION: &str = "v1";

/// The id of all attempts to report a task's end, by which a receiver recognises repeats.
pub fn message_id(task_id: &str) -> String {
    format!("msg_{task_id}")
}

/// The value of the header `webhook-signature`: one signature per key, separated by
/// spaces. `timestamp` is in seconds since 1970.
pub fn signatures(
    keys: &[impl AsRef<[u8]>],
    message_id: &str,
    timestamp: u64,
    body: &str,
) -> String {
    let signed = format!("{message_id}.{timestamp}.{body}");
    let signature = |key: &[u8]| {
        // Cannot fail: HMAC accepts keys of any length.
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(key).ok()?;
        let code = mac.chain_update(&signed).finalize().into_bytes();
        Some(format!("{VERSION},{}", STANDARD.encode(code)))
    };
    let signatures: Vec<_> = keys
        .iter()
        .filter_map(|key| signature(key.as_ref()))
        .collect();
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example from the specification's libraries (`standardwebhooks` 1.0).
    #[test]
    fn a_delivery_is_signed_as_the_libraries_verify_it() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = |keys: &[Vec<u8>]| {
            signatures(
                keys,
                "msg_p5jXN8AQM9LWM0D4loKWxJek",
                1_614_265_330,
                r#"{"test": 2432232314}"#,
            )
        };
        let first = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
        assert_eq!(signed(std::slice::from_ref(&key)), first);
        let both = signed(&[key, vec![7; 32]]);
        assert!(both.starts_with(&format!("{first} v1,")), "{both}");
        assert_eq!(both.len(), 2 * first.len() + 1);
        assert_eq!(signed(&[]), "");
    }

    #[test]
    fn the_id_is_the_tasks() {
        assert_eq!(message_id("0a"), "msg_0a");
    }
}

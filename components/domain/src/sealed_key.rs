//! Keys of calls that cannot be forged: each ends with a MAC over the rest.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;

use crate::secret::{LENGTH, mac};

/// The key with its MAC.
pub fn seal(secret: &[u8; LENGTH], key: &str) -> String {
    let code = mac(secret).chain_update(key).finalize().into_bytes();
    format!("{key}/{}", URL_SAFE_NO_PAD.encode(code))
}

/// The key without its MAC. None: [`seal`] did not make this.
pub fn open<'a>(secret: &[u8; LENGTH], sealed: &'a str) -> Option<&'a str> {
    let (key, code) = sealed.rsplit_once('/')?;
    let code = URL_SAFE_NO_PAD.decode(code).ok()?;
    // In constant time.
    let is_ours = mac(secret).chain_update(key).verify_slice(&code).is_ok();
    is_ours.then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_cannot_be_made_up() {
        let secret = [1; LENGTH];
        let sealed = seal(&secret, "6f1c/1/fast");
        assert_eq!(open(&secret, &sealed), Some("6f1c/1/fast"));
        let (_, code) = sealed.rsplit_once('/').unwrap();
        for (name, other) in [
            ("no code", "6f1c/1/fast".to_owned()),
            ("an empty one", "6f1c/1/fast/".to_owned()),
            ("another attempt's", format!("6f1c/2/fast/{code}")),
            ("another link's", format!("6f1c/1/good/{code}")),
            ("another secret's", seal(&[2; LENGTH], "6f1c/1/fast")),
            ("two codes", format!("{sealed}/{code}")),
            ("nothing", String::new()),
        ] {
            assert_eq!(open(&secret, &other), None, "{name}");
        }
    }
}

//! Numbers in text that others wrote.

use std::str::FromStr;

/// A number of digits alone: without a sign, which parsing would accept. None: it is none, or
/// too large.
pub fn number<T: FromStr>(text: &str) -> Option<T> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_plain)
}

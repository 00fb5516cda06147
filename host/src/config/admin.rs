//! Where operators are listened to, besides the socket in the data directory.

use std::net::SocketAddr;

use sha2::{Digest as _, Sha256};

use super::error::ConfigError;
use super::forms::or_off;
use super::reader::{Reader, unusable};

/// Shortest token, in bytes: 128 random bits in base64 or hexadecimal have more.
const SHORTEST_TOKEN: usize = 22;

/// A listener for operators.
#[derive(Clone, Debug)]
pub(crate) struct AdminListener {
    pub address: SocketAddr,
    /// May read and act.
    pub token: TokenHash,
    /// May read. None: there is no such token.
    pub read_token: Option<TokenHash>,
}

/// A token, of which only the hash is held: comparing hashes tells nothing by the time
/// that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

pub(super) fn admin_listener(values: &Reader<'_>) -> Result<Option<AdminListener>, ConfigError> {
    let address = values.parse("admin-listen", |text| or_off(text, "127.0.0.1:9465"))?;
    let act_token = values.optional("admin-token", token)?;
    let read_token = values.optional("admin-read-token", token)?;
    if read_token.is_some() && read_token == act_token {
        let problem = "must not be the token with which an operator may act";
        return Err(unusable("admin-read-token", problem.to_owned()));
    }
    match (address, act_token) {
        (None, _) => Ok(None),
        (Some(_), None) => {
            let sentence = "admin-token is required with admin-listen";
            Err(ConfigError::Missing(sentence.to_owned()))
        }
        (Some(address), Some(token)) => Ok(Some(AdminListener {
            address,
            token,
            read_token,
        })),
    }
}

fn token(text: &str) -> Result<TokenHash, String> {
    let is_usable =
        text.len() >= SHORTEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_usable
        .then(|| TokenHash::of(text))
        .ok_or_else(|| format!("must have at least {SHORTEST_TOKEN} visible ASCII characters"))
}

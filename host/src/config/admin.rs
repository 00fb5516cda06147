//! The listener for operators, besides the socket in the data directory.

use std::net::SocketAddr;

use sha2::{Digest as _, Sha256};

use super::error::ConfigError;
use super::forms::or_off;
use super::reader::Reader;

/// Shortest token, in bytes: 128 random bits in base64 or hexadecimal have more.
const SHORTEST_TOKEN: usize = 22;

/// Longest name of an operator, in bytes.
const LONGEST_NAME: usize = 64;

/// A listener for operators.
#[derive(Clone, Debug)]
pub(crate) struct AdminListener {
    pub address: SocketAddr,
    pub tokens: Vec<AdminToken>,
}

/// A token, and what it allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminToken {
    /// The name of its operator in the audit.
    pub actor: String,
    pub hash: TokenHash,
    /// Whether it allows more than reading.
    pub may_act: bool,
}

/// The hash of a token; the token itself is not kept. The time that a comparison of
/// hashes takes reveals nothing about the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

pub(super) fn admin_listener(values: &Reader<'_>) -> Result<Option<AdminListener>, ConfigError> {
    let address = values.parse("admin-listen", |text| or_off(text, "127.0.0.1:9465"))?;
    let mut tokens = Vec::new();
    if let Some(hash) = values.optional("admin-token", token)? {
        tokens.push(AdminToken {
            actor: "admin token".to_owned(),
            hash,
            may_act: true,
        });
    }
    let named = values.optional("admin-tokens", named_tokens)?;
    for named in named.unwrap_or_default() {
        if has(&tokens, &named.hash) {
            let problem = "must not have a token twice, nor that of admin-token";
            return Err(values.unusable("admin-tokens", problem));
        }
        tokens.push(named);
    }
    let may_any_act = !tokens.is_empty();
    if let Some(hash) = values.optional("admin-read-token", token)? {
        if has(&tokens, &hash) {
            let problem = "must not be a token with which an operator may act";
            return Err(values.unusable("admin-read-token", problem));
        }
        tokens.push(AdminToken {
            actor: "read token".to_owned(),
            hash,
            may_act: false,
        });
    }
    let Some(address) = address else {
        return Ok(None);
    };
    if !may_any_act {
        let sentence = "admin-token is required with admin-listen, unless there are admin-tokens";
        return Err(ConfigError(sentence.to_owned()));
    }
    Ok(Some(AdminListener { address, tokens }))
}

fn has(tokens: &[AdminToken], hash: &TokenHash) -> bool {
    tokens.iter().any(|token| token.hash == *hash)
}

/// `NAME:TOKEN`, separated by commas. Errors quote none of it.
fn named_tokens(text: &str) -> Result<Vec<AdminToken>, String> {
    let mut tokens: Vec<AdminToken> = Vec::new();
    for entry in text.split(',') {
        let named = entry.trim().split_once(':');
        let (name, secret) = named.ok_or("must be NAME:TOKEN, separated by commas")?;
        let is_usable = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(is_usable) {
            return Err(format!(
                "must have names of 1 to {LONGEST_NAME} letters, digits, \".\", \"_\", \"@\" or \
                 \"-\" before the \":\""
            ));
        }
        if tokens.iter().any(|token| token.actor == name) {
            return Err(format!("must not have two tokens of {name}"));
        }
        tokens.push(AdminToken {
            actor: name.to_owned(),
            hash: token(secret)?,
            may_act: true,
        });
    }
    Ok(tokens)
}

fn token(text: &str) -> Result<TokenHash, String> {
    let is_usable =
        text.len() >= SHORTEST_TOKEN && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_usable.then(|| TokenHash::of(text)).ok_or_else(|| {
        format!("must have at least {SHORTEST_TOKEN} visible ASCII characters in a token")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_named_token_is_an_operator_s() {
        const ADA: &str = "a-token-of-ada-for-tests";
        const BOB: &str = "a:token:of:bob:for:tests";
        let read = |text: &str| {
            let tokens = named_tokens(text).ok()?;
            let names = tokens.into_iter().map(|token| token.actor);
            Some(names.collect::<Vec<_>>().join(" "))
        };
        for (text, expected) in [
            (format!("ada:{ADA}"), Some("ada")),
            (format!("ada:{ADA}, b.o-b@x_y:{BOB}"), Some("ada b.o-b@x_y")),
            (format!("ada:{ADA},"), None),
            (format!("ada:{ADA},ada:{BOB}"), None),
            (format!(":{ADA}"), None),
            (format!("admin token:{ADA}"), None),
            ("ada:short".to_owned(), None),
            (ADA.to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(read(&text).as_deref(), expected, "{text}");
        }
        assert_eq!(
            named_tokens(&format!("b:{BOB}")).unwrap()[0].hash,
            TokenHash::of(BOB)
        );
    }
}

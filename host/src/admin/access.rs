//! Who asks, and what they may do.

use http::{HeaderMap, header};

use super::Door;
use super::answer::Problem;
use crate::config::TokenHash;

/// Someone who may read, and perhaps act.
#[derive(Clone, Debug)]
pub struct Caller {
    /// As audit entries name them.
    pub actor: String,
    /// Whether they may change anything, and see what users wrote.
    pub may_act: bool,
}

impl Caller {
    /// Who connects to the socket, which only the service's own user and root can.
    pub fn of_uid(uid: u32) -> Self {
        Self {
            actor: format!("uid {uid}"),
            may_act: true,
        }
    }

    /// Who sends a token.
    pub(super) fn of_token(door: &Door, headers: &HeaderMap) -> Result<Self, Problem> {
        let listener = door.listener.as_ref().ok_or(Problem::Unauthorized)?;
        let token = headers.get(header::AUTHORIZATION);
        let token = token.and_then(|value| value.to_str().ok());
        let token = token.and_then(bearer).ok_or(Problem::Unauthorized)?;
        let token = TokenHash::of(token);
        let of = |actor: &str, may_act| Self {
            actor: actor.to_owned(),
            may_act,
        };
        if token == listener.token {
            Ok(of("admin token", true))
        } else if Some(token) == listener.read_token {
            Ok(of("read token", false))
        } else {
            Err(Problem::Unauthorized)
        }
    }

    /// # Errors
    ///
    /// They may only read.
    pub(super) fn acts(&self) -> Result<(), Problem> {
        match self.may_act {
            true => Ok(()),
            false => Err(Problem::Forbidden),
        }
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_follows_its_scheme() {
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Basic abc", None),
            ("Bearer", None),
            ("abc", None),
            ("", None),
        ] {
            assert_eq!(bearer(value), expected, "{value}");
        }
    }
}

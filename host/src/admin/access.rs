//! The requester of an admin request, and what the requester may do.

use http::{HeaderMap, header};

use super::AdminServer;
use super::answer::Problem;
use crate::config::{AdminToken, TokenHash};

/// The header of a request over the socket that has the user who called `sudo`.
pub const SUDO_USER: &str = "concept-refinement-sudo-user";

/// Longest name of a user on Linux, in bytes.
const LONGEST_NAME: usize = 32;

/// A requester who may read, and perhaps act.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name in audit entries.
    pub actor: String,
    /// Whether the requester may make changes, and see user input.
    pub may_act: bool,
}

/// A request that was admitted: whose it is, and what answers it.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub server: &'a AdminServer,
    pub caller: &'a Caller,
}

impl Caller {
    /// The requester on the socket, to which only the service's own user and root can
    /// connect.
    pub fn of_uid(uid: u32) -> Self {
        Self {
            actor: format!("uid {uid}"),
            may_act: true,
        }
    }

    /// Adds the user who called `sudo`, as the command says. Nothing proves this: anyone
    /// who may use the socket may say anything.
    pub(super) fn named_by(&self, headers: &HeaderMap) -> Self {
        let name = headers.get(SUDO_USER).and_then(|name| name.to_str().ok());
        match name.filter(|name| is_user_name(name)) {
            Some(name) => Self {
                actor: format!("{} ({name})", self.actor),
                ..self.clone()
            },
            None => self.clone(),
        }
    }

    /// The requester with this token.
    pub(super) fn of_token(server: &AdminServer, headers: &HeaderMap) -> Result<Self, Problem> {
        let listener = server.listener.as_ref().ok_or(Problem::Unauthorized)?;
        let token = headers.get(header::AUTHORIZATION);
        let token = token.and_then(|value| value.to_str().ok());
        let token = token.and_then(bearer).ok_or(Problem::Unauthorized)?;
        let hash = TokenHash::of(token);
        let known = listener.tokens.iter().find(|token| token.hash == hash);
        let AdminToken { actor, may_act, .. } = known.ok_or(Problem::Unauthorized)?;
        Ok(Self {
            actor: actor.clone(),
            may_act: *may_act,
        })
    }

    /// # Errors
    ///
    /// The requester may only read.
    pub(super) fn acts(&self) -> Result<(), Problem> {
        match self.may_act {
            true => Ok(()),
            false => Err(Problem::Forbidden),
        }
    }
}

fn is_user_name(name: &str) -> bool {
    let is_usable = |byte: u8| byte.is_ascii_alphanumeric() || b"._@$-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_usable)
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_of_sudo_is_named_beside_the_uid() {
        for (name, expected) in [
            ("ada", "uid 0 (ada)"),
            ("ada.l@example", "uid 0 (ada.l@example)"),
            ("a b", "uid 0"),
            ("a) (b", "uid 0"),
            ("", "uid 0"),
            (&"a".repeat(33), "uid 0"),
        ] {
            let headers = [(SUDO_USER.parse().unwrap(), name.parse().unwrap())];
            let caller = Caller::of_uid(0).named_by(&HeaderMap::from_iter(headers));
            assert_eq!(caller.actor, expected, "{name}");
        }
    }

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

//! Cursors: opaque strings that say where the next page begins.
//!
//! A cursor belongs to one list of one user. This is not for protection (a list contains only
//! its owner's items anyway), but lets the API reject foreign cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::capability::Position;
use crate::timestamp::Timestamp;

const MAX_ID_BYTES: usize = 100;
const MAX_CURSOR_BYTES: usize = 200;

type Tag = [u8; 8];

/// What a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Tasks.
    Tasks,
    /// Concepts.
    Concepts,
}

impl List {
    /// What tells its cursors from others'. Those of tasks have nothing, as in earlier versions,
    /// so that they stay valid.
    fn mark(self) -> &'static [u8] {
        match self {
            Self::Tasks => b"",
            Self::Concepts => b"concepts",
        }
    }
}

/// The cursor of this user's list for this position.
pub fn encode(list: List, user: &str, position: &Position) -> String {
    let time = position.created_at.0.to_be_bytes();
    let tag = tag(list, user, &time, position.id.as_bytes());
    URL_SAFE_NO_PAD.encode([&tag, &time, position.id.as_bytes()].concat())
}

/// Decodes a cursor of this user's list. The position is safe for a store: its time is
/// in range, and its id is visible ASCII.
pub fn decode(list: List, user: &str, cursor: &str) -> Option<Position> {
    if cursor.len() > MAX_CURSOR_BYTES {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (claimed, rest) = bytes.split_first_chunk::<8>()?;
    let (time, id) = rest.split_first_chunk::<8>()?;
    let created_at = u64::from_be_bytes(*time);
    let usable = *claimed == tag(list, user, time, id)
        && i64::try_from(created_at).is_ok()
        && (1..=MAX_ID_BYTES).contains(&id.len())
        && id.iter().all(u8::is_ascii_graphic);
    usable.then_some(Position {
        created_at: Timestamp(created_at),
        id: String::from_utf8(id.to_vec()).ok()?,
    })
}

fn tag(list: List, user: &str, time: &[u8; 8], id: &[u8]) -> Tag {
    let digest = Sha256::new()
        .chain_update(Sha256::digest(user))
        .chain_update(list.mark())
        .chain_update(time)
        .chain_update(id)
        .finalize();
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position() -> Position {
        Position {
            created_at: Timestamp(1_795_176_000_123_456),
            id: "0190c0de-0000-7000-8000-000000000001".into(),
        }
    }

    #[test]
    fn belongs_to_one_list_of_one_user() {
        for (list, other) in [(List::Tasks, List::Concepts), (List::Concepts, List::Tasks)] {
            let cursor = encode(list, "ada", &position());
            assert_eq!(decode(list, "ada", &cursor), Some(position()));
            assert_eq!(decode(other, "ada", &cursor), None, "{other:?}");
            for user in ["grace", "", "Ada", "ada "] {
                assert_eq!(decode(list, user, &cursor), None, "{user}");
            }
        }
    }

    #[test]
    fn one_of_an_earlier_version_goes_on_in_the_tasks() {
        let earlier = "ivI_gmnPI0AABmCz-8vyQDAxOTBjMGRlLTAwMDAtNzAwMC04MDAwLTAwMDAwMDAwMDAwMQ";
        assert_eq!(decode(List::Tasks, "ada", earlier), Some(position()));
    }

    #[test]
    fn refuses_what_it_did_not_write() {
        let of = |position: &Position| encode(List::Tasks, "ada", position);
        let cursor = of(&position());
        let late = Position {
            created_at: Timestamp(u64::MAX),
            ..position()
        };
        let strange = Position {
            id: "a\0b".into(),
            ..position()
        };
        let long = Position {
            id: "a".repeat(101),
            ..position()
        };
        let none = Position {
            id: String::new(),
            ..position()
        };
        for (name, cursor) in [
            ("empty", String::new()),
            ("no base64", "!!!".into()),
            ("padded", format!("{cursor}=")),
            ("cut short", cursor[..cursor.len() - 4].into()),
            ("longer", format!("{cursor}AAAA")),
            ("endless", "A".repeat(1_000_000)),
            ("a time that no store holds", of(&late)),
            ("an id with a zero byte", of(&strange)),
            ("an id without end", of(&long)),
            ("no id", of(&none)),
        ] {
            assert_eq!(decode(List::Tasks, "ada", &cursor), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn reads_back(user in any::<String>(), micros in 0..=u64::MAX / 2, id in "[!-~]{1,100}") {
            let position = Position { created_at: Timestamp(micros), id };
            for list in [List::Tasks, List::Concepts] {
                let cursor = encode(list, &user, &position);
                prop_assert_eq!(decode(list, &user, &cursor), Some(position.clone()));
            }
        }

        #[test]
        fn never_panics(cursor in any::<String>(), word in "[-_A-Za-z0-9]{0,100}") {
            prop_assert_eq!(decode(List::Tasks, "ada", &cursor), None);
            prop_assert_eq!(decode(List::Tasks, "ada", &word), None);
        }
    }
}

//! Sessions of anonymous users, and how long their data is kept.

use std::time::Duration;

use crate::timestamp::Timestamp;

/// How long a session lasts unless it is renewed.
pub const LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The key of an image's metadata which is `true` if its owner is anonymous.
pub const IS_ANONYMOUS: &str = "is_anonymous";

/// Whether a session is renewed when it is used: in its second half.
pub fn is_renewable(expires: Timestamp, now: Timestamp) -> bool {
    expires.since(now) <= LIFE / 2
}

/// Whether the last session that gave an anonymous user access to something ended before
/// this time.
///
/// When the thing was created, the user's session had at most its whole lifetime left.
/// Each later session came from a renewal, which was stored first, since the user already
/// owned something.
pub fn is_abandoned(
    created_at: Timestamp,
    renewed_until: Option<Timestamp>,
    before: Timestamp,
) -> bool {
    let ended = created_at.plus(LIFE);
    renewed_until.map_or(ended, |until| until.max(ended)) < before
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_795_176_000_000_000);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn day(number: u32) -> Timestamp {
        START.plus(DAY * number)
    }

    #[test]
    fn a_session_is_renewed_in_its_second_half() {
        for (now, expected) in [(0, false), (14, false), (15, true), (29, true), (31, true)] {
            assert_eq!(is_renewable(day(30), day(now)), expected, "{now}");
        }
    }

    #[test]
    fn what_an_anonymous_user_left_is_theirs_while_a_session_may_last() {
        for (renewed_until, before, expected) in [
            (None, 30, false),
            (None, 31, true),
            (Some(20), 30, false),
            (Some(20), 31, true),
            (Some(90), 90, false),
            (Some(90), 91, true),
        ] {
            let abandoned = is_abandoned(START, renewed_until.map(day), day(before));
            assert_eq!(abandoned, expected, "{renewed_until:?}, {before}");
        }
    }
}

//! The changes of an engine's tables, by numbered versions. A new database gets the tables of
//! the first version and then each change, as an earlier one does: so there is one way to the
//! latest tables.
//!
//! A change that was released never changes again, because there are databases that it has
//! changed; the next one gets the next number, at the end of the list.

use crate::upgrade::Rewrite;

/// How the tables of the version before become those of this one.
pub struct Migration {
    /// Greater than that of the one before, and than 0.
    pub version: i64,
    /// What is done, in this order.
    pub steps: &'static [Step],
}

/// A part of a migration.
pub enum Step {
    /// Statements of the engine.
    Sql(&'static str),
    /// Rows of tables that the statements before have made.
    Rewrite(&'static [Rewrite]),
}

/// Why a database has no usable tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// They are of a version after all that are known here.
    #[error("a later version of this program has changed its tables, and this one cannot use them")]
    Later,
    /// They are of a version that is not known here.
    #[error("another version of this program made its tables, and this one cannot use them")]
    Other,
}

/// Those of all migrations that are due in a database of this version. None: it has no
/// tables.
///
/// # Errors
///
/// This program does not know the version.
pub fn due(
    all: &'static [Migration],
    found: Option<i64>,
) -> Result<&'static [Migration], VersionError> {
    let Some(found) = found else {
        return Ok(all);
    };
    let is_made = |migration: &Migration| migration.version <= found;
    match all.split_at(all.partition_point(is_made)) {
        ([.., last], due) if last.version == found => Ok(due),
        (_, []) => Err(VersionError::Later),
        _ => Err(VersionError::Other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_follows_from_the_version() {
        const fn migration(version: i64) -> Migration {
            Migration {
                version,
                steps: &[],
            }
        }
        static ALL: [Migration; 3] = [migration(1), migration(2), migration(5)];
        for (name, found, expected) in [
            ("no tables", None, Ok(3)),
            ("the first", Some(1), Ok(2)),
            ("one between", Some(2), Ok(1)),
            ("the latest", Some(5), Ok(0)),
            ("a later one", Some(6), Err(VersionError::Later)),
            ("none of them", Some(3), Err(VersionError::Other)),
            ("before the first", Some(0), Err(VersionError::Other)),
        ] {
            assert_eq!(due(&ALL, found).map(<[_]>::len), expected, "{name}");
        }
    }
}

//! The result of authentication.

/// An authenticated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    pub is_anonymous: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Expired,
    TooLong,
    /// Anything else that is wrong. The caller does not learn what.
    Invalid,
    /// There are no keys, and they will not be fetched again for this many seconds.
    NoKeys(u32),
}

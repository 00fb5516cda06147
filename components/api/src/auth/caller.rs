//! Who was let in, or why not.

/// An authenticated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    pub is_anonymous: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    Expired,
    /// Whatever else is wrong with it. The sender does not learn what.
    Invalid,
    /// The keys cannot be had, and are not asked for again before so many seconds.
    NoKeys(u32),
}

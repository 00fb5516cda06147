//! The result of authentication.

/// An authenticated user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub user: String,
    pub is_anonymous: bool,
    /// Whether it may act for users of its own.
    pub for_users: bool,
    /// The plan that the token names, if it names one: short and printable, but perhaps not
    /// defined.
    pub plan: Option<String>,
}

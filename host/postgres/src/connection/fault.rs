//! Internal errors, and their messages for callers and operators.

use std::error::Error as _;
use std::fmt::Display;
use std::io;

use concept_refinement_capability::log_throttled;
use concept_refinement_capability::migration::VersionError;
use concept_refinement_capability::room::NoRoom;
use concept_refinement_capability::tls;
use concept_refinement_domain::capability::CapabilityError;
use concept_refinement_domain::document::Unreadable;
use concept_refinement_domain::rulebook::Refusal;
use concept_refinement_domain::sentence::TASK_STORE_FULL;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{}", explain(.0))]
    Engine(#[from] Error),
    /// A value is not one that this version writes.
    #[error("{0}")]
    Unreadable(String),
    #[error("it did not answer in time")]
    Timeout,
    #[error("all its connections are in use")]
    Busy,
    /// The database was not reached yet, has no tables, or its time is unknown.
    #[error("it is not ready: {0}")]
    NotReady(String),
    /// Found before the server refuses it.
    #[error(
        "its user may not create or use the tables of this schema, or does not own them, as an \
         upgrade needs"
    )]
    NotAllowed,
    /// No notifications arrive, for example behind a pooler that switches connections
    /// after each transaction.
    #[error("its notifications do not arrive")]
    Deaf,
    #[error(transparent)]
    Version(#[from] VersionError),
    /// A record changes each time before it can be written.
    #[error("others write the same record all the time")]
    Contended,
    /// There is no space for a task's refined image.
    #[error(transparent)]
    NoRoom(NoRoom),
    /// The request is invalid; the sentence is for the caller.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The same for an id that is not in the form of our ids.
    #[error("The id of a task has to be a UUID.")]
    NoId,
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Unreadable(error.to_string())
    }
}

impl Fault {
    /// Logs the details, and returns a sentence without them.
    pub(crate) fn report(self) -> CapabilityError {
        match self {
            Self::Refused(refusal) => CapabilityError::invalid(refusal.to_string()),
            Self::NoId => CapabilityError::invalid(self.to_string()),
            Self::NoRoom(error) => {
                log_throttled!(error, "new tasks are refused", %error);
                CapabilityError::full(error.refusal())
            }
            fault if fault.is(&SqlState::DISK_FULL) => {
                log_throttled!(error, "the task store has no room left", error = %fault);
                CapabilityError::full(TASK_STORE_FULL)
            }
            fault => {
                log_throttled!(error, "the task store failed", error = %fault);
                unavailable()
            }
        }
    }

    pub(crate) fn is(&self, state: &SqlState) -> bool {
        matches!(self, Self::Engine(error) if error.code() == Some(state))
    }

    /// Whether the server itself reported the error, so that the outcome is known.
    pub(crate) fn is_answer(&self) -> bool {
        matches!(self, Self::Engine(error) if error.code().is_some())
    }

    /// Whether another transaction was faster, so that the same should be tried again at
    /// once. Nothing was written.
    pub(crate) fn is_lost_race(&self) -> bool {
        [
            SqlState::UNIQUE_VIOLATION,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
        ]
        .iter()
        .any(|state| self.is(state))
    }

    /// Whether the server has become read-only, for example in a failover.
    pub(crate) fn is_read_only(&self) -> bool {
        self.is(&SqlState::READ_ONLY_SQL_TRANSACTION)
    }

    /// Why the store can never work with this configuration, as the end of a sentence.
    /// None: the error may be temporary.
    pub(crate) fn refusal(&self) -> Option<String> {
        let error = match self {
            Self::Version(error) => return Some(error.to_string()),
            Self::NotAllowed => return Some(self.to_string()),
            Self::Engine(error) => error,
            _ => return None,
        };
        if let Some(code) = error.code() {
            let reason = match *code {
                SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                    "it refuses this user or password"
                }
                SqlState::INVALID_CATALOG_NAME => "it has no database of this name",
                SqlState::INSUFFICIENT_PRIVILEGE => return Self::NotAllowed.refusal(),
                SqlState::READ_ONLY_SQL_TRANSACTION => READ_ONLY,
                _ => return None,
            };
            return Some(reason.to_owned());
        }
        let cause = error.source()?;
        if let Some(system) = cause.downcast_ref::<io::Error>() {
            if let Some(reason) = tls::refusal(system) {
                return Some(reason);
            }
            // The driver's message when it looked for a writable server and found none.
            let is_read_only = system.to_string() == "database does not allow writes";
            return is_read_only.then(|| READ_ONLY.to_owned());
        }
        let text = error.to_string();
        if text == "error performing TLS handshake" {
            return Some("it offers no TLS, which the sslmode asks for".to_owned());
        }
        // For example, a password is required and none was given.
        (text == "authentication error" || text == "invalid configuration")
            .then(|| format!("it refuses this user or password ({cause})"))
    }
}

/// For lists, which show the other rows. None: this row cannot be read, which is logged.
pub(crate) fn readable<T>(row: impl Display, read: Result<T, Fault>) -> Result<Option<T>, Fault> {
    match read {
        Err(error @ Fault::Unreadable(_)) => {
            log_throttled!(error, "a row of the task store cannot be read, and is left out", %row, %error);
            Ok(None)
        }
        read => read.map(Some),
    }
}

const READ_ONLY: &str = "it is read only, as a standby is";

/// The driver's message with its cause, which is more specific.
pub(crate) fn explain(error: &Error) -> String {
    let advice = match error.code() {
        Some(&SqlState::TOO_MANY_CONNECTIONS) => {
            " (the URL's parameter pool says how many connections this host opens)"
        }
        _ => "",
    };
    match error.source() {
        Some(cause) => format!("{error}: {cause}{advice}"),
        None => format!("{error}{advice}"),
    }
}

pub(crate) fn unavailable() -> CapabilityError {
    CapabilityError::unavailable("The task store cannot be used at the moment.")
}

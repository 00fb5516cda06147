//! Disk access on threads that may block, and the errors for callers.

use std::io;

use concept_refinement_domain::capability::CapabilityError;

use concept_refinement_capability::log_throttled;

pub(super) async fn on_disk<T, W>(work: W) -> Result<T, CapabilityError>
where
    T: Send + 'static,
    W: FnOnce() -> io::Result<T> + Send + 'static,
{
    let done = tokio::task::spawn_blocking(work).await;
    let done = done.map_err(io::Error::other).flatten();
    done.map_err(|error| report(&error))
}

/// Logs the details, which may name paths, and returns a sentence without them.
pub(super) fn report(error: &io::Error) -> CapabilityError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            log_throttled!(error, "the image store has no room left", %error);
            CapabilityError::full("The image store has no room left.")
        }
        kind => {
            log_throttled!(error, "the image store failed", %error);
            match kind {
                io::ErrorKind::InvalidInput => {
                    CapabilityError::invalid("The image store cannot keep this.")
                }
                _ => CapabilityError::unavailable("The image store cannot be used at the moment."),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use concept_refinement_domain::capability::ErrorKind;

    use super::*;

    #[test]
    fn a_caller_is_told_whether_a_repeat_helps_and_no_more() {
        let cases = [
            (io::ErrorKind::StorageFull, ErrorKind::Full),
            (io::ErrorKind::QuotaExceeded, ErrorKind::Full),
            (io::ErrorKind::ReadOnlyFilesystem, ErrorKind::Unavailable),
            (io::ErrorKind::PermissionDenied, ErrorKind::Unavailable),
            (io::ErrorKind::UnexpectedEof, ErrorKind::Unavailable),
            (io::ErrorKind::InvalidInput, ErrorKind::Invalid),
        ];
        for (kind, expected) in cases {
            let reported = report(&io::Error::new(kind, "/secret/place"));
            assert_eq!(reported.kind, expected, "{kind:?}");
            assert!(!reported.message.contains('/'), "{reported}");
        }
    }
}

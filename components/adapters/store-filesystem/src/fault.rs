//! Converts I/O errors to the ports' errors.

use std::io::{Error, ErrorKind};

use concept_refinement_adapter_store::ports::Fault;

/// The detail contains no path: the operator knows the directory, and nobody else should.
pub fn fault(what: &str, error: &Error) -> Fault {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            Fault::Full(format!("{what}: {error}"))
        }
        // Directories are created as needed, so this means that the root is missing.
        ErrorKind::NotFound => {
            Fault::Unavailable(format!("{what}: there is no directory to keep it in"))
        }
        _ => Fault::Unavailable(format!("{what}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_apart() {
        for (kind, is_full) in [
            (ErrorKind::StorageFull, true),
            (ErrorKind::QuotaExceeded, true),
            (ErrorKind::PermissionDenied, false),
            (ErrorKind::NotFound, false),
            (ErrorKind::Other, false),
        ] {
            let fault = fault("a file", &kind.into());
            assert_eq!(matches!(fault, Fault::Full(_)), is_full, "{kind}");
        }
    }
}

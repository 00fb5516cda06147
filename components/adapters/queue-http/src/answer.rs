//! Interprets the processor's response to a message.

use concept_refinement_adapter_queue::Attempt;

/// Interprets a status. Server errors may be temporary: the instance is shared, and any
/// task in it can end it.
#[cfg_attr(not(target_arch = "wasm32"), allow(dead_code))]
pub fn judge(status: u16) -> Attempt {
    let sentence = || format!("the processor answered {status}");
    match status {
        200..300 => Attempt::Taken,
        408 | 429 | 500..600 => Attempt::Again(sentence()),
        _ => Attempt::Refused(sentence()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_meaning() {
        #[derive(Debug, PartialEq)]
        enum Meaning {
            Taken,
            Again,
            Refused,
        }
        for (status, expected) in [
            (200, Meaning::Taken),
            (204, Meaning::Taken),
            (301, Meaning::Refused),
            (400, Meaning::Refused),
            (404, Meaning::Refused),
            (405, Meaning::Refused),
            (408, Meaning::Again),
            (413, Meaning::Refused),
            (422, Meaning::Refused),
            (429, Meaning::Again),
            (500, Meaning::Again),
            (502, Meaning::Again),
            (503, Meaning::Again),
            (504, Meaning::Again),
            (0, Meaning::Refused),
            (999, Meaning::Refused),
        ] {
            let meaning = match judge(status) {
                Attempt::Taken => Meaning::Taken,
                Attempt::Again(_) => Meaning::Again,
                Attempt::Refused(_) => Meaning::Refused,
            };
            assert_eq!(meaning, expected, "{status}");
        }
    }
}

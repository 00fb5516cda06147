//! What a download of the processor is for.
//!
//! The component says so in a header. Our host removes it, and opens the provider's
//! origin to what a model answered; on other platforms it means nothing.

/// The header.
pub const HEADER: &str = "concept-refinement-purpose";

const MODEL_ANSWER: &str = "model-answer";

/// What a download is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Downloads an original. Also of a request that says nothing, since this
    /// purpose opens the least.
    #[default]
    Original,
    /// Downloads a URL that a model answered.
    ModelAnswer,
}

impl Purpose {
    /// The header and its value; None: it is left out.
    pub fn field(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Original => None,
            Self::ModelAnswer => Some((HEADER, MODEL_ANSWER)),
        }
    }

    /// The purpose by the header's value, if it has one.
    pub fn parse(value: Option<&[u8]>) -> Self {
        match value {
            Some(value) if value == MODEL_ANSWER.as_bytes() => Self::ModelAnswer,
            Some(_) | None => Self::Original,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_read_as_it_was_written() {
        for purpose in [Purpose::Original, Purpose::ModelAnswer] {
            let value = purpose.field().map(|(_, value)| value.as_bytes());
            assert_eq!(Purpose::parse(value), purpose);
        }
        for value in ["", "original", "MODEL-ANSWER", "model-answer ", "model"] {
            let purpose = Purpose::parse(Some(value.as_bytes()));
            assert_eq!(purpose, Purpose::Original, "{value}");
        }
    }
}

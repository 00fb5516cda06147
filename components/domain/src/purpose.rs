//! The purpose of a download by the processor.
//!
//! The component states it in a header. Our host removes the header, and allows downloads
//! of a model's answer from the provider's origin; on other platforms it has no effect.

/// The header.
pub const HEADER: &str = "concept-refinement-purpose";

const MODEL_ANSWER: &str = "model-answer";

/// The purpose of a download.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Downloads an original. Also the default, since this purpose allows the least.
    #[default]
    Original,
    /// Downloads from a URL that a model answered with.
    ModelAnswer,
}

impl Purpose {
    /// The header and its value. None: no header is set.
    pub fn field(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Original => None,
            Self::ModelAnswer => Some((HEADER, MODEL_ANSWER)),
        }
    }

    /// The purpose according to the header's value, if there is one.
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

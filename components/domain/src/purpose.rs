//! What an outbound request of a component is for.
//!
//! The component says so in a header. Our host removes it, and lets a request
//! reach what the operator named for this purpose and nothing else; on other
//! platforms it means nothing.

/// The header.
pub const HEADER: &str = "concept-refinement-purpose";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Downloads an original. Also of a request that says nothing, since this
    /// purpose opens the least.
    #[default]
    Original,
    /// Downloads a URL that a model answered.
    ModelAnswer,
    /// Asks a model's provider.
    Model,
    /// Fetches the keys of the issuer of tokens.
    IssuerKeys,
    /// Delivers a webhook.
    Webhook,
}

impl Purpose {
    /// The header and its value; None: it is left out.
    pub fn field(self) -> Option<(&'static str, &'static str)> {
        Some((HEADER, self.value()?))
    }

    fn value(self) -> Option<&'static str> {
        match self {
            Self::Original => None,
            Self::ModelAnswer => Some("model-answer"),
            Self::Model => Some("model"),
            Self::IssuerKeys => Some("issuer-keys"),
            Self::Webhook => Some("webhook"),
        }
    }

    /// The purpose by the header's value, if it has one.
    pub fn parse(value: Option<&[u8]>) -> Self {
        [
            Self::ModelAnswer,
            Self::Model,
            Self::IssuerKeys,
            Self::Webhook,
        ]
        .into_iter()
        .find(|purpose| value == purpose.value().map(str::as_bytes))
        .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_read_as_it_was_written() {
        for purpose in [
            Purpose::Original,
            Purpose::ModelAnswer,
            Purpose::Model,
            Purpose::IssuerKeys,
            Purpose::Webhook,
        ] {
            let value = purpose.field().map(|(_, value)| value.as_bytes());
            assert_eq!(Purpose::parse(value), purpose);
        }
        for value in ["", "original", "MODEL", "model ", "model, issuer-keys"] {
            let purpose = Purpose::parse(Some(value.as_bytes()));
            assert_eq!(purpose, Purpose::Original, "{value}");
        }
    }
}

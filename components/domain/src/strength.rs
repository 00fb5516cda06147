//! How strongly a model may change the original.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// From 0 (no change) to 1 (as much as the model can), as it was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strength(f64);

impl Strength {
    /// Without a wish of the user (seed).
    pub const DEFAULT: Self = Self(0.7);

    /// None: it is not from 0 to 1.
    pub fn new(value: f64) -> Option<Self> {
        (0.0..=1.0).contains(&value).then_some(Self(value))
    }

    /// From 0 to 1.
    pub fn value(self) -> f64 {
        self.0
    }
}

/// It is never NaN.
impl Eq for Strength {}

/// 0 and 1 are written without a fraction.
impl Serialize for Strength {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            1.0 => serializer.serialize_u64(1),
            0.0 => serializer.serialize_u64(0),
            value => serializer.serialize_f64(value),
        }
    }
}

impl<'de> Deserialize<'de> for Strength {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = f64::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| D::Error::custom("a strength must be from 0 to 1"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_was_sent() {
        for text in ["0", "0.1", "0.55", "0.7", "1"] {
            let strength: Strength = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&strength).unwrap(), text);
        }
        for text in ["-0.1", "1.0001", "null", "\"0.5\"", "1e99"] {
            assert!(serde_json::from_str::<Strength>(text).is_err(), "{text}");
        }
        assert_eq!(Strength::new(f64::NAN), None);
    }
}

//! Amounts of money: US dollars, in millionths.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digits::number;

/// Micro-dollars in a dollar.
const DOLLAR: u64 = 1_000_000;

/// Decimals of an amount: no smaller part of a dollar is counted.
const MAX_DECIMALS: usize = 6;

/// Largest amount that a setting may name, in dollars: a million.
const MAX_DOLLARS: u64 = 1_000_000;

/// An amount, in millionths of a US dollar. As text: dollars, with two to six decimals.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct MicroDollars(pub u64);

impl MicroDollars {
    /// Parses dollars with at most six decimals, without a sign or an exponent, as `0.06` or
    /// `5`. The error completes the sentence "it …".
    ///
    /// # Errors
    ///
    /// It is no amount, or above a million.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (dollars, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let micros = || {
            let dollars: u64 = number(dollars).filter(|dollars| *dollars <= MAX_DOLLARS)?;
            number::<u64>(decimals).filter(|_| decimals.len() <= MAX_DECIMALS)?;
            let rest: u64 = number(&format!("{decimals:0<MAX_DECIMALS$}"))?;
            Some(dollars * DOLLAR + rest)
        };
        micros().map(Self).ok_or_else(|| {
            format!(
                "must be dollars up to a million with at most {MAX_DECIMALS} decimals, as 0.06, \
                 not {text:?}"
            )
        })
    }
}

impl fmt::Display for MicroDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, rest) = (self.0 / DOLLAR, self.0 % DOLLAR);
        let (cents, rest) = (rest / 10_000, rest % 10_000);
        let rest = format!("{rest:04}");
        let rest = rest.trim_end_matches('0');
        write!(f, "{dollars}.{cents:02}{rest}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_amount_has_two_to_six_decimals() {
        for (micros, text) in [
            (0, "0.00"),
            (1, "0.000001"),
            (60_000, "0.06"),
            (2_100_000, "2.10"),
            (45_500, "0.0455"),
            (1_000_000, "1.00"),
            (12_345_678_900, "12345.6789"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            assert_eq!(MicroDollars(micros).to_string(), text);
        }
    }

    #[test]
    fn an_amount_is_read() {
        for (text, micros) in [
            ("0", 0),
            ("5", 5_000_000),
            ("0.06", 60_000),
            ("0.000001", 1),
            ("007.5", 7_500_000),
            ("1000000.999999", 1_000_000_999_999),
        ] {
            assert_eq!(
                MicroDollars::parse(text),
                Ok(MicroDollars(micros)),
                "{text}"
            );
        }
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1e3",
            "0.0000001",
            "1,5",
            "1.2.3",
            " 1",
            "1 USD",
            "1000001",
            "99999999999999999999",
            "٣",
        ] {
            assert!(MicroDollars::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_reads_back(micros in 0..=MAX_DOLLARS * DOLLAR) {
            let amount = MicroDollars(micros);
            prop_assert_eq!(MicroDollars::parse(&amount.to_string()), Ok(amount));
        }

        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = MicroDollars::parse(&text);
        }
    }
}

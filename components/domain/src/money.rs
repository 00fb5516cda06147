//! Amounts of money: US dollars, in millionths.

use std::fmt;
use std::str::FromStr;

/// Micro-dollars in a dollar.
const DOLLAR: u64 = 1_000_000;

/// The decimals of a dollar that count.
const DECIMALS: usize = 6;

/// An amount, in millionths of a US dollar. As text: dollars, with two to six decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MicroDollars(pub u64);

/// Not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an amount of US dollars with at most six decimals, as 0.06")]
pub struct NotAnAmount;

impl fmt::Display for MicroDollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (dollars, rest) = (self.0 / DOLLAR, self.0 % DOLLAR);
        let (cents, rest) = (rest / 10_000, rest % 10_000);
        let rest = format!("{rest:04}");
        let rest = rest.trim_end_matches('0');
        write!(f, "{dollars}.{cents:02}{rest}")
    }
}

/// Digits, and perhaps a point with one to six digits: no sign and no exponent.
impl FromStr for MicroDollars {
    type Err = NotAnAmount;

    fn from_str(text: &str) -> Result<Self, NotAnAmount> {
        let (dollars, decimals) = match text.split_once('.') {
            Some((_, "")) => return Err(NotAnAmount),
            Some(parts) => parts,
            None => (text, ""),
        };
        let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
        if dollars.is_empty() || !is_number(dollars) || !is_number(decimals) {
            return Err(NotAnAmount);
        }
        if decimals.len() > DECIMALS {
            return Err(NotAnAmount);
        }
        let dollars: u64 = dollars.parse().map_err(|_| NotAnAmount)?;
        let decimals: u64 = format!("{decimals:0<DECIMALS$}")
            .parse()
            .map_err(|_| NotAnAmount)?;
        let amount = dollars.checked_mul(DOLLAR);
        let amount = amount.and_then(|amount| amount.checked_add(decimals));
        amount.map(Self).ok_or(NotAnAmount)
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
            assert_eq!(text.parse(), Ok(MicroDollars(micros)), "{text}");
        }
    }

    #[test]
    fn other_spellings_are_read_and_everything_else_is_refused() {
        for (text, micros) in [("5", 5_000_000), ("0.1", 100_000), ("007.50", 7_500_000)] {
            assert_eq!(text.parse(), Ok(MicroDollars(micros)), "{text}");
        }
        for text in [
            "",
            ".",
            ".5",
            "5.",
            "-1",
            "+1",
            "1e3",
            "1,5",
            " 1",
            "1.0000000",
            "0x1",
            "1.2.3",
            "18446744073709.551616",
            "99999999999999999999",
            "\u{0661}",
        ] {
            assert_eq!(text.parse::<MicroDollars>(), Err(NotAnAmount), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_reads_back(micros in any::<u64>(), text in any::<String>()) {
            let amount = MicroDollars(micros);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
            let _ = text.parse::<MicroDollars>();
        }
    }
}

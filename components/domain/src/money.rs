//! Amounts of money: US dollars, in millionths.

use std::fmt;

/// Micro-dollars in a dollar.
const DOLLAR: u64 = 1_000_000;

/// An amount, in millionths of a US dollar. As text: dollars, with two to six decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MicroDollars(pub u64);

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
}

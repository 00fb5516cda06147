//! How much a user may spend in a calendar window.

use std::fmt;

use crate::money::MicroDollars;
use crate::quota::Window;
use crate::spending::Spending;

/// At most `limit` in each window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What may be spent and reserved together.
    pub limit: MicroDollars,
    /// How long a window is.
    pub window: Window,
}

/// Parses `5 USD/month`, `0.50 USD/hour`, `20 USD/day` or `unlimited` (None). The error
/// completes the sentence "it …".
///
/// # Errors
///
/// It is none of these.
pub fn parse_budget(text: &str) -> Result<Option<Budget>, String> {
    let text = text.trim();
    if text == "unlimited" {
        return Ok(None);
    }
    let parsed = text.split_once(" USD/").and_then(|(limit, window)| {
        Some(Budget {
            limit: MicroDollars::parse(limit).ok()?,
            window: Window::of(window)?,
        })
    });
    let parsed = parsed.map(Some);
    parsed.ok_or_else(|| {
        "must be N USD/hour, N USD/day or N USD/month with at most six decimals, or unlimited"
            .to_owned()
    })
}

impl Budget {
    /// Whether a task of this price may be submitted, after what is spent and reserved in the
    /// window. An unknown price counts as nothing.
    pub fn allows(self, sum: Spending, price: Option<MicroDollars>) -> bool {
        let price = price.unwrap_or_default();
        sum.committed().0.saturating_add(price.0) <= self.limit.0
    }
}

impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} USD/{}", self.limit, self.window.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_setting() {
        let budget = |micros, window| {
            Ok(Some(Budget {
                limit: MicroDollars(micros),
                window,
            }))
        };
        for (text, expected) in [
            ("5 USD/month", budget(5_000_000, Window::Month)),
            (" 0.50 USD/hour ", budget(500_000, Window::Hour)),
            ("0 USD/day", budget(0, Window::Day)),
            ("unlimited", Ok(None)),
        ] {
            assert_eq!(parse_budget(text), expected, "{text}");
            if let Ok(Some(budget)) = expected {
                assert_eq!(
                    parse_budget(&budget.to_string()),
                    Ok(Some(budget)),
                    "{text}"
                );
            }
        }
        for text in [
            "",
            "5",
            "5 USD",
            "5/month",
            "5 EUR/month",
            "5USD/month",
            "-5 USD/month",
            "5 USD/year",
            "5 USD/Month",
            "5  USD/month",
            "5 USD/month/",
            "1e3 USD/month",
            "0.0000001 USD/month",
        ] {
            assert!(parse_budget(text).is_err(), "{text}");
        }
    }

    #[test]
    fn nothing_goes_beyond_it() {
        let budget = Budget {
            limit: MicroDollars(70),
            window: Window::Month,
        };
        let sum = |spent, reserved| Spending {
            spent,
            reserved,
            unknown_calls: 9,
        };
        for (name, sum, price, is_allowed) in [
            ("the first one", sum(0, 0), Some(10), true),
            ("the last one", sum(30, 30), Some(10), true),
            ("one more", sum(30, 31), Some(10), false),
            ("a dear one", sum(0, 0), Some(71), false),
            ("an unknown price", sum(30, 40), None, true),
            ("an unknown price beyond it", sum(30, 41), None, false),
            (
                "an absurd sum",
                sum(i64::MAX, i64::MAX),
                Some(u64::MAX),
                false,
            ),
        ] {
            let price = price.map(MicroDollars);
            assert_eq!(budget.allows(sum, price), is_allowed, "{name}");
        }
    }
}

//! Plans: what different users may do.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::budget::{Budget, parse_budget};
use crate::quota::{Quota, parse_active_tasks, parse_rate_limit};

/// Longest name of a plan.
pub const MAX_NAME: usize = 32;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// None: any number of tasks.
    pub quota: Option<Quota>,
    /// None: any amount.
    pub budget: Option<Budget>,
    /// How many tasks may be pending or processing at a time.
    pub active_tasks: u32,
}

/// What a plan says; what it leaves out is as the plain settings say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Plan {
    /// Some(None): any number.
    quota: Option<Option<Quota>>,
    /// Some(None): any amount.
    budget: Option<Option<Budget>>,
    active_tasks: Option<u32>,
}

/// All plans of a service, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plans {
    plans: BTreeMap<String, Plan>,
    /// The plan of who names none, or one that nobody defined.
    default: Option<String>,
    /// What the plain settings say.
    plain: Allowance,
}

impl Plans {
    /// `json`: an object with an object for each plan, whose keys are those of a plan's table
    /// in the file of settings.
    ///
    /// # Errors
    ///
    /// A plan is malformed. The error names the plan, and completes the sentence "it …".
    pub fn new(json: Option<&str>, plain: Allowance) -> Result<Self, String> {
        Ok(Self {
            plans: json.map_or_else(|| Ok(BTreeMap::new()), parse)?,
            default: None,
            plain,
        })
    }

    /// `default`: the plan of who names none.
    ///
    /// # Errors
    ///
    /// It is not defined. The error completes the sentence "it …".
    pub fn with_default(self, default: Option<String>) -> Result<Self, String> {
        match default {
            Some(name) if !self.is_defined(&name) => {
                Err(format!("names a plan that is not defined: {name:?}"))
            }
            default => Ok(Self { default, ..self }),
        }
    }

    /// Whether there is such a plan.
    pub fn is_defined(&self, name: &str) -> bool {
        self.plans.contains_key(name)
    }

    /// What a user may do whose token names this plan.
    pub fn allowance(&self, named: Option<&str>) -> Allowance {
        let named = named.and_then(|name| self.plans.get(name));
        let default = || self.plans.get(self.default.as_deref()?);
        let plan = named.or_else(default).copied().unwrap_or_default();
        Allowance {
            quota: plan.quota.unwrap_or(self.plain.quota),
            budget: plan.budget.unwrap_or(self.plain.budget),
            active_tasks: plan.active_tasks.unwrap_or(self.plain.active_tasks),
        }
    }
}

/// Whether a plan may have this name: 1 to 32 of `a-z`, `0-9` and `-`.
pub fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_allowed)
}

fn parse(json: &str) -> Result<BTreeMap<String, Plan>, String> {
    let tables: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(json)
        .map_err(|_| "must be an object with an object for each plan, in JSON".to_owned())?;
    let plans = tables.into_iter().map(|(name, table)| {
        if !is_name(&name) {
            return Err(format!(
                "has a plan {name:?}, where names are 1 to {MAX_NAME} of a-z, 0-9 and -"
            ));
        }
        let plan = table
            .into_iter()
            .try_fold(Plan::default(), |plan, entry| plan.with(&entry.0, &entry.1));
        let plan = plan.map_err(|problem| format!("has a plan {name:?} whose {problem}"))?;
        Ok((name, plan))
    });
    plans.collect()
}

impl Plan {
    /// The error begins with the key.
    fn with(mut self, key: &str, value: &Value) -> Result<Self, String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return Err(format!("{key} must be a string or a whole number")),
        };
        let wrong = |problem: String| format!("{key} {problem}");
        match key {
            "rate_limit" => self.quota = Some(parse_rate_limit(&text).map_err(wrong)?),
            "budget" => self.budget = Some(parse_budget(&text).map_err(wrong)?),
            "active_tasks" => self.active_tasks = Some(parse_active_tasks(&text).map_err(wrong)?),
            _ => {
                return Err(format!(
                    "{key} is not known; there are rate_limit, budget and active_tasks"
                ));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::MicroDollars;
    use crate::quota::Window;

    const PLAIN: Allowance = Allowance {
        quota: Some(Quota {
            limit: 10,
            window: Window::Month,
        }),
        budget: None,
        active_tasks: 1,
    };

    fn plans(json: Option<&str>, default: Option<&str>) -> Result<Plans, String> {
        Plans::new(json, PLAIN)?.with_default(default.map(str::to_owned))
    }

    #[test]
    fn a_user_has_the_plan_that_the_token_names_or_the_default_one() {
        let json = r#"{
            "free": {"budget": "0.50 USD/day"},
            "pro": {"rate_limit": "unlimited", "budget": "20 USD/month", "active_tasks": 5},
            "none": {}
        }"#;
        let budget = |micros, window| {
            Some(Budget {
                limit: MicroDollars(micros),
                window,
            })
        };
        let free = Allowance {
            budget: budget(500_000, Window::Day),
            ..PLAIN
        };
        let pro = Allowance {
            quota: None,
            budget: budget(20_000_000, Window::Month),
            active_tasks: 5,
        };
        for (default, named, expected) in [
            (None, None, PLAIN),
            (None, Some("pro"), pro),
            (None, Some("gold"), PLAIN),
            (Some("free"), None, free),
            (Some("free"), Some("pro"), pro),
            (Some("free"), Some("gold"), free),
            (Some("free"), Some("none"), PLAIN),
        ] {
            let plans = plans(Some(json), default).unwrap();
            assert_eq!(plans.allowance(named), expected, "{default:?}, {named:?}");
        }
        let none = plans(None, None).unwrap();
        assert_eq!(none.allowance(Some("pro")), PLAIN);
        assert!(!none.is_defined("pro"));
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        for (json, default, expected) in [
            ("[]", None, "in JSON"),
            ("{\"free\": 1}", None, "in JSON"),
            ("{\"Free\": {}}", None, "\"Free\", where names"),
            ("{\"\": {}}", None, "where names"),
            (
                "{\"free\": {\"rate\": 1}}",
                None,
                "\"free\" whose rate is not known",
            ),
            (
                "{\"free\": {\"budget\": \"5\"}}",
                None,
                "budget must be N USD/hour",
            ),
            (
                "{\"free\": {\"budget\": true}}",
                None,
                "budget must be a string",
            ),
            (
                "{\"free\": {\"active_tasks\": 0}}",
                None,
                "active_tasks must be between",
            ),
            (
                "{\"free\": {\"rate_limit\": 5}}",
                None,
                "rate_limit must be N/hour",
            ),
            ("{}", Some("free"), "not defined: \"free\""),
        ] {
            let problem = plans(Some(json), default).unwrap_err();
            assert!(problem.contains(expected), "{json}: {problem}");
        }
    }

    #[test]
    fn a_name_is_short_and_plain() {
        for (name, expected) in [
            ("free", true),
            ("pro-2", true),
            (&"a".repeat(32), true),
            (&"a".repeat(33), false),
            ("", false),
            ("Pro", false),
            ("a b", false),
            ("ä", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }
}

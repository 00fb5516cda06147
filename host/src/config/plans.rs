//! The plans of users: a table of the file for each, by its name.

use std::fmt::Display;

use concept_refinement_domain::budget::parse_budget;
use concept_refinement_domain::plan::{MAX_NAME, is_name};
use concept_refinement_domain::quota::{parse_active_tasks, parse_rate_limit};

use super::error::{ConfigError, did_you_mean};
use super::lines::Lines;
use super::tables::{Settings, Tables};

/// The table of the file that contains those of the plans.
pub(super) const TABLE: &str = "plans";

/// What a plan may say.
const KEYS: [&str; 3] = ["rate_limit", "budget", "active_tasks"];

/// By name and key, both as in the file.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct PlanTables(Tables);

impl PlanTables {
    /// Adds a plan, replacing one of this name.
    pub fn set(&mut self, name: &str, settings: Settings) {
        self.0.by_name.insert(name.to_owned(), settings);
    }

    /// Adds the table `plans` of a file, replacing plans of the same names.
    pub(super) fn set_from_toml(
        &mut self,
        tables: toml::Value,
        lines: &Lines<'_>,
    ) -> Result<(), ConfigError> {
        let form = "plans must have a table for each plan, as [plans.pro]";
        let read = Tables::read(TABLE, tables, lines, form)?;
        for name in read.by_name.keys() {
            self.0.by_name.remove(name);
        }
        self.0.add(read);
        Ok(())
    }

    /// Whether there is such a plan.
    pub fn is_defined(&self, name: &str) -> bool {
        self.0.by_name.contains_key(name)
    }

    /// Checks all plans.
    ///
    /// # Errors
    ///
    /// The first plan with a name that it cannot have, or with a setting that is unknown or
    /// has an invalid value.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (name, settings) in &self.0.by_name {
            let path = format!("{TABLE}.{name}");
            if !is_name(name) {
                let problem = format!("a plan's name is 1 to {MAX_NAME} of a-z, 0-9 and -");
                return Err(self.problem(&path, problem));
            }
            for (key, value) in settings {
                let checked = checked(key, value);
                checked.map_err(|problem| self.problem(&format!("{path}.{key}"), problem))?;
            }
        }
        Ok(())
    }

    /// Whether a plan limits what its users spend.
    pub(super) fn have_budget(&self) -> bool {
        let mut plans = self.0.by_name.values();
        plans.any(|plan| plan.get("budget").is_some_and(|budget| is_limit(budget)))
    }

    /// As JSON. None: there are no plans.
    pub fn json(&self) -> Option<String> {
        let plans = &self.0.by_name;
        let json = serde_json::to_string(plans).ok();
        json.filter(|_| !plans.is_empty())
    }

    fn problem(&self, path: &str, problem: impl Display) -> ConfigError {
        ConfigError::of(&self.0.named(path), problem)
    }
}

/// Whether this budget limits anything.
pub(super) fn is_limit(budget: &str) -> bool {
    matches!(parse_budget(budget), Ok(Some(_)))
}

fn checked(key: &str, value: &str) -> Result<(), String> {
    match key {
        "rate_limit" => parse_rate_limit(value).map(drop),
        "budget" => parse_budget(value).map(drop),
        "active_tasks" => parse_active_tasks(value).map(drop),
        _ => {
            let suggestion = did_you_mean(key, KEYS);
            Err(format!("a plan has no such setting{suggestion}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<PlanTables, String> {
        let mut plans = PlanTables::default();
        let (mut table, lines) = Lines::parsed("f", text).map_err(|error| error.to_string())?;
        let read = plans.set_from_toml(table.remove(TABLE).unwrap(), &lines);
        let checked = read.and_then(|()| plans.check());
        checked.map_err(|error| error.to_string()).map(|()| plans)
    }

    #[test]
    fn the_api_gets_what_the_file_says() {
        let file = "[plans.free]\nrate_limit = '5/day'\n\
                    [plans.pro]\nrate_limit = 'unlimited'\nbudget = '20 USD/month'\nactive_tasks = 5\n\
                    [plans.as-all]";
        let plans = read(file).unwrap();
        let json = r#"{"as-all":{},"free":{"rate_limit":"5/day"},"pro":{"active_tasks":"5","budget":"20 USD/month","rate_limit":"unlimited"}}"#;
        assert_eq!(plans.json().as_deref(), Some(json));
        assert!(plans.is_defined("as-all") && !plans.is_defined("gold"));
        assert!(plans.have_budget());
        assert!(
            !read("[plans.a]\nbudget = 'unlimited'\n[plans.b]")
                .unwrap()
                .have_budget()
        );
        assert_eq!(PlanTables::default().json(), None);
    }

    #[test]
    fn what_is_wrong_with_a_plan_is_told_with_its_line() {
        for (file, expected) in [
            (
                "plans = 'free'",
                "f:1: plans must have a table for each plan, as [plans.pro]",
            ),
            (
                "[plans]\nfree = 5",
                "f:2: plans must have a table for each plan, as [plans.pro]",
            ),
            (
                "[plans.Free]",
                "f:1: plans.Free: a plan's name is 1 to 32 of a-z, 0-9 and -",
            ),
            (
                "[plans.free]\n\nbudgets = '5 USD/day'",
                "f:3: plans.free.budgets: a plan has no such setting; did you mean budget?",
            ),
            (
                "[plans.free]\ncolour = 'red'",
                "f:2: plans.free.colour: a plan has no such setting",
            ),
            (
                "[plans.free]\nbudget = 5.5",
                "f:2: plans.free.budget: must be a string, a whole number or a list of strings",
            ),
            (
                "[plans.free]\nbudget = 5",
                "f:2: plans.free.budget: must be N USD/hour, N USD/day or N USD/month with at \
                 most six decimals, or unlimited",
            ),
            (
                "[plans.free]\nrate_limit = '5/week'",
                "f:2: plans.free.rate_limit: must be N/hour, N/day or N/month with N at least \
                 1, or unlimited",
            ),
            (
                "[plans.free]\nactive_tasks = 0",
                "f:2: plans.free.active_tasks: must be between 1 and 1000, not \"0\"",
            ),
        ] {
            let problem = read(file).map(drop).unwrap_err();
            assert_eq!(problem, expected, "{file}");
        }
    }
}

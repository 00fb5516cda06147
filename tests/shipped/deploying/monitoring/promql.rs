//! What an expression of Prometheus asks for, read as far as it is needed here.

use std::collections::BTreeSet;

/// Followed by labels.
const CLAUSES: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];
const AGGREGATIONS: [&str; 5] = ["sum", "max", "min", "count", "avg"];
const WORDS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "Inf"];

/// `name{label="value"}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Selector {
    pub name: String,
    pub matchers: Vec<Matcher>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Matcher {
    pub label: String,
    /// `=`, `!=`, `=~` or `!~`.
    pub operator: String,
    pub value: String,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query {
    pub selectors: Vec<Selector>,
    /// The labels that aggregations keep; `None`: nothing is aggregated.
    pub kept: Option<BTreeSet<String>>,
}

impl Query {
    pub fn parse(expression: &str) -> Self {
        let mut query = Self::default();
        let mut rest = expression.trim_start();
        while let Some(first) = rest.chars().next() {
            if first == '[' {
                rest = rest.split_once(']').expect("a range ends").1;
            } else if first.is_ascii_digit() {
                rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.');
            } else if first.is_alphabetic() {
                let (word, after) = word(rest);
                rest = query.read(word, after.trim_start());
            } else {
                rest = &rest[first.len_utf8()..];
            }
            rest = rest.trim_start();
        }
        query
    }

    /// Reads what belongs to a word. Returns what follows.
    fn read<'a>(&mut self, word: &str, after: &'a str) -> &'a str {
        if CLAUSES.contains(&word) {
            let inner = after.strip_prefix('(').expect("labels in parentheses");
            let (labels, rest) = inner.split_once(')').expect("an end of the labels");
            if word == "by" {
                let labels = labels.split(',').map(|label| label.trim().to_owned());
                self.kept.get_or_insert_default().extend(labels);
            }
            return rest;
        }
        if AGGREGATIONS.contains(&word) {
            self.kept.get_or_insert_default();
            return after;
        }
        if after.starts_with('(') || WORDS.contains(&word) {
            return after;
        }
        let (matchers, rest) = match after.strip_prefix('{') {
            Some(inner) => matchers(inner),
            None => (Vec::new(), after),
        };
        self.selectors.push(Selector {
            name: word.to_owned(),
            matchers,
        });
        rest
    }
}

fn word(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    text.split_at(end.unwrap_or(text.len()))
}

/// The matchers up to the brace that ends them, and what follows.
fn matchers(mut rest: &str) -> (Vec<Matcher>, &str) {
    let mut found = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',', '\n']);
        if let Some(rest) = rest.strip_prefix('}') {
            return (found, rest);
        }
        let (label, after) = word(rest);
        let (operator, after) = after.split_once('"').expect("a value in quotes");
        let (value, after) = after.split_once('"').expect("an end of the value");
        found.push(Matcher {
            label: label.to_owned(),
            operator: operator.trim().to_owned(),
            value: value.to_owned(),
        });
        rest = after;
    }
}

impl Matcher {
    /// The values that it wants, if it names them. A dot stands for any character.
    pub fn wanted(&self) -> Vec<&str> {
        match self.operator.as_str() {
            "=" => vec![&self.value],
            "=~" => self.value.split('|').collect(),
            _ => Vec::new(),
        }
    }
}

#[test]
fn an_expression_is_read() {
    let query = Query::parse(
        r#"sum by (le, step) (rate(a_total{job="x", step=~"b|c"}[5m])) / on () group_left () 0.2 * b < Inf"#,
    );
    let matcher = |label: &str, operator: &str, value: &str| Matcher {
        label: label.to_owned(),
        operator: operator.to_owned(),
        value: value.to_owned(),
    };
    let a = Selector {
        name: "a_total".to_owned(),
        matchers: vec![matcher("job", "=", "x"), matcher("step", "=~", "b|c")],
    };
    assert_eq!(a.matchers[1].wanted(), ["b", "c"]);
    let b = Selector {
        name: "b".to_owned(),
        matchers: Vec::new(),
    };
    assert_eq!(query.selectors, [a, b]);
    let kept = ["le", "step"].map(str::to_owned);
    assert_eq!(query.kept, Some(BTreeSet::from(kept)));
    assert_eq!(Query::parse("max(a)").kept, Some(BTreeSet::new()));
    assert_eq!(Query::parse("a > 1").kept, None);
}

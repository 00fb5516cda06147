//! Values with `{{ variable }}` in them, as a manifest writes them.

use anyhow::Context as _;

/// Literal text and names of variables, in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    Variable(String),
}

impl Template {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            match rest.strip_prefix("{{") {
                Some(after) => {
                    let (name, after) = after
                        .split_once("}}")
                        .with_context(|| format!("unmatched '{{{{' in {text:?}"))?;
                    parts.push(Part::Variable(name.trim().to_owned()));
                    rest = after;
                }
                None => {
                    let end = rest.find("{{").unwrap_or(rest.len());
                    let (literal, after) = rest.split_at(end);
                    parts.push(Part::Literal(literal.to_owned()));
                    rest = after;
                }
            }
        }
        Ok(Self(parts))
    }

    pub fn is_literal(&self) -> bool {
        self.variables().next().is_none()
    }

    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Variable(name) => Some(name.as_str()),
            Part::Literal(_) => None,
        })
    }

    /// None: a variable has no value.
    pub fn filled<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
        let parts = self.0.iter().map(|part| match part {
            Part::Literal(literal) => Some(literal.to_owned()),
            Part::Variable(name) => value(name).map(str::to_owned),
        });
        parts.collect()
    }
}

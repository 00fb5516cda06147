//! What was measured: a figure, what the same takes natively, and the target.

use serde_json::{Value, json};

#[derive(Clone, Debug)]
pub struct Figure {
    /// What it is about, as the plot groups it.
    pub group: &'static str,
    pub name: String,
    pub unit: &'static str,
    pub value: f64,
    /// The same natively, where it was measured.
    pub native: Option<f64>,
    /// The ratio to native; for paired rounds the median of the rounds' ratios.
    ratio: Option<f64>,
    pub target: Option<Target>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    Most(f64),
    Least(f64),
    /// At least so much of native.
    OfNative(f64),
    /// At most so much of the other build.
    OfOther(f64),
    /// More than native by at most so much.
    OverNative(f64),
}

impl Figure {
    pub fn new(
        group: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        value: f64,
    ) -> Self {
        Self {
            group,
            name: name.into(),
            unit,
            value,
            native: None,
            ratio: None,
            target: None,
        }
    }

    /// From alternating rounds: the medians of values and ratios.
    pub fn of_rounds(
        group: &'static str,
        name: impl Into<String>,
        unit: &'static str,
        rounds: &[(f64, f64)],
    ) -> Self {
        let (ours, native): (Vec<f64>, Vec<f64>) = rounds.iter().copied().unzip();
        let ratios = rounds.iter().map(|(ours, native)| ours / native).collect();
        Self {
            native: Some(median(native)),
            ratio: Some(median(ratios)),
            ..Self::new(group, name, unit, median(ours))
        }
    }

    pub fn target(self, target: Target) -> Self {
        Self {
            target: Some(target),
            ..self
        }
    }

    pub fn is_met(&self) -> Option<bool> {
        Some(match self.target? {
            Target::Most(most) => self.value <= most,
            Target::Least(least) => self.value >= least,
            Target::OfNative(least) => self.ratio? >= least,
            Target::OfOther(most) => self.ratio? <= most,
            Target::OverNative(most) => self.value - self.native? <= most,
        })
    }

    /// What its target makes of its own unit.
    pub fn bound(&self) -> Option<f64> {
        Some(match self.target? {
            Target::Most(most) | Target::Least(most) => most,
            Target::OfNative(part) | Target::OfOther(part) => self.native? * part,
            Target::OverNative(most) => self.native? + most,
        })
    }

    pub fn json(&self) -> Value {
        json!({
            "group": self.group,
            "name": self.name,
            "unit": self.unit,
            "value": rounded(self.value),
            "native": self.native.map(rounded),
            "ratio": self.ratio.map(rounded),
            "over_native": self.native.map(|native| rounded(self.value - native)),
            "target": self.target.map(|target| target.sentence(self.unit)),
            "is_met": self.is_met(),
        })
    }
}

impl Target {
    pub fn sentence(self, unit: &str) -> String {
        match self {
            Self::Most(most) => format!("at most {} {unit}", number(most)),
            Self::Least(least) => format!("at least {} {unit}", number(least)),
            Self::OfNative(least) => format!("at least {} of native", number(least)),
            Self::OfOther(most) => format!("at most {} of the other", number(most)),
            Self::OverNative(most) => {
                format!("at most {} {unit} over native", number(most))
            }
        }
    }
}

/// For people, at a terminal. `other`: what it is compared with.
pub fn table(figures: &[Figure], other: &str) -> String {
    let head = ["", "", other, "ratio", "over", "target", ""].map(str::to_owned);
    let rows = figures.iter().map(|figure| {
        let over = figure.native.map(|native| figure.value - native);
        let optional = |value: Option<f64>| value.map(number).unwrap_or_default();
        let verdict = match figure.is_met() {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "",
        };
        [
            format!("{}: {}", figure.group, figure.name),
            format!("{} {}", number(figure.value), figure.unit),
            optional(figure.native),
            optional(figure.ratio),
            optional(over),
            figure
                .target
                .map(|target| target.sentence(figure.unit))
                .unwrap_or_default(),
            verdict.to_owned(),
        ]
    });
    let rows: Vec<[String; 7]> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..7).map(|column| width(column).unwrap_or(0)).collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<String> = cells
            .map(|(column, (cell, width))| match column {
                0 | 5 | 6 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// As precise as it is worth: three digits.
pub fn number(value: f64) -> String {
    let size = value.abs();
    match () {
        () if size >= 100.0 => {
            let digits = format!("{:.0}", size);
            let groups: Vec<&str> = digits
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(|group| std::str::from_utf8(group).unwrap())
                .collect();
            let sign = if value < 0.0 { "-" } else { "" };
            format!("{sign}{}", groups.join(","))
        }
        () if size >= 10.0 => format!("{value:.1}"),
        () => {
            let text = format!("{value:.2}");
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        }
    }
}

/// What each round has of ours and of the other's.
pub fn pairs<T>(rounds: &[[T; 2]], value: impl Fn(&T) -> f64) -> Vec<(f64, f64)> {
    let pair = |[ours, other]: &[T; 2]| (value(ours), value(other));
    rounds.iter().map(pair).collect()
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

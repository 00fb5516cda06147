//! What a service tells Prometheus, read as strictly as OpenMetrics is written
//! (<https://prometheus.io/docs/specs/om/open_metrics_spec/>): what is not as the
//! format has it panics.

use std::collections::BTreeMap;

/// One scrape.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    /// By name, without the suffixes of its samples.
    pub families: BTreeMap<String, Family>,
    /// By name and labels as they stand, as in `x_total{a="b"}`.
    pub samples: BTreeMap<String, f64>,
}

#[derive(Clone, Debug, Default)]
pub struct Family {
    pub kind: String,
    pub help: String,
    pub unit: Option<String>,
}

struct Sample<'a> {
    name: &'a str,
    labels: Vec<(&'a str, String)>,
    value: f64,
}

impl Exposition {
    pub fn parse(text: &str) -> Self {
        let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
        let mut read = Self::default();
        let mut current = String::new();
        let mut histograms: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        for line in body.lines() {
            if let Some(described) = line.strip_prefix("# ") {
                read.describe(described, &mut current);
                continue;
            }
            let sample = sample(line);
            let family = read.families.get(&current).expect("it is described first");
            let suffix = sample.name.strip_prefix(current.as_str());
            let suffix = suffix.unwrap_or_else(|| panic!("not of {current}: {line}"));
            let has = |name| sample.labels.iter().any(|(label, _)| *label == name);
            match (family.kind.as_str(), suffix) {
                ("counter", "_total") | ("histogram", "_count" | "_bucket") => {
                    let whole = sample.value >= 0.0 && sample.value.is_finite();
                    assert!(whole, "it only grows: {line}");
                }
                ("gauge", "") | ("histogram", "_sum") => {}
                ("info", "_info") => assert_eq!(sample.value, 1.0, "{line}"),
                (kind, suffix) => panic!("{suffix:?} of a {kind}: {line}"),
            }
            assert_eq!(has("le"), suffix == "_bucket", "{line}");
            if family.kind == "histogram" && suffix != "_sum" {
                let buckets = histograms
                    .entry(series(&current, &sample.labels))
                    .or_default();
                let bound = match suffix {
                    "_count" => f64::NAN,
                    _ => bound(&sample.labels),
                };
                buckets.push((bound, sample.value));
            }
            let key = line.rsplit_once(' ').map(|(key, _)| key.to_owned());
            let earlier = read.samples.insert(key.unwrap(), sample.value);
            assert_eq!(earlier, None, "twice: {line}");
        }
        for (name, buckets) in histograms {
            judge(&name, &buckets);
        }
        read
    }

    /// The sum of the samples of this name that have these labels; 0 if there
    /// is none.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let with = |key: &str| {
            labels
                .iter()
                .all(|(label, value)| key.contains(&format!("{label}=\"{value}\"")))
        };
        self.samples
            .iter()
            .filter(|(key, _)| key.split('{').next() == Some(name) && with(key))
            .map(|(_, value)| value)
            .sum()
    }

    /// By how much the samples of these names changed since then.
    pub fn changes_since(&self, before: &Self, names: &[&str]) -> BTreeMap<String, f64> {
        let is_wanted = |key: &&String| names.contains(&key.split('{').next().unwrap());
        let keys = self.samples.keys().chain(before.samples.keys());
        let mut changes = BTreeMap::new();
        for key in keys.filter(is_wanted) {
            let of = |scrape: &Self| scrape.samples.get(key).copied().unwrap_or_default();
            let change = of(self) - of(before);
            if change != 0.0 {
                changes.insert(key.clone(), change);
            }
        }
        changes
    }

    fn describe(&mut self, line: &str, current: &mut String) {
        let mut words = line.splitn(3, ' ');
        let (what, name) = (words.next().unwrap(), words.next().expect("a name"));
        let told = words.next().expect("what is told of it").to_owned();
        assert!(is_name(name), "{name}");
        if name != current {
            let earlier = self.families.insert(name.to_owned(), Family::default());
            assert!(earlier.is_none(), "{name} comes in two parts");
            name.clone_into(current);
        }
        let family = self.families.get_mut(name).unwrap();
        match what {
            "HELP" => family.help = told,
            "TYPE" => family.kind = told,
            "UNIT" => {
                assert!(name.ends_with(&format!("_{told}")), "{name} in {told}");
                family.unit = Some(told);
            }
            other => panic!("{other} of {name}"),
        }
    }
}

fn sample(line: &str) -> Sample<'_> {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let value = match value {
        "+Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        number => number.parse().unwrap_or_else(|_| panic!("{line}")),
    };
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => {
            let labels = labels.strip_suffix('}').expect("labels end in }");
            (name, parse_labels(labels))
        }
        None => (series, Vec::new()),
    };
    assert!(is_name(name), "{line}");
    let mut names: Vec<_> = labels.iter().map(|(label, _)| *label).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), labels.len(), "a label twice: {line}");
    Sample {
        name,
        labels,
        value,
    }
}

fn parse_labels(mut rest: &str) -> Vec<(&str, String)> {
    let mut labels = Vec::new();
    loop {
        let (name, quoted) = rest.split_once("=\"").expect("name=\"");
        assert!(is_name(name) && !name.contains(':'), "{name}");
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        let end = loop {
            let (at, character) = characters.next().expect("an end of the value");
            match character {
                '"' => break at,
                '\\' => match characters.next().expect("what is escaped").1 {
                    'n' => value.push('\n'),
                    escaped @ ('"' | '\\') => value.push(escaped),
                    other => panic!("\\{other}"),
                },
                _ => value.push(character),
            }
        };
        labels.push((name, value));
        rest = &quoted[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None if rest.is_empty() => return labels,
            None => panic!("after a label: {rest}"),
        }
    }
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    name.chars().all(allowed) && !name.starts_with(|c: char| c.is_ascii_digit()) && !name.is_empty()
}

/// The series that the buckets of a histogram belong to.
fn series(family: &str, labels: &[(&str, String)]) -> String {
    let labels = labels.iter().filter(|(name, _)| *name != "le");
    format!("{family} {:?}", labels.collect::<Vec<_>>())
}

fn bound(labels: &[(&str, String)]) -> f64 {
    let (_, bound) = labels.iter().find(|(name, _)| *name == "le").unwrap();
    match bound.as_str() {
        "+Inf" => f64::INFINITY,
        number => number.parse().expect("a bound"),
    }
}

/// Buckets as (bound, count); the count of all has no bound.
fn judge(name: &str, buckets: &[(f64, f64)]) {
    let (all, bounded): (Vec<_>, Vec<_>) = buckets.iter().partition(|(bound, _)| bound.is_nan());
    let [(_, all)] = all[..] else {
        panic!("{name}: one count");
    };
    let grow = |pair: &[(f64, f64)]| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1;
    assert!(bounded.windows(2).all(grow), "{name}: {bounded:?}");
    assert_eq!(bounded.last(), Some(&(f64::INFINITY, all)), "{name}");
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    const GOOD: &str = "# HELP a_seconds Some.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
        a_seconds_sum{x=\"1\"} 2.5\na_seconds_count{x=\"1\"} 2\na_seconds_bucket{x=\"1\",le=\"1.0\"} 1\n\
        a_seconds_bucket{x=\"1\",le=\"+Inf\"} 2\n# HELP b Some.\n# TYPE b counter\nb_total 1\n# EOF\n";

    #[test]
    fn what_is_well_formed_is_read() {
        let read = Exposition::parse(GOOD);
        assert_eq!(read.sum("a_seconds_count", &[("x", "1")]), 2.0);
        assert_eq!(read.sum("b_total", &[]), 1.0);
        assert_eq!(read.families["b"].kind, "counter");
        let changes = read.changes_since(&Exposition::default(), &["b_total"]);
        assert_eq!(changes, BTreeMap::from([("b_total".to_owned(), 1.0)]));
    }

    #[test]
    fn what_is_not_is_refused() {
        for (name, from, to) in [
            ("no end", "# EOF\n", ""),
            ("no final line feed", "# EOF\n", "# EOF"),
            ("a counter without its suffix", "b_total", "b"),
            ("no number", "b_total 1", "b_total one"),
            ("no value", "b_total 1", "b_total"),
            ("a counter below zero", "b_total 1", "b_total -1"),
            ("a bad name", "b_total 1", "b-total 1"),
            ("an open label", "{x=\"1\"} 2.5", "{x=\"1} 2.5"),
            ("a label twice", "_sum{x=\"1\"}", "_sum{x=\"1\",x=\"2\"}"),
            ("another family's sample", "b_total", "c_total"),
            ("a sample twice", "b_total 1", "b_total 1\nb_total 1"),
            ("buckets that shrink", "le=\"1.0\"} 1", "le=\"1.0\"} 3"),
            ("no last bucket", "+Inf", "2.0"),
            ("another count", "_count{x=\"1\"} 2", "_count{x=\"1\"} 3"),
            (
                "another unit",
                "# UNIT a_seconds seconds",
                "# UNIT a_seconds bytes",
            ),
            ("a comment", "# HELP b Some.", "# NOTE b Some."),
        ] {
            let bad = GOOD.replace(from, to);
            assert_ne!(bad, GOOD, "{name}");
            assert!(catch_unwind(|| Exposition::parse(&bad)).is_err(), "{name}");
        }
    }
}

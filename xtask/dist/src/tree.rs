//! The crates that are linked into a package, from `cargo tree`, which knows
//! the enabled features. Build scripts and macros are not included.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::str;

use anyhow::{Context as _, bail};

/// A crate, as its manifest describes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Crate {
    pub name: String,
    pub version: String,
    pub license: String,
    pub repository: String,
}

/// Crates, each with its direct dependencies.
#[derive(Debug, Default)]
pub struct Tree {
    pub root: Option<Crate>,
    pub uses: BTreeMap<Crate, BTreeSet<Crate>>,
}

/// The crates of a package in a workspace, for a target or for this machine.
pub fn of(root: &Path, package: &str, target: Option<&str>) -> anyhow::Result<Tree> {
    let mut cargo = crate::cargo(root);
    cargo
        .args(["tree", "--locked", "--edges", "normal,no-proc-macro"])
        .args(["--prefix", "depth", "--format", "|{p}|{l}|{r}"])
        .args(["--package", package]);
    if let Some(target) = target {
        cargo.args(["--target", target]);
    }
    parse(str::from_utf8(&crate::output(&mut cargo)?)?)
}

/// Parses lines of a depth and a crate. A crate's dependencies are listed only at its
/// first occurrence.
fn parse(lines: &str) -> anyhow::Result<Tree> {
    let mut tree = Tree::default();
    let mut path: Vec<Crate> = Vec::new();
    for line in lines.lines() {
        let read = || {
            let mut parts = line.split('|');
            let depth: usize = parts.next()?.parse().ok()?;
            let mut package = parts.next()?.split(' ');
            let found = Crate {
                name: package.next()?.to_owned(),
                version: package.next()?.strip_prefix('v')?.to_owned(),
                license: parts.next()?.replace('/', " OR "),
                repository: parts.next()?.trim_end_matches(" (*)").to_owned(),
            };
            Some((depth, found))
        };
        let (depth, found) = read().with_context(|| format!("`{line}` is not understood"))?;
        path.truncate(depth);
        if path.len() < depth {
            bail!("`{line}` is deeper than it can be");
        }
        tree.uses.entry(found.clone()).or_default();
        match path.last() {
            Some(user) => {
                let uses = tree.uses.entry(user.clone()).or_default();
                uses.insert(found.clone());
            }
            None => tree.root = Some(found.clone()),
        }
        path.push(found);
    }
    Ok(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "\
0|ours v0.1.0 (/somewhere/ours)|MIT OR Apache-2.0|
1|a v1.0.0+more|MIT/Apache-2.0|https://example.com/a
2|b v2.0.0|MIT|https://example.com/b
3|c v3.0.0|MIT|
1|b v2.0.0|MIT|https://example.com/b (*)
1|c v3.0.0|MIT|
";

    #[test]
    fn what_uses_what_is_read() {
        let tree = parse(LINES).unwrap();
        assert_eq!(tree.root.unwrap().name, "ours");
        let uses: Vec<_> = tree
            .uses
            .iter()
            .map(|(user, used)| {
                let used: Vec<_> = used.iter().map(|used| used.name.as_str()).collect();
                format!("{} {}: {}", user.name, user.version, used.join(" "))
            })
            .collect();
        assert_eq!(
            uses,
            [
                "a 1.0.0+more: b",
                "b 2.0.0: c",
                "c 3.0.0: ",
                "ours 0.1.0: a b c"
            ]
        );
        let a = tree
            .uses
            .keys()
            .find(|package| package.name == "a")
            .unwrap();
        assert_eq!(a.license, "MIT OR Apache-2.0");
        let b = tree.uses.keys().filter(|package| package.name == "b");
        assert_eq!(
            b.map(|b| &b.repository).collect::<Vec<_>>(),
            ["https://example.com/b"]
        );
    }

    #[test]
    fn a_line_of_another_form_is_named() {
        for line in ["", "x|a v1|MIT|", "0|a 1|MIT|", "0|a v1|MIT"] {
            let problem = parse(&format!("{line}\n")).unwrap_err().to_string();
            assert_eq!(problem, format!("`{line}` is not understood"));
        }
        assert!(parse("0|a v1|MIT|\n2|b v1|MIT|\n").is_err());
    }
}

//! The SBOM of the distributed files: CycloneDX 1.5.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::checksums;
use crate::tree::{self, Crate, Tree};

pub const TARGET: &str = "wasm32-wasip2";

/// A distributed file with its crates.
pub struct Artifact {
    name: String,
    /// The SHA-256, if the file exists.
    sum: Option<String>,
    pub tree: Tree,
}

impl Artifact {
    /// A component, named by its path below `dist`.
    pub fn component(root: &Path, dist: &Path, package: &str, file: &Path) -> anyhow::Result<Self> {
        let name = file.strip_prefix(dist).unwrap_or(file).to_string_lossy();
        Ok(Self {
            name: name.into_owned(),
            sum: Some(checksums::of_file(file)?),
            tree: tree::of(root, package, Some(TARGET))?,
        })
    }

    /// An executable, which is built on the user's machine.
    pub fn executable(root: &Path, package: &str) -> anyhow::Result<Self> {
        Ok(Self {
            name: package.to_owned(),
            sum: None,
            tree: tree::of(root, package, None)?,
        })
    }
}

/// Writes the SBOM as JSON. Crates from a registry have their checksum from
/// `Cargo.lock`.
pub fn write(
    artifacts: &[Artifact],
    locked: &BTreeMap<(String, String), String>,
) -> anyhow::Result<String> {
    let mut given_away = Vec::new();
    let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut crates = BTreeSet::new();
    for artifact in artifacts {
        let root = artifact.tree.root.as_ref();
        let root = root.context("a tree without a root")?;
        let reference = format!("artifact:{}", artifact.name);
        given_away.push(described(artifact, &reference, root));
        let of_artifact = dependencies.entry(reference).or_default();
        of_artifact.insert(reference_to(root));
        for (user, used) in &artifact.tree.uses {
            crates.insert(user);
            let of_user = dependencies.entry(reference_to(user)).or_default();
            of_user.extend(used.iter().map(reference_to));
        }
    }
    let libraries: Vec<Value> = crates
        .into_iter()
        .map(|found| library(found, locked))
        .collect();
    let dependencies: Vec<Value> = dependencies
        .into_iter()
        .map(|(reference, used)| json!({"ref": reference, "dependsOn": used}))
        .collect();
    let product = json!({
        "type": "application",
        "bom-ref": "concept-refinement",
        "name": "concept-refinement",
        "version": env!("CARGO_PKG_VERSION"),
        "licenses": [{"expression": env!("CARGO_PKG_LICENSE")}],
        "components": given_away,
    });
    let bom = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": product},
        "components": libraries,
        "dependencies": dependencies,
    });
    Ok(format!("{bom:#}\n"))
}

fn described(artifact: &Artifact, reference: &str, root: &Crate) -> Value {
    let mut described = json!({
        "type": "application",
        "bom-ref": reference,
        "name": artifact.name,
        "version": root.version,
    });
    if let (Some(sum), Some(fields)) = (&artifact.sum, described.as_object_mut()) {
        fields.insert("hashes".to_owned(), sha256(sum));
    }
    described
}

fn library(found: &Crate, locked: &BTreeMap<(String, String), String>) -> Value {
    let mut library = json!({
        "type": "library",
        "bom-ref": reference_to(found),
        "name": found.name,
        "version": found.version,
        "licenses": [{"expression": found.license}],
    });
    let Some(fields) = library.as_object_mut() else {
        return library;
    };
    // The project's own crates are in no registry.
    if let Some(sum) = locked.get(&(found.name.clone(), found.version.clone())) {
        fields.insert("purl".to_owned(), reference_to(found).into());
        fields.insert("hashes".to_owned(), sha256(sum));
    }
    if !found.repository.is_empty() {
        let place = json!([{"type": "vcs", "url": found.repository}]);
        fields.insert("externalReferences".to_owned(), place);
    }
    library
}

fn sha256(sum: &str) -> Value {
    json!([{"alg": "SHA-256", "content": sum}])
}

/// The package URL. A plus sign has to be escaped, since it would mean a space.
fn reference_to(found: &Crate) -> String {
    let version = found.version.replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", found.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, version: &str, license: &str) -> Crate {
        Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.to_owned(),
            repository: String::new(),
        }
    }

    fn artifact(name: &str, sum: Option<&str>, uses: &[(&Crate, &[&Crate])]) -> Artifact {
        Artifact {
            name: name.to_owned(),
            sum: sum.map(ToOwned::to_owned),
            tree: Tree {
                root: Some(uses[0].0.clone()),
                uses: uses
                    .iter()
                    .map(|(user, used)| {
                        let used = used.iter().map(|used| (*used).clone());
                        ((*user).clone(), used.collect())
                    })
                    .collect(),
            },
        }
    }

    fn example() -> Value {
        let (ours, host) = (
            package("ours", "0.1.0", "MIT"),
            package("host", "0.1.0", "MIT"),
        );
        let (a, b) = (
            package("a", "1.0.0+x", "MIT OR Apache-2.0"),
            package("b", "2.0.0", "ISC"),
        );
        let artifacts = [
            artifact(
                "components/ours.wasm",
                Some("00ff"),
                &[(&ours, &[&a]), (&a, &[])],
            ),
            artifact("host", None, &[(&host, &[&a, &b]), (&a, &[&b]), (&b, &[])]),
        ];
        let locked = BTreeMap::from([(("a".to_owned(), "1.0.0+x".to_owned()), "abcd".to_owned())]);
        serde_json::from_str(&write(&artifacts, &locked).unwrap()).unwrap()
    }

    #[test]
    fn every_crate_is_listed_once_with_what_is_known_of_it() {
        let bom = example();
        assert_eq!(bom["bomFormat"], "CycloneDX");
        assert_eq!(bom["specVersion"], "1.5");
        let listed: Vec<_> = bom["components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|library| library["name"].as_str().unwrap())
            .collect();
        assert_eq!(listed, ["a", "b", "host", "ours"]);
        let a = &bom["components"][0];
        assert_eq!(a["purl"], "pkg:cargo/a@1.0.0%2Bx");
        assert_eq!(a["version"], "1.0.0+x");
        assert_eq!(a["licenses"], json!([{"expression": "MIT OR Apache-2.0"}]));
        assert_eq!(a["hashes"], json!([{"alg": "SHA-256", "content": "abcd"}]));
        assert!(bom["components"][3].get("purl").is_none());
    }

    #[test]
    fn what_is_given_away_leads_to_what_is_in_it() {
        let bom = example();
        let given = &bom["metadata"]["component"]["components"];
        assert_eq!(given[0]["name"], "components/ours.wasm");
        assert_eq!(
            given[0]["hashes"],
            json!([{"alg": "SHA-256", "content": "00ff"}])
        );
        assert!(given[1].get("hashes").is_none());
        let uses = |reference: &str| {
            let all = bom["dependencies"].as_array().unwrap();
            let of = all.iter().find(|entry| entry["ref"] == reference).unwrap();
            of["dependsOn"].clone()
        };
        let ours = given[0]["bom-ref"].as_str().unwrap();
        assert_eq!(uses(ours), json!(["pkg:cargo/ours@0.1.0"]));
        assert_eq!(
            uses("pkg:cargo/ours@0.1.0"),
            json!(["pkg:cargo/a@1.0.0%2Bx"])
        );
        // What one artifact needs of a crate and another does not.
        assert_eq!(uses("pkg:cargo/a@1.0.0%2Bx"), json!(["pkg:cargo/b@2.0.0"]));
        assert_eq!(uses("pkg:cargo/b@2.0.0"), json!([]));
    }
}

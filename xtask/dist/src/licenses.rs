//! The licence texts of everything that is linked: those that the crates include, and
//! those of the standard library.
//!
//! A crate without a text is an error, unless its licence text contains no names and so
//! is the same everywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use fs_err as fs;
use serde::Deserialize;

use crate::output;
use crate::tree::Crate;

/// Beginnings of the names of files with licence texts, in lower case.
const NAMES: [&str; 6] = [
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "unlicense",
];

/// Extensions of files that only look like licence texts.
const NO_TEXTS: [&str; 4] = ["rs", "toml", "json", "py"];

/// Licences whose texts contain no copyright holder.
const NAMELESS: [&str; 2] = ["Apache-2.0", "Apache-2.0 WITH LLVM-exception"];

/// Location of the standard library's licence texts in a toolchain.
const OF_LIBRARY: &str = "share/doc/rust/COPYRIGHT-library.html";

/// Part of each component through the standard library, but missing in its document.
const WASI_LIBC: &str = "\
wasi-libc is licensed under the Apache License 2.0 with LLVM Exceptions, the Apache
License 2.0 and the MIT License, whose texts are below. Parts of it are derived from
musl (MIT License, Copyright © 2005-2020 Rich Felker, et al.), cloudlibc and
libpreopen (BSD-2-Clause, Copyright © 2015-2017 Nuxi and contributors, Copyright ©
2016-2017 Stanley Uche Godfrey, Jonathan Anderson) and dlmalloc (CC0, Doug Lea).
";

const RULE: &str =
    "================================================================================\n";

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
}

/// The directories of crates, by name and version.
pub type Places = BTreeMap<(String, String), PathBuf>;

/// The directories of all crates for a target, according to cargo.
pub fn places(root: &Path, target: &str) -> anyhow::Result<Places> {
    let mut cargo = crate::cargo(root);
    cargo
        .args(["metadata", "--locked", "--format-version", "1"])
        .args(["--filter-platform", target]);
    let metadata = output(&mut cargo)?;
    let metadata: Metadata = serde_json::from_slice(&metadata).context("cargo metadata")?;
    let directory = |manifest: &Path| manifest.parent().unwrap_or(manifest).to_owned();
    Ok(metadata
        .packages
        .into_iter()
        .map(|found| ((found.name, found.version), directory(&found.manifest_path)))
        .collect())
}

/// This machine's target.
pub fn target_of_this_machine() -> anyhow::Result<String> {
    let version = output(rustc().arg("-vV"))?;
    let version = String::from_utf8(version)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// The licence document of the standard library.
pub fn of_library() -> anyhow::Result<Vec<u8>> {
    let sysroot = output(rustc().args(["--print", "sysroot"]))?;
    let path = Path::new(String::from_utf8(sysroot)?.trim()).join(OF_LIBRARY);
    fs::read(&path).with_context(|| {
        let path = path.display();
        format!("{path} has the licences of the standard library: rustup installs it")
    })
}

/// Writes each text once, below the crates that it applies to. Crates below `root` belong
/// to the workspace and use its texts, besides those of what they include of others.
pub fn write(crates: &BTreeSet<Crate>, places: &Places, root: &Path) -> anyhow::Result<String> {
    let mut of_crates = BTreeMap::new();
    for found in crates {
        let place = places.get(&(found.name.clone(), found.version.clone()));
        let place = place.with_context(|| format!("{} has no directory", name(found)))?;
        let mut own = texts(place)?;
        if place.starts_with(root) {
            own.append(&mut texts(root)?);
        }
        of_crates.insert(found, own);
    }
    let nameless = |license: &str| {
        let same = of_crates.iter().find(|(found, texts)| {
            NAMELESS.contains(&license) && found.license == license && !texts.is_empty()
        });
        same.map(|(_, texts)| texts.clone())
    };
    let mut users: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (found, texts) in &of_crates {
        let texts = match texts.is_empty() {
            false => texts.clone(),
            true => nameless(&found.license)
                .with_context(|| format!("{} brings no licence text", name(found)))?,
        };
        for text in texts {
            users.entry(text).or_default().insert(name(found));
        }
    }
    let mut groups: Vec<_> = users
        .into_iter()
        .map(|(text, users)| (users, text))
        .collect();
    groups.sort();
    let mut all = format!(
        "What is linked into the components and the executable, and under which licence.\n\
         The standard library's are in rust-library.html.\n\n{RULE}{WASI_LIBC}"
    );
    for (users, text) in groups {
        all.push_str(&format!("\n{RULE}"));
        for user in users {
            all.push_str(&format!("{user}\n"));
        }
        all.push_str(&format!("\n{text}"));
    }
    Ok(all)
}

fn name(found: &Crate) -> String {
    format!("{} {} ({})", found.name, found.version, found.license)
}

/// The texts in a crate's directory, and in a subdirectory with such a name.
fn texts(directory: &Path) -> anyhow::Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if !is_text(&path) {
            continue;
        }
        let files = match path.is_dir() {
            true => fs::read_dir(&path)?
                .map(|entry| Ok(entry?.path()))
                .collect::<anyhow::Result<_>>()?,
            false => vec![path],
        };
        for file in files {
            let text = fs::read(&file)?;
            let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
            texts.insert(format!("{}\n", text.trim_matches(['\n', '\u{feff}'])));
        }
    }
    Ok(texts)
}

fn is_text(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    NAMES.iter().any(|begin| name.starts_with(begin)) && !NO_TEXTS.contains(&ending)
}

fn rustc() -> Command {
    Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LLVM: &str = "Apache-2.0 WITH LLVM-exception";

    /// A crate's name and licence, and the files in its directory.
    type Given<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)]);

    fn written(crates: &[Given<'_>]) -> anyhow::Result<String> {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("ours");
        fs::create_dir(&root).unwrap();
        fs::write(root.join("LICENSE-MIT"), "our text").unwrap();
        let (mut found, mut places) = (BTreeSet::new(), Places::new());
        for (name, license, files) in crates {
            let parent = if *name == "ours" { &root } else { place.path() };
            let directory = parent.join(format!("crate-{name}"));
            for (file, text) in *files {
                let path = directory.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            fs::create_dir_all(&directory).unwrap();
            places.insert(((*name).to_owned(), "1.0.0".to_owned()), directory);
            found.insert(Crate {
                name: (*name).to_owned(),
                version: "1.0.0".to_owned(),
                license: (*license).to_owned(),
                repository: String::new(),
            });
        }
        write(&found, &places, &root)
    }

    #[test]
    fn each_text_is_there_once_with_all_its_crates() {
        let all = written(&[
            ("a", "MIT", &[("LICENSE", "one\r\ntext\r\n\n")]),
            (
                "b",
                "MIT",
                &[("license.md", "one\ntext\n"), ("NOTICE", "more")],
            ),
            (
                "c",
                "ISC",
                &[("licenses/ring.txt", "two"), ("license.rs", "code")],
            ),
            ("ours", "MIT", &[("LICENSE-weights.txt", "three")]),
        ])
        .unwrap();
        let groups: Vec<_> = all.split(RULE).skip(2).map(str::trim).collect();
        assert_eq!(
            groups,
            [
                "a 1.0.0 (MIT)\nb 1.0.0 (MIT)\n\none\ntext",
                "b 1.0.0 (MIT)\n\nmore",
                "c 1.0.0 (ISC)\n\ntwo",
                "ours 1.0.0 (MIT)\n\nour text",
                "ours 1.0.0 (MIT)\n\nthree",
            ]
        );
    }

    #[test]
    fn a_text_that_names_nobody_stands_for_the_same_licence() {
        let all = written(&[
            ("a", LLVM, &[]),
            ("b", LLVM, &[("LICENSE", "with exceptions")]),
        ])
        .unwrap();
        let group = "a 1.0.0 (Apache-2.0 WITH LLVM-exception)\n\
                     b 1.0.0 (Apache-2.0 WITH LLVM-exception)\n\nwith exceptions\n";
        assert!(all.ends_with(group), "{all}");
    }

    #[test]
    fn a_crate_without_a_text_is_named() {
        for (license, other) in [("MIT", "MIT"), (LLVM, "Apache-2.0")] {
            let crates: [Given<'_>; 2] =
                [("a", license, &[]), ("b", other, &[("LICENSE", "text")])];
            let problem = written(&crates).unwrap_err().to_string();
            assert_eq!(
                problem,
                format!("a 1.0.0 ({license}) brings no licence text")
            );
        }
    }
}

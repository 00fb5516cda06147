//! `model new NAME --kind KIND --language LANGUAGE`

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::Context as _;
use clap::ArgMatches;
use concept_refinement_capability::folder::{Folder, draft_name};

use super::super::failure::Failure;
use super::super::terminal::print;
use super::templates::{File, files};

/// Longest name, in characters.
const LONGEST: usize = 64;

/// Creates the directory atomically.
pub fn run(matches: &ArgMatches) -> Result<(), Failure> {
    let text = |name| matches.get_one::<String>(name).map(String::as_str);
    let name = text("name").unwrap_or_default();
    let kind = text("kind").unwrap_or_default();
    let language = text("language").unwrap_or_default();
    if !is_name(name) {
        return Err(Failure::usage(format!(
            "{name:?} is not a valid model name: use at most {LONGEST} lower-case letters, digits, \
             - and _, starting with a letter"
        )));
    }
    let files = files(kind, language, name).ok_or_else(|| {
        Failure::usage(format!(
            "there is no template of the kind {kind} in {language}: use --language rust"
        ))
    })?;
    let to = Path::new(name);
    if !is_free(to)? {
        return Err(Failure::usage(format!(
            "{name} already exists, and is not an empty directory"
        )));
    }
    let here = Folder::followed(Path::new("."))?;
    let draft = draft_name();
    let folder = here
        .create_folder(&draft, 0o777)
        .context("the current directory cannot be written to")?;
    let write = |(path, text): File| {
        let mut file = folder.create_below(Path::new(path), 0o777)?;
        file.write_all(text.as_bytes())
    };
    let written = files.into_iter().try_for_each(write);
    let made = written.and_then(|()| here.rename(&draft, &here, to.as_os_str()));
    if made.is_err() {
        // The error of creating it is more specific.
        let _ = here.remove_all(&draft);
    }
    made.with_context(|| format!("{name} cannot be created"))?;
    let done = format!("{name}/README.md explains how to build and try it\n");
    Ok(print(done)?)
}

/// Whether the name is valid for a directory, a Rust package, and an npm package.
fn is_name(name: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_allowed)
        && name.len() <= LONGEST
}

/// Whether nothing exists there, or only an empty directory.
fn is_free(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
        Ok(found) if found.is_dir() => Ok(fs::read_dir(path)?.next().is_none()),
        Ok(_) => Ok(false),
    }
}

//! `SHA256SUMS`: one line for each other file, sorted by name.

use std::fmt::Write as _;
use std::path::Path;

use fs_err as fs;
use sha2::{Digest as _, Sha256};

const NAME: &str = "SHA256SUMS";

/// Writes the file into the directory that it describes.
pub fn write(directory: &Path) -> anyhow::Result<()> {
    let mut names = Vec::new();
    collect(directory, "", &mut names)?;
    names.sort();
    let mut lines = String::new();
    for name in names.iter().filter(|name| *name != NAME) {
        let sum = of_file(&directory.join(name))?;
        let _ = writeln!(lines, "{sum}  {name}");
    }
    Ok(fs::write(directory.join(NAME), lines)?)
}

/// SHA-256 in hexadecimal.
pub fn of_file(path: &Path) -> anyhow::Result<String> {
    Ok(format!("{:x}", Sha256::digest(fs::read(path)?)))
}

fn collect(directory: &Path, before: &str, names: &mut Vec<String>) -> anyhow::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = format!("{before}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_has_a_line_and_the_list_itself_has_none() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("a/b")).unwrap();
        for (name, contents) in [("z", "abc"), ("a/b/empty", ""), ("a.txt", "abc")] {
            fs::write(directory.path().join(name), contents).unwrap();
        }
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        // Running it again ignores the list itself.
        for _ in 0..2 {
            write(directory.path()).unwrap();
            assert_eq!(
                fs::read_to_string(directory.path().join(NAME)).unwrap(),
                format!("{abc}  a.txt\n{empty}  a/b/empty\n{abc}  z\n")
            );
        }
    }
}

//! Runs other programs; an error names the failed command.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use anyhow::{Context as _, bail};

const POLL: Duration = Duration::from_millis(100);

/// Runs a program to its end, with our standard output and standard error.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("`{}` cannot be run", line(command)))?;
    check(command, status)
}

/// Fails unless the program succeeded.
pub fn check(command: &Command, status: ExitStatus) -> anyhow::Result<()> {
    if !status.success() {
        bail!("`{}` failed ({status})", line(command));
    }
    Ok(())
}

/// The standard output of a program, without the final line break.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{}` cannot be run", line(command)))?;
    check(command, output.status)?;
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.trim_end().to_owned())
}

/// Whether a program succeeds; its output is discarded.
pub fn succeeds(command: &mut Command) -> bool {
    quiet(command).status().is_ok_and(|status| status.success())
}

/// Whether a program succeeds within a time limit; it is killed afterwards.
pub fn succeeds_within(limit: Duration, command: &mut Command) -> io::Result<bool> {
    let mut child = quiet(command).spawn()?;
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.success());
        }
        if Instant::now() >= end {
            child.kill()?;
            child.wait()?;
            return Ok(false);
        }
        thread::sleep(POLL);
    }
}

/// The executable of this name that the shell would find.
pub fn find(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", env::consts::EXE_SUFFIX);
    env::split_paths(&env::var_os("PATH")?)
        .map(|directory| directory.join(&name))
        .find(|path| path.is_file())
}

fn quiet(command: &mut Command) -> &mut Command {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
}

/// The command line, for messages.
fn line(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut line = program
        .file_stem()
        .unwrap_or_else(|| OsStr::new("?"))
        .to_string_lossy()
        .into_owned();
    for argument in command.get_args() {
        let _ = write!(line, " {}", argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_command() {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(["no-such-command", "--flag"])
            .stderr(Stdio::null());
        let error = run(&mut command).unwrap_err().to_string();
        assert!(
            error.starts_with("`cargo no-such-command --flag` failed ("),
            "{error}"
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(&mut Command::new("/no/such/program"))
            .unwrap_err()
            .to_string();
        assert_eq!(error, "`program` cannot be run");
    }

    #[test]
    fn output_has_no_final_line_break() {
        let version = output(Command::new(env!("CARGO")).arg("--version")).unwrap();
        assert!(
            version.starts_with("cargo ") && !version.contains('\n'),
            "{version:?}"
        );
    }

    #[test]
    fn success_and_failure_are_told_apart() {
        assert!(succeeds(Command::new(env!("CARGO")).arg("--version")));
        assert!(!succeeds(
            Command::new(env!("CARGO")).arg("no-such-command")
        ));
        assert!(!succeeds(&mut Command::new("/no/such/program")));
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_hangs_is_ended() {
        let started = Instant::now();
        let limit = Duration::from_millis(50);
        assert!(!succeeds_within(limit, Command::new("sleep").arg("600")).unwrap());
        assert!(started.elapsed() < Duration::from_secs(300));
    }

    #[cfg(unix)]
    #[test]
    fn what_the_shell_finds_is_found() {
        assert!(find("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find("no-such-program-anywhere"), None);
    }
}

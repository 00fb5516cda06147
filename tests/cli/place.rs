//! A directory in which commands are run, and nothing else is.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use concept_refinement_tests::artifacts;
use concept_refinement_tests::reaper::{Reaped, scratch};
pub use concept_refinement_tests::shared::origin;

pub struct Place(PathBuf);

/// A command that has ended.
#[derive(Debug)]
pub struct Done {
    /// 128 and the signal's number where that ended it.
    pub code: i32,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl Place {
    pub fn new() -> Self {
        Self(scratch("cli"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// All files, hidden ones included.
    pub fn files(&self) -> Vec<String> {
        let mut files = Vec::new();
        collect(&self.0, &mut files);
        let mut names: Vec<_> = files
            .iter()
            .map(|path| path.strip_prefix(&self.0).unwrap())
            .map(|path| path.to_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    }

    /// The command of the executable with what it needs to find its parts.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        prepared(Command::new(artifacts::binary()), &self.0, arguments)
    }

    /// The program with SIGHUP as a terminal has it, even if whoever runs the tests
    /// ignores it.
    pub fn command_of_terminal<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Command {
        let mut starter = Command::new("env");
        starter.arg("--default-signal=HUP").arg(artifacts::binary());
        prepared(starter, &self.0, arguments)
    }

    pub fn run<A: AsRef<OsStr>>(&self, arguments: &[A]) -> Done {
        run(&mut self.command(arguments), b"")
    }

    /// With the model that does what the prompt tells it to do.
    pub fn scripted(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.arg("--model").arg(artifacts::scripted_model());
        command
    }

    pub fn run_scripted(&self, arguments: &[&str]) -> Done {
        run(&mut self.scripted(arguments), b"")
    }
}

/// Compiled code is shared with the services of the tests.
pub fn prepared<A: AsRef<OsStr>>(mut command: Command, place: &Path, arguments: &[A]) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("REFINEMENT_") {
            command.env_remove(name);
        }
    }
    let (name, rest) = arguments.split_first().unwrap();
    command.arg(name);
    if ["refine", "mcp", "check"]
        .iter()
        .any(|it| name.as_ref() == *it)
    {
        command.arg("--components").arg(artifacts::components());
    }
    command.args(rest);
    let is_test = rest.first().is_some_and(|word| word.as_ref() == "test");
    if name.as_ref() == "model" && is_test {
        command.arg("--components").arg(artifacts::components());
    }
    command
        .current_dir(place)
        .env("XDG_CACHE_HOME", artifacts::user_cache())
        .env("HOME", place);
    command
}

pub fn run(command: &mut Command, input: &[u8]) -> Done {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Reaped::spawn(command);
    let mut stdin = process.child().stdin.take().unwrap();
    let input = input.to_vec();
    thread::spawn(move || {
        // One that reads nothing closes it.
        let _ = stdin.write_all(&input);
    });
    let stdout = all_of(process.child().stdout.take().unwrap());
    let stderr = all_of(process.child().stderr.take().unwrap());
    ended(&mut process, stdout.join().unwrap(), stderr.join().unwrap())
}

pub fn ended(process: &mut Reaped, stdout: Vec<u8>, stderr: Vec<u8>) -> Done {
    let status = process.child().wait().unwrap();
    let by_signal = || 128 + status.signal().unwrap();
    Done {
        code: status.code().unwrap_or_else(by_signal),
        stdout,
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

fn all_of(mut output: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut all = Vec::new();
        output.read_to_end(&mut all).unwrap();
        all
    })
}

impl Done {
    /// It succeeded, and had nothing to say to a pipe.
    #[track_caller]
    pub fn silent(&self) {
        assert_eq!(self.code, 0, "{}", self.stderr);
        assert_eq!(self.stderr, "");
    }

    /// It ended so, with one sentence that has this, and nothing on standard output.
    #[track_caller]
    pub fn refused(&self, code: i32, sentence: &str) {
        assert_eq!(self.code, code, "{}", self.stderr);
        assert_eq!(self.text(), "", "{}", self.stderr);
        assert!(self.stderr.contains(sentence), "{}", self.stderr);
        assert!(self.stderr.ends_with('\n'), "{}", self.stderr);
        if !self.stderr.starts_with("error: ") {
            assert_eq!(self.stderr.lines().count(), 1, "{}", self.stderr);
        }
        let odd = |character: char| character.is_control() && character != '\n';
        assert!(!self.stderr.contains(odd), "{:?}", self.stderr);
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).unwrap()
    }
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() && !path.is_symlink() {
            true => collect(&path, files),
            false => files.push(path),
        }
    }
}

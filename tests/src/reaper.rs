//! Cleans up after a test process, however it ends.
//!
//! Things shared by tests are in statics, which are never dropped. So a shell
//! reads from a pipe that closes when this process ends, then kills the
//! processes whose ids it was given and removes the run's directory.

use std::io::{BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex};

use rustix::process::{Pid, Signal, kill_process_group};

const SCRIPT: &str = r#"
trap '' INT TERM
ids=' '
while read -r sign id; do
  case $sign in
    +) ids="$ids$id " ;;
    -) case $ids in *" $id "*) ids="${ids%%" $id "*} ${ids#*" $id "}" ;; esac ;;
  esac
done
for id in $ids; do kill -9 "$id"; done
rm -rf -- "$1"
"#;

struct Reaper {
    scratch: PathBuf,
    shell: Mutex<Child>,
}

static REAPER: LazyLock<Reaper> = LazyLock::new(|| {
    let scratch = tempfile::Builder::new()
        .prefix("concept-refinement-test-")
        .tempdir()
        .unwrap()
        .keep();
    let shell = Command::new("sh")
        .args(["-c", SCRIPT, "reaper"])
        .arg(&scratch)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Reaper {
        scratch,
        shell: Mutex::new(shell),
    }
});

/// What comes of a command with this on its standard input, of which it may read nothing.
pub fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

/// A new directory that is removed after the run.
pub fn scratch(name: &str) -> PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let path = Path::new(&REAPER.scratch).join(format!("{name}-{count}"));
    std::fs::create_dir(&path).unwrap();
    path
}

/// A child that does not outlive this process. It is killed when it is dropped,
/// and so are its own children where it leads a group of processes.
pub struct Reaped {
    child: Child,
    leads_group: bool,
}

/// What a child reads and writes.
pub struct Streams {
    pub input: ChildStdin,
    pub output: BufReader<ChildStdout>,
    pub errors: ChildStderr,
}

impl Reaped {
    /// With all of its streams.
    pub fn piped(command: &mut Command) -> (Self, Streams) {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Self::spawn(command);
        let streams = Streams {
            input: process.child.stdin.take().unwrap(),
            output: BufReader::new(process.child.stdout.take().unwrap()),
            errors: process.child.stderr.take().unwrap(),
        };
        (process, streams)
    }

    pub fn spawn(command: &mut Command) -> Self {
        Self::begin(command, false)
    }

    /// For a program that leaves the work to children of its own.
    pub fn spawn_group(command: &mut Command) -> Self {
        Self::begin(command.process_group(0), true)
    }

    fn begin(command: &mut Command, leads_group: bool) -> Self {
        LazyLock::force(&REAPER);
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} cannot be started: {error}"));
        let reaped = Self { child, leads_group };
        reaped.tell('+');
        reaped
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn pid(&self) -> Pid {
        let id = i32::try_from(self.id()).unwrap();
        Pid::from_raw(id).unwrap()
    }

    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Ends it at once (SIGKILL).
    pub fn kill(&mut self) {
        // It may have ended by itself, and its id stays its own until it is
        // waited for.
        if self.leads_group && matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process_group(self.pid(), Signal::KILL);
        }
        let _ = self.child.kill();
    }

    fn tell(&self, sign: char) {
        let group = if self.leads_group { "-" } else { "" };
        let mut shell = REAPER.shell.lock().unwrap();
        writeln!(shell.stdin.as_mut().unwrap(), "{sign} {group}{}", self.id()).unwrap();
    }
}

impl Drop for Reaped {
    fn drop(&mut self) {
        self.kill();
        self.tell('-');
        let _ = self.child.wait();
    }
}

//! A disk of a few MiB that can be filled, made read-only and freed: a tmpfs in
//! a mount namespace of its own, so that nobody else sees it and an ordinary
//! user may mount it.
//!
//! A process of ours holds the namespace, so that the disk outlives the
//! services on it.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::reaper::Reaped;

/// Mounts, says so, and holds the namespace until its standard input ends.
const HOLD: &str = r#"
mount -t tmpfs -o "$1,mode=0700" tmpfs "$2" || exit
echo mounted
exec cat
"#;

/// By these a namespace can be made: by anyone, or by root alone.
const WAYS: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];

/// In its root, beside what the service keeps there.
const FILLER: &str = "filler";

/// What is written at once to fill the disk, in bytes.
const BLOCKS: [usize; 3] = [64 * 1024, 4096, 1];

/// The unit in which a tmpfs gives room, in bytes.
pub const PAGE: u64 = 4096;

pub struct SmallDisk {
    holder: Reaped,
    /// With a user namespace as well.
    mapped: bool,
    place: PathBuf,
}

impl std::fmt::Debug for SmallDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("SmallDisk").field(&self.place).finish()
    }
}

impl SmallDisk {
    /// At an existing directory, as those see it that are started on the disk. `options`:
    /// as `size=8m,nr_inodes=400`.
    pub fn new(place: &Path, options: &str) -> Self {
        let mut refused = String::new();
        for way in WAYS {
            match hold(way, place, options) {
                Ok(holder) => {
                    return Self {
                        holder,
                        mapped: way.contains(&"--user"),
                        place: place.to_owned(),
                    };
                }
                Err(error) => refused.push_str(&error),
            }
        }
        panic!("this machine permits no mount namespace, which this test needs: {refused}");
    }

    /// Where it is for those on it.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Where it is for those outside.
    pub fn path(&self) -> PathBuf {
        let place = self.place.strip_prefix("/").unwrap();
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(place)
    }

    /// A command that runs in `directory`, where the disk is. Its process is
    /// that of the program.
    pub fn command(&self, directory: &Path, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--target={}", self.holder.id()))
            .args(self.mapped.then_some("--user"))
            .args(self.mapped.then_some("--preserve-credentials"))
            .args(["--mount", "sh", "-c", r#"cd "$0" && exec "$@""#])
            .arg(directory)
            .arg(program);
        command
    }

    /// Takes all the room that there is.
    pub fn fill(&self) {
        let mut filler = File::options()
            .append(true)
            .create(true)
            .open(self.path().join(FILLER))
            .unwrap();
        for size in BLOCKS {
            let block = vec![0; size];
            let error = loop {
                if let Err(error) = filler.write_all(&block) {
                    break error;
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{error}");
        }
    }

    /// Takes all the room but so many pages.
    pub fn fill_but(&self, pages: u64) {
        self.fill();
        let filler = File::options()
            .write(true)
            .open(self.path().join(FILLER))
            .unwrap();
        let length = filler.metadata().unwrap().len();
        let kept = (length / PAGE).saturating_sub(pages);
        filler.set_len(kept * PAGE).unwrap();
    }

    /// What may still be written, in bytes.
    pub fn available(&self) -> u64 {
        let found = rustix::fs::statvfs(self.path()).unwrap();
        found.f_bavail * found.f_frsize
    }

    /// Gives the room back that was taken.
    pub fn free(&self) {
        fs::remove_file(self.path().join(FILLER)).unwrap();
    }

    /// Lets nobody write below a directory of the disk, given from its root.
    pub fn make_read_only(&self, directory: &str) {
        self.run(
            r#"mount --bind "$1" "$1" && mount -o remount,bind,ro "$1""#,
            directory,
        );
    }

    pub fn make_writable(&self, directory: &str) {
        self.run(r#"umount "$1""#, directory);
    }

    fn run(&self, script: &str, directory: &str) {
        let status = self
            .command(Path::new("/"), "sh")
            .args(["-c", script, "sh"])
            .arg(self.place.join(directory))
            .status()
            .unwrap();
        assert!(status.success(), "{script}: {status}");
    }
}

/// The process that holds the namespace, or why there is none.
fn hold(way: &[&str], place: &Path, options: &str) -> Result<Reaped, String> {
    let mut command = Command::new("unshare");
    command
        .args(way)
        .args(["sh", "-c", HOLD, "sh", options])
        .arg(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut holder = Reaped::spawn(&mut command);
    let mut line = String::new();
    let stdout = holder.child().stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    if line == "mounted\n" {
        return Ok(holder);
    }
    let mut why = String::new();
    let mut stderr = holder.child().stderr.take().unwrap();
    stderr.read_to_string(&mut why).unwrap();
    Err(format!("unshare {}: {why}", way.join(" ")))
}

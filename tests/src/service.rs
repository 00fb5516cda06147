//! The service itself: the real executable, on a data directory of its own.

mod log;
mod output;

use std::env;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use self::log::{Lines, Log, START};
pub use self::output::Output;
use crate::artifacts;
use crate::deadline::{SOON, eventually};
use crate::disk::SmallDisk;
use crate::platform::wasmtime;
use crate::process::{Process, Usage};
use crate::reaper::{Reaped, scratch};
use crate::tokens::{AUDIENCE, ISSUER, SECRET};

/// Longer than a stop may take (30 s).
const STOP: Duration = Duration::from_secs(45);

/// How to start the service. Starting it twice starts it twice on the same
/// data: a restart, if the first has ended.
#[derive(Clone, Debug)]
pub struct Launch {
    program: PathBuf,
    components: PathBuf,
    directory: PathBuf,
    flags: Vec<String>,
    variables: Vec<(String, String)>,
    /// None: the data are on the disk of the machine.
    disk: Option<Arc<SmallDisk>>,
    /// What `wasmtime serve` runs. None: our host, with the components that ship.
    composition: Option<PathBuf>,
    /// What starts the program: it may be limited in one way or another.
    starter: Vec<String>,
    stdout: Output,
    stderr: Output,
}

/// A service at work; it is killed when it is dropped.
pub struct Service {
    process: Reaped,
    url: String,
    log: Log,
}

/// A service that has ended.
#[derive(Debug)]
pub struct Ended {
    /// Of its process.
    pub id: u32,
    pub status: ExitStatus,
    /// Standard output and standard error.
    pub log: String,
}

impl Launch {
    /// On a free port, with a new directory and the defaults.
    pub fn new() -> Self {
        Self::of(scratch("service"))
    }

    /// The same with this directory, which is new, or that of another launch.
    pub fn of(directory: PathBuf) -> Self {
        let (data, compiled) = (directory.join("data"), artifacts::compiled());
        if !data.exists() {
            std::fs::create_dir(&data).unwrap();
            std::os::unix::fs::symlink(compiled, data.join("compiled")).unwrap();
        }
        let launch = Self {
            program: artifacts::binary(),
            components: artifacts::components(),
            directory,
            flags: Vec::new(),
            variables: Vec::new(),
            disk: None,
            composition: None,
            starter: Vec::new(),
            stdout: Output::Log,
            stderr: Output::Log,
        };
        let launch = launch.set("listen", "127.0.0.1:0");
        match env::var("REFINEMENT_TEST_PLATFORM").as_deref() {
            Ok("wasmtime") => launch.on_wasmtime(artifacts::composed("standalone")),
            Ok(other) => panic!("there is no platform {other:?}"),
            Err(_) => launch.on_engines_of_run(),
        }
    }

    /// What tells it from other launches.
    pub(crate) fn name(&self) -> String {
        let name = self.directory.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The same settings, with a new directory.
    pub fn elsewhere(&self) -> Self {
        let Self { directory, .. } = Self::new();
        Self {
            directory,
            ..self.clone()
        }
    }

    /// Sets a setting by its flag; a later value replaces an earlier one.
    pub fn set(self, name: &str, value: &str) -> Self {
        self.unset(name).flag(&format!("--{name}={value}"))
    }

    /// What a setting is set to by its flag.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let flag = format!("--{name}=");
        self.flags.iter().find_map(|it| it.strip_prefix(&flag))
    }

    /// Leaves a setting to the file, the environment or its default.
    pub fn unset(mut self, name: &str) -> Self {
        let flag = format!("--{name}=");
        self.flags.retain(|other| !other.starts_with(&flag));
        self
    }

    pub fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Writes `refinement.toml`, where the service looks for it.
    pub fn file(self, text: &str) -> Self {
        std::fs::write(self.directory.join("refinement.toml"), text).unwrap();
        self
    }

    /// With faults around the capabilities: see [`crate::faults`].
    pub fn faulty(mut self) -> Self {
        self.program = artifacts::faulty_binary();
        self
    }

    /// What another checkout built for a release, by its target directory, with that
    /// checkout's scripted model.
    pub fn built_in(mut self, target: &Path) -> Self {
        let model = target.join("test-components/model-scripted.wasm");
        self.program = target.join("release/concept-refinement");
        self.components = target.join("components");
        self.set("model", model.to_str().unwrap())
    }

    /// On `wasmtime serve`, which takes settings and variables but no other flags.
    pub fn on_wasmtime(self, composition: PathBuf) -> Self {
        Self {
            composition: Some(composition),
            ..self
        }
    }

    /// With the model that does what the prompt tells it to do.
    pub fn scripted(self) -> Self {
        if self.composition.is_some() {
            return self.on_wasmtime(artifacts::test_composed("standalone"));
        }
        let model = artifacts::scripted_model();
        self.set("model", model.to_str().unwrap())
    }

    /// On the first cores of the machine alone, which have to be there.
    pub fn on_cores(self, count: usize) -> Self {
        self.by(&["taskset", "--cpu-list", &format!("0-{}", count - 1)])
    }

    /// With no more open files than so many.
    pub fn with_open_files(self, count: usize) -> Self {
        self.by(&["prlimit", &format!("--nofile={count}:{count}")])
    }

    /// So that the end of a terminal does not end it.
    pub fn nohup(self) -> Self {
        self.by(&["nohup"])
    }

    /// With SIGHUP as a terminal has it, even if whoever runs the tests ignores it.
    pub fn of_terminal(self) -> Self {
        self.by(&["env", "--default-signal=HUP"])
    }

    /// By a command that ends its own words with those of another, which it becomes.
    pub fn by(mut self, starter: &[&str]) -> Self {
        assert!(self.disk.is_none(), "a small disk has a starter of its own");
        let starter = starter.iter().map(|word| (*word).to_owned());
        self.starter.extend(starter);
        self
    }

    /// With another standard error.
    pub fn stderr(self, stderr: Output) -> Self {
        Self { stderr, ..self }
    }

    /// With another standard output, where nobody reads the URL: it has to
    /// listen on a port that is given.
    pub fn stdout(self, stdout: Output) -> Self {
        Self { stdout, ..self }
    }

    /// With the data on a disk of this size, in bytes. The code that the
    /// services share is elsewhere and takes nothing of it.
    pub fn on_small_disk(self, bytes: u64) -> Self {
        self.on_disk(&format!("size={bytes}"))
    }

    /// The same for a disk with these options.
    pub fn on_disk(mut self, options: &str) -> Self {
        let disk = SmallDisk::new(&self.directory.join("data"), options);
        let compiled = disk.path().join("compiled");
        std::os::unix::fs::symlink(artifacts::compiled(), compiled).unwrap();
        self.disk = Some(Arc::new(disk));
        self
    }

    /// The small disk that the data are on.
    pub fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    /// With the tokens of `tokens` from outside, for users of any name.
    pub fn with_tokens(self) -> Self {
        self.set("auth", "secret")
            .variable("REFINEMENT_JWT_SECRET", SECRET)
            .set("jwt-audience", AUDIENCE)
            .set("jwt-issuer", ISSUER)
    }

    /// With the tokens of an issuer that publishes its keys here.
    pub fn with_issuer(self, url: &str) -> Self {
        self.set("auth", "jwks")
            .set("jwks-url", url)
            .set("jwt-audience", AUDIENCE)
            .set("jwt-issuer", ISSUER)
    }

    pub fn data(&self) -> PathBuf {
        match &self.disk {
            Some(disk) => disk.path(),
            None => self.directory.join("data"),
        }
    }

    /// The same, at the address where `service` listened.
    pub fn at(self, service: &Service) -> Self {
        let address = service.url.trim_start_matches("http://").to_owned();
        self.set("listen", &address)
    }

    /// Starts it and waits until it is ready.
    pub fn start(&self) -> Service {
        if matches!(self.stdout, Output::Log) {
            return self.try_start().unwrap_or_else(|ended| ended.too_soon());
        }
        let (process, log, _) = self.spawn("serve");
        let address = self.setting("listen").unwrap();
        let begin = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(begin.elapsed() < START, "not ready: {}", log.text());
            std::thread::sleep(Duration::from_millis(5));
        }
        let url = format!("http://{address}");
        Service { process, url, log }
    }

    /// The same, or how it ended before.
    ///
    /// # Errors
    ///
    /// It ended before it was ready.
    pub fn try_start(&self) -> Result<Service, Ended> {
        let (process, log, lines) = self.spawn("serve");
        Service::ready(process, log, lines)
    }

    /// Starts it, expecting that it ends by itself.
    pub fn run(&self) -> Ended {
        let (process, log, _) = self.spawn("serve");
        ended(process, &log, START)
    }

    /// What `check` says of it, as it would be started.
    pub fn check(&self) -> Ended {
        let (process, log, _) = self.spawn("check");
        ended(process, &log, START)
    }

    /// Starts it and sends it a signal once there is cause to, without waiting
    /// until it is ready.
    pub fn run_until_signalled(&self, signal: Signal, cause: impl Fn() -> bool) -> Ended {
        let (process, log, _) = self.spawn("serve");
        let begin = Instant::now();
        while !cause() {
            assert!(begin.elapsed() < START, "no cause: {}", log.text());
            std::thread::sleep(Duration::from_millis(1));
        }
        kill_process(process.pid(), signal).unwrap();
        ended(process, &log, STOP)
    }

    fn spawn(&self, subcommand: &str) -> (Reaped, Log, Lines) {
        let program = &self.program;
        let mut starter = self.starter.clone();
        let closed = [(&self.stdout, ">&-"), (&self.stderr, "2>&-")];
        let closed: String = closed
            .iter()
            .filter(|(output, _)| matches!(output, Output::Closed))
            .map(|(_, how)| *how)
            .collect();
        if !closed.is_empty() {
            let script = format!(r#"exec "$0" "$@" {closed}"#);
            starter.extend(["sh".to_owned(), "-c".to_owned(), script]);
        }
        if let Some(composition) = &self.composition {
            return self.spawn_wasmtime(composition);
        }
        let mut command = match (&self.disk, starter.as_slice()) {
            (Some(disk), _) => disk.command(&self.directory, program),
            (None, [first, rest @ ..]) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            (None, []) => Command::new(program),
        };
        command.arg(subcommand);
        command
            .arg("--components")
            .arg(&self.components)
            .args(&self.flags)
            .current_dir(&self.directory)
            .env("XDG_CACHE_HOME", artifacts::user_cache())
            .stdin(Stdio::null())
            .stdout(self.stdout.open())
            .stderr(self.stderr.open());
        for (name, _) in std::env::vars_os() {
            let name_of = name.to_string_lossy();
            let prefixes = ["REFINEMENT_", "AWS_", "OTEL_"];
            if prefixes.iter().any(|prefix| name_of.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let mut process = Reaped::spawn(&mut command);
        let log = Log::default();
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = process.child().stdout.take() {
            log.follow(stdout, Some(sender));
        }
        if let Some(stderr) = process.child().stderr.take() {
            log.follow(stderr, None);
        }
        (process, log, Lines(lines))
    }

    fn spawn_wasmtime(&self, composition: &Path) -> (Reaped, Log, Lines) {
        let settings = self.flags.iter().map(|flag| {
            let (name, value) = flag.trim_start_matches("--").split_once('=').unwrap();
            let name = name.to_uppercase().replace('-', "_");
            (format!("REFINEMENT_{name}"), value)
        });
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| (name.clone(), value.as_str()));
        let listen = self.setting("listen").unwrap();
        let all = settings.chain(variables);
        let mut command = wasmtime::command(composition, &self.directory, listen, all);
        Service::spawn(&mut command)
    }
}

impl Default for Launch {
    fn default() -> Self {
        Self::new()
    }
}

impl Service {
    /// Starts any program that announces a URL at the end of a line, with the
    /// processes that it leaves the work to.
    pub fn of(command: &mut Command) -> Self {
        let (process, log, lines) = Self::spawn(command);
        Self::ready(process, log, lines).unwrap_or_else(|ended| ended.too_soon())
    }

    fn spawn(command: &mut Command) -> (Reaped, Log, Lines) {
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Reaped::spawn_group(command);
        let log = Log::default();
        let (sender, lines) = mpsc::channel();
        let stdout = process.child().stdout.take().unwrap();
        log.follow(stdout, Some(sender.clone()));
        let stderr = process.child().stderr.take().unwrap();
        log.follow(stderr, Some(sender));
        (process, log, Lines(lines))
    }

    fn ready(process: Reaped, log: Log, mut lines: Lines) -> Result<Self, Ended> {
        match lines.ready() {
            Some(url) => Ok(Self { process, url, log }),
            None => Err(ended(process, &log, STOP)),
        }
    }

    /// Its origin, as it announced it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it uses.
    pub fn usage(&self) -> Usage {
        Process::of(self.id()).usage()
    }

    /// What its threads are called, as far as the system keeps their names.
    pub fn threads(&self) -> Vec<String> {
        let tasks = format!("/proc/{}/task", self.id());
        let tasks = std::fs::read_dir(tasks).unwrap();
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
        tasks.filter_map(|task| name(task.ok()?).ok()).collect()
    }

    /// Standard output and standard error so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// The URL below which its metrics are, once it is told.
    pub async fn metrics(&self) -> String {
        eventually("the metrics' address is told", SOON, async || {
            let log = self.log();
            let (_, after) = log.split_once("metrics are at ")?;
            let (url, _) = after.split_once("/metrics")?;
            Some(url.to_owned())
        })
        .await
    }

    /// The origin of the operator's page, once it is told.
    pub async fn admin(&self) -> String {
        eventually("the admin address is told", SOON, async || {
            let log = self.log();
            let (_, after) = log.split_once("operators are answered at ")?;
            let (url, _) = after.split_once(char::is_whitespace)?;
            Some(url.trim_end_matches('/').to_owned())
        })
        .await
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&mut self) {
        self.signal(Signal::TERM);
    }

    /// Whether it has ended, by itself or by a signal.
    pub fn has_ended(&mut self) -> bool {
        self.process.child().try_wait().unwrap().is_some()
    }

    /// Sends it a signal.
    pub fn signal(&mut self, signal: Signal) {
        kill_process(self.process.pid(), signal).unwrap();
    }

    /// Waits until it has ended.
    pub fn ended(self) -> Ended {
        ended(self.process, &self.log, STOP)
    }

    /// Stops it in an orderly way.
    pub fn stop(mut self) -> Ended {
        self.terminate();
        self.ended()
    }

    /// Ends it at once, as a crash would (SIGKILL).
    pub fn kill(self) -> Ended {
        let Self {
            mut process, log, ..
        } = self;
        process.kill();
        ended(process, &log, STOP)
    }
}

impl Ended {
    fn too_soon(&self) -> ! {
        panic!("the service did not get ready: {}", self.log)
    }
}

fn ended(mut process: Reaped, log: &Log, limit: Duration) -> Ended {
    let begin = Instant::now();
    let status = loop {
        if let Some(status) = process.child().try_wait().unwrap() {
            break status;
        }
        assert!(
            begin.elapsed() < limit,
            "the service did not end: {}",
            log.text()
        );
        std::thread::sleep(Duration::from_millis(5));
    };
    log.finish();
    Ended {
        id: process.id(),
        status,
        log: log.text(),
    }
}

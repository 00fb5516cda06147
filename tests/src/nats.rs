//! Servers of NATS with JetStream, thrown away with the tests.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::artifacts;
use crate::port::free_port;
use crate::process::Process;
use crate::reaper::{Reaped, scratch};

const START: Duration = Duration::from_secs(30);

/// A question that came too early is lost.
const LOOK: Duration = Duration::from_millis(500);

/// A server on this machine.
pub struct NatsServer {
    port: u16,
    directory: PathBuf,
    flags: Vec<String>,
    process: Option<Reaped>,
}

impl NatsServer {
    /// That lets everybody in.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With flags of its own.
    pub fn with(flags: &[&str]) -> Self {
        let mut server = Self::away();
        server.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        server.restart();
        server
    }

    /// That is not started yet.
    pub fn away() -> Self {
        Self {
            port: free_port(),
            directory: scratch("nats"),
            flags: Vec::new(),
            process: None,
        }
    }

    /// Of a stream that nothing else uses.
    pub fn new_url(&self) -> String {
        let stream = Uuid::new_v4();
        format!("{}?stream={stream}", self.url())
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address())
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Starts it with the data that it had, and waits until it answers.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new(artifacts::nats_server());
        command
            .args(["--addr", "127.0.0.1", "--jetstream"])
            .args(["--port", &self.port.to_string()])
            .arg("--store_dir")
            .arg(&self.directory)
            .args(&self.flags)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.process = Some(Reaped::spawn(&mut command));
        let begin = Instant::now();
        // Otherwise it would ask for more than a name and a password.
        let is_asked = |flag: &String| flag == "--tls" || flag == "--config";
        while match !self.flags.iter().any(is_asked) {
            true => self.answer("INFO", &json!({}), LOOK).is_none(),
            false => TcpStream::connect(self.address()).is_err(),
        } {
            assert!(begin.elapsed() < START, "NATS does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends it at once (SIGKILL); its data stay.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Ends it and deletes its data.
    pub fn wipe(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.directory).unwrap();
        std::fs::create_dir(&self.directory).unwrap();
    }

    /// Lets it hang: connections stay, and nothing is answered.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        Process::of(self.process.as_ref().unwrap().id()).wait_for_stop();
    }

    pub fn resume(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().unwrap();
        kill_process(process.pid(), signal).unwrap();
    }

    /// Asks JetStream what only an operator asks, as `STREAM.INFO.name`.
    pub fn ask(&self, subject: &str, request: &Value) -> Value {
        self.answer(subject, request, START).unwrap()
    }

    /// None: there is no answer, or only that there is no JetStream.
    fn answer(&self, subject: &str, request: &Value, limit: Duration) -> Option<Value> {
        let stream = TcpStream::connect(self.address()).ok()?;
        stream.set_read_timeout(Some(limit)).unwrap();
        let mut writer = stream.try_clone().unwrap();
        let request = request.to_string();
        let length = request.len();
        let flag = |name: &str| {
            let mut flags = self.flags.iter().skip_while(|flag| *flag != name);
            flags.nth(1)
        };
        let login = json!({
            "verbose": false,
            "user": flag("--user"),
            "pass": flag("--pass"),
        });
        write!(
            writer,
            "CONNECT {login}\r\nSUB answer 1\r\n\
             PUB $JS.API.{subject} answer {length}\r\n{request}\r\n"
        )
        .ok()?;
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.find(|line| line.starts_with("MSG answer"))?;
        serde_json::from_str(&lines.next()?).ok()
    }
}

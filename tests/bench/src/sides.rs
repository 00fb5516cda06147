//! The two that are compared: the service, and its native twin.

use std::any::Any;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use concept_refinement_tests::process::Process;
use concept_refinement_tests::reaper::{Reaped, scratch};
use concept_refinement_tests::service::Service;
use hyper::StatusCode;

use crate::load::{Asked, Connections};
use crate::native::TWIN;

/// That ask at once.
pub const CONNECTIONS: usize = 32;

/// A server that listens and can be looked at.
pub struct Side {
    pub address: SocketAddr,
    pub process: Process,
    /// Ended when it is dropped.
    _server: Box<dyn Any>,
}

/// Many requests to one side.
pub struct Round {
    pub per_second: f64,
    /// Of the server's processor time, in microseconds.
    pub each: f64,
}

impl Side {
    pub fn service(service: Service) -> Self {
        let address = service.url().trim_start_matches("http://");
        Self {
            address: address.parse().unwrap(),
            process: Process::of(service.id()),
            _server: Box::new(service),
        }
    }

    pub fn twin() -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .arg(TWIN)
            .arg(scratch(TWIN))
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut server = Reaped::spawn(&mut command);
        let mut line = String::new();
        let mut output = BufReader::new(server.child().stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        Self {
            address: line.trim().parse().unwrap(),
            process: Process::of(server.id()),
            _server: Box::new(server),
        }
    }

    /// What these requests take.
    pub async fn round(&self, requests: Vec<Asked>, expected: StatusCode) -> Round {
        let count = requests.len() as f64;
        let mut connections = Connections::open(self.address, CONNECTIONS).await;
        let before = self.process.usage().processor;
        let (time, _) = connections.send(requests, expected).await;
        let used = self.process.usage().processor - before;
        Round {
            per_second: count / time.as_secs_f64(),
            each: used.as_secs_f64() * 1e6 / count,
        }
    }
}

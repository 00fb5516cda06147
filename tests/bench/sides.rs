//! The two that are compared: the service, and its native twin.

use std::any::Any;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};

use concept_refinement_tests::process::Process;
use concept_refinement_tests::reaper::{Reaped, scratch};
use concept_refinement_tests::service::Service;

use crate::native::TWIN;

/// A server that listens and can be looked at.
pub struct Side {
    pub address: SocketAddr,
    pub process: Process,
    /// Ended when it is dropped.
    _server: Box<dyn Any>,
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
}

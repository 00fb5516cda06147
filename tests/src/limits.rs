//! What tests with thousands of connections need of the machine.

use std::net::{IpAddr, SocketAddr};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpSocket, TcpStream};

use crate::service::Service;

/// Lets this process open as many files as it may.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).unwrap();
}

/// A connection to a service from one of this machine's addresses.
pub async fn connect_from(address: IpAddr, service: &Service) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address, 0)).unwrap();
    let to = service.url().trim_start_matches("http://").parse().unwrap();
    socket.connect(to).await.unwrap()
}

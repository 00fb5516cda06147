//! Places that answer no attempt to connect.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;

/// A listener whose backlog is full, as long as it is held.
pub struct BlackHole {
    _listener: TcpListener,
    _backlog: Vec<TcpStream>,
}

impl BlackHole {
    /// # Errors
    ///
    /// This machine does not have the address.
    pub async fn new(address: SocketAddr) -> io::Result<Self> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        socket.bind(address)?;
        let listener = socket.listen(1)?;
        let mut backlog = Vec::new();
        let connect =
            async || timeout(Duration::from_millis(200), TcpStream::connect(address)).await;
        while let Ok(connected) = connect().await {
            backlog.push(connected?);
        }
        Ok(Self {
            _listener: listener,
            _backlog: backlog,
        })
    }
}

//! Notifies the service manager of this process's state, if it wants that, as systemd
//! does (`sd_notify`).

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The process serves.
pub const READY: &str = "READY=1";

/// The process begins to stop.
pub const STOPPING: &str = "STOPPING=1";

pub fn notify(state: &str) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    if let Err(error) = send(&socket, state) {
        tracing::warn!(%error, state, "the service manager cannot be notified");
    }
}

fn send(socket: &OsStr, state: &str) -> io::Result<()> {
    let sender = UnixDatagram::unbound()?;
    // A manager that reads nothing must not block this process.
    sender.set_nonblocking(true)?;
    sender.send_to_addr(state.as_bytes(), &address(socket)?)?;
    Ok(())
}

fn address(socket: &OsStr) -> io::Result<SocketAddr> {
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.as_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;
        return SocketAddr::from_abstract_name(name);
    }
    SocketAddr::from_pathname(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_a_file_or_an_abstract_name() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("notify");
        let name = format!("@concept-refinement-{}", std::process::id());
        for socket in [file.as_os_str(), OsStr::new(&name)] {
            let manager = UnixDatagram::bind_addr(&address(socket).unwrap()).unwrap();
            send(socket, READY).unwrap();
            let mut heard = [0; 64];
            let length = manager.recv(&mut heard).unwrap();
            assert_eq!(&heard[..length], READY.as_bytes(), "{socket:?}");
        }
        let gone = place.path().join("gone");
        assert!(send(gone.as_os_str(), READY).is_err());
    }
}

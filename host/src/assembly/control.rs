//! A socket in the data directory by which the operator asks the process that
//! holds it for what no other process can do: a backup.
//!
//! It obeys the user that it runs as, and root. A request is a word, and the answer
//! a stream of [`backup`](super::backup).

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as Stream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::assembly::backup::{Backup, refuse};
use crate::loops::until_stop::until_stop;

const NAME: &str = "control";

const BACKUP: &[u8] = b"backup";

/// Longest request, in bytes.
const MAX_REQUEST: u64 = 64;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long who asked for a backup may take nothing of it. Meanwhile what is removed
/// takes room, and others wait for theirs.
const READER_TIMEOUT: Duration = Duration::from_secs(120);

/// What the system takes for a socket, in bytes.
const LONGEST_ADDRESS: usize = 100;

/// Listens for requests. The socket is removed with it, while the data directory
/// is still held.
pub struct Control {
    listener: UnixListener,
    address: Address,
    backup: Arc<Backup>,
}

impl Control {
    /// In a data directory that this process holds. None: it cannot, and so no
    /// backup can be asked for, which is logged.
    pub fn listen(data: &Path, backup: Backup) -> Option<Self> {
        let listen = || {
            let address = Address::new(data)?;
            match fs::remove_file(&address.path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            backup.clear()?;
            let listener = UnixListener::bind(&address.path)?;
            fs::set_permissions(&address.path, Permissions::from_mode(0o600))?;
            Ok((listener, address))
        };
        match listen() {
            Ok((listener, address)) => Some(Self {
                listener,
                address,
                backup: Arc::new(backup),
            }),
            Err(error) => {
                tracing::warn!(%error, "no backup can be made while this runs");
                None
            }
        }
    }

    /// Answers requests, one after the other, until `stop` is set.
    pub async fn run(self, stop: watch::Receiver<bool>) {
        until_stop(stop, self.answer_all()).await;
    }

    async fn answer_all(&self) {
        loop {
            let answered = match self.listener.accept().await {
                Ok((stream, _)) => self.answer(stream).await,
                Err(error) => {
                    tokio::time::sleep(REQUEST_TIMEOUT).await;
                    Err(error)
                }
            };
            if let Err(error) = answered {
                tracing::warn!(%error, "a request for a backup could not be answered");
            }
        }
    }

    async fn answer(&self, mut stream: UnixStream) -> io::Result<()> {
        let user = stream.peer_cred()?.uid();
        let is_allowed = user == 0 || user == rustix::process::geteuid().as_raw();
        let mut request = Vec::new();
        let mut from = (&mut stream).take(MAX_REQUEST);
        timeout(REQUEST_TIMEOUT, from.read_to_end(&mut request)).await??;
        if request.is_empty() {
            // Who came has gone again.
            return Ok(());
        }
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(READER_TIMEOUT))?;
        let backup = Arc::clone(&self.backup);
        let answer = move || match (is_allowed, request.as_slice()) {
            (false, _) => refuse(stream, "this is for its own user"),
            (true, BACKUP) => {
                back_up(&backup, stream);
                Ok(())
            }
            (true, _) => refuse(stream, "there is no such request"),
        };
        spawn_blocking(answer).await.map_err(io::Error::other)?
    }
}

fn back_up(backup: &Backup, to: Stream) {
    match backup.send_as_service(to) {
        Ok(counts) => tracing::info!(counts, "sent a backup"),
        Err(error) => tracing::warn!(error = format!("{error:#}"), "a backup was not finished"),
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // What is left is replaced at the next start.
        let _ = fs::remove_file(&self.address.path);
    }
}

/// Who asks the process that holds a data directory.
pub struct Asking(Stream);

impl Asking {
    /// None: no process listens there.
    ///
    /// # Errors
    ///
    /// One does, but not to this user.
    pub fn connect(data: &Path) -> anyhow::Result<Option<Self>> {
        let connected = Address::new(data).and_then(|address| Stream::connect(&address.path));
        match connected {
            Ok(stream) => Ok(Some(Self(stream))),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                _ => Err(error).context("the running service cannot be asked"),
            },
        }
    }

    /// Returns where the backup comes from.
    ///
    /// # Errors
    ///
    /// The process has ended.
    pub fn for_backup(mut self) -> io::Result<Stream> {
        self.0.write_all(BACKUP)?;
        self.0.shutdown(Shutdown::Write)?;
        Ok(self.0)
    }
}

/// Where the socket is. The system takes short paths only, so a long one is
/// named by way of the open directory.
struct Address {
    path: PathBuf,
    _directory: File,
}

impl Address {
    fn new(data: &Path) -> io::Result<Self> {
        let directory = File::open(data)?;
        let mut path = data.join(NAME);
        if path.as_os_str().len() > LONGEST_ADDRESS {
            path = format!("/proc/self/fd/{}", directory.as_raw_fd()).into();
            path.push(NAME);
        }
        Ok(Self {
            path,
            _directory: directory,
        })
    }
}

//! A socket in the data directory by which the operator asks the process that
//! holds it for what no other process can do: a backup.
//!
//! It obeys the user that it runs as, and root; a request is a word, a space
//! and a path, and the answer a sentence, of which `done` is one.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, Read as _, Write as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as Stream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::assembly::backup::Backup;
use crate::loops::until_stop::until_stop;

const NAME: &str = "control";

const BACKUP: &[u8] = b"backup ";

const DONE: &str = "done";

/// Longest request, in bytes: longer than any path.
const MAX_REQUEST: u64 = 8 * 1024;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

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
        if user != 0 && user != rustix::process::geteuid().as_raw() {
            return stream.write_all(b"this is for its own user").await;
        }
        let mut request = Vec::new();
        let mut from = (&mut stream).take(MAX_REQUEST);
        timeout(REQUEST_TIMEOUT, from.read_to_end(&mut request)).await??;
        let answer = match request.strip_prefix(BACKUP) {
            Some(path) => self.back_up(Path::new(OsStr::from_bytes(path))).await,
            None => "there is no such request".to_owned(),
        };
        stream.write_all(answer.as_bytes()).await
    }

    async fn back_up(&self, to: &Path) -> String {
        let (backup, place) = (Arc::clone(&self.backup), to.to_owned());
        let written = spawn_blocking(move || backup.write(&place)).await;
        let written = written.unwrap_or_else(|panic| Err(panic.into()));
        let to = to.display();
        match written {
            Ok(()) => {
                tracing::info!(%to, "made a backup");
                DONE.to_owned()
            }
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, %to, "a backup could not be made");
                error
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // What is left is replaced at the next start.
        let _ = fs::remove_file(&self.address.path);
    }
}

/// Asks the process that holds a data directory for a backup, and waits for it.
/// False: no process listens there.
///
/// # Errors
///
/// Why there is no backup.
pub fn ask_for_backup(data: &Path, to: &Path) -> anyhow::Result<bool> {
    let connected = Address::new(data).and_then(|address| Stream::connect(&address.path));
    let mut stream = match connected {
        Ok(stream) => stream,
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => return Ok(false),
            _ => return Err(error).context("the running service cannot be asked"),
        },
    };
    stream.write_all(&[BACKUP, to.as_os_str().as_bytes()].concat())?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.as_str() {
        DONE => Ok(true),
        "" => bail!("the service ended before the backup did"),
        problem => bail!("{problem}"),
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

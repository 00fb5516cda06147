//! A socket in the data directory: it serves the admin API, and backups, which only
//! the running service can make.
//!
//! It accepts only the user that it runs as, and root. A request is an HTTP request, or
//! the word `backup`, whose answer is a stream of [`backup`](crate::backup).

use std::fs::{self, File, Permissions, TryLockError};
use std::future;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream as Stream;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use concept_refinement_capability::directory::existing;
use concept_refinement_capability::folder::Folder;
use concept_refinement_capability::log_throttled;
use concept_refinement_runtime::ingress::http::Connection;
use rustix::io::FdFlags;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SocketAddrUnix, SocketType, recv, socket};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, Interest};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::admin::{AdminServer, Caller, serve_connection};
use crate::backup::{ALIVE, Backup, INTERVAL, refuse};
use crate::few_connections::{place, while_it_has};

const NAME: &str = "control";

const BACKUP: &[u8] = b"backup";

/// Longest request, in bytes.
const MAX_REQUEST: u64 = 64;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the receiver of a backup may read nothing. Meanwhile deleted data takes
/// space, and other requests wait.
const READER_TIMEOUT: Duration = Duration::from_secs(120);

/// Backups at a time, of which all but one wait.
const MAX_BACKUPS: usize = 4;

/// How long a command waits for a service that sends nothing.
const SILENCE: Duration = Duration::from_secs(30);

/// Longest socket path that systems accept, in bytes.
const LONGEST_ADDRESS: usize = 100;

/// Listens for requests, alone of all processes that use the data directory: those of stores with
/// servers may share one. Dropping it removes the socket, while the directory is still locked.
pub struct Control {
    listener: UnixListener,
    address: Address,
    requests: Arc<Requests>,
}

impl Control {
    /// Listens in a data directory. None: another process does, or that failed, which is logged,
    /// and nothing can be requested.
    pub fn listen(data: &Path, backup: Backup, server: Arc<AdminServer>) -> Option<Self> {
        let listen = || -> io::Result<_> {
            let address = Address::new(data)?;
            match address.directory.try_lock() {
                Err(TryLockError::WouldBlock) => return Ok(None),
                // Not every file system can lock a directory: NFS cannot.
                Err(TryLockError::Error(_)) | Ok(()) => {}
            }
            existing(fs::remove_file(&address.path))?;
            backup.clear()?;
            let listener = UnixListener::bind(&address.path)?;
            fs::set_permissions(&address.path, Permissions::from_mode(0o600))?;
            Ok(Some((listener, address)))
        };
        let directory = data.display();
        match listen() {
            Ok(Some((listener, address))) => Some(Self {
                listener,
                address,
                requests: Arc::new(Requests {
                    backup: Arc::new(backup),
                    server,
                    turn: Mutex::default(),
                    backups: Semaphore::new(MAX_BACKUPS),
                }),
            }),
            Ok(None) => {
                tracing::warn!(
                    "another process listens on the socket in the data directory {directory}: \
                     operators reach this one by admin-listen only"
                );
                None
            }
            Err(error) => {
                tracing::warn!(
                    %error,
                    "there is no socket in the data directory {directory}: no backup can be made \
                     while this runs, and no operator act without admin-listen"
                );
                None
            }
        }
    }

    /// Answers requests for ever: HTTP requests concurrently, backups one after the other.
    pub async fn run(self) {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    // All connections count as one client, because all requesters have
                    // the same rights.
                    let requests = Arc::clone(&self.requests);
                    let place = place(&requests.server.places, None).await;
                    let its_place = Arc::clone(&place);
                    let answered = async move {
                        if let Err(error) = requests.answer(stream, its_place).await {
                            log_throttled!(
                                warn,
                                "a request of the operator could not be answered",
                                %error
                            );
                        }
                    };
                    tokio::spawn(while_it_has(place, answered));
                }
                Err(error) => {
                    tracing::warn!(%error, "no request of the operator can be accepted");
                    tokio::time::sleep(REQUEST_TIMEOUT).await;
                }
            }
        }
    }
}

/// What all requests use.
struct Requests {
    backup: Arc<Backup>,
    server: Arc<AdminServer>,
    /// Held while a backup is sent: two at a time would take twice the space.
    turn: Mutex<()>,
    /// Permits for backups: few, so that other requests get connections.
    backups: Semaphore,
}

impl Requests {
    async fn answer(&self, mut stream: UnixStream, place: Arc<Connection>) -> io::Result<()> {
        let user = stream.peer_cred()?.uid();
        let is_allowed = user == 0 || user == rustix::process::geteuid().as_raw();
        let first = timeout(REQUEST_TIMEOUT, first_byte(&stream)).await??;
        if is_allowed && first.is_some_and(|first| first.is_ascii_uppercase()) {
            let server = Arc::clone(&self.server);
            serve_connection(stream, server, place, Some(Caller::of_uid(user))).await;
            return Ok(());
        }
        let mut request = Vec::new();
        let mut from = (&mut stream).take(MAX_REQUEST);
        timeout(REQUEST_TIMEOUT, from.read_to_end(&mut request)).await??;
        if request.is_empty() {
            // The client connected, and then found that it cannot write to its
            // target.
            return Ok(());
        }
        let refused = match (is_allowed, request.as_slice()) {
            (false, _) => Some("this is for its own user"),
            (true, BACKUP) => None,
            (true, _) => Some("there is no such request"),
        };
        let _busy = place.busy();
        let permit = self.backups.try_acquire();
        let refused = refused.or(permit.is_err().then_some(
            "other backups wait for the one that is under way: try again when they are done",
        ));
        let mut turn = pin!(self.turn.lock());
        let _turn = loop {
            tokio::select! {
                biased;
                () = future::ready(()), if refused.is_some() => break None,
                turn = &mut turn => break Some(turn),
                () = tokio::time::sleep(INTERVAL) => stream.write_all(&ALIVE).await?,
            }
        };
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(READER_TIMEOUT))?;
        let backup = Arc::clone(&self.backup);
        let answer = move || match refused {
            Some(why) => refuse(stream, why),
            None => {
                back_up(&backup, stream);
                Ok(())
            }
        };
        spawn_blocking(answer).await.map_err(io::Error::other)?
    }
}

/// The first byte that was sent, which is read again afterwards. None: the client has left.
async fn first_byte(stream: &UnixStream) -> io::Result<Option<u8>> {
    loop {
        stream.readable().await?;
        let mut first = [0];
        let peeked = stream.try_io(Interest::READABLE, || {
            let peeked = recv(stream, &mut first, RecvFlags::PEEK)?;
            Ok(peeked.0)
        });
        match peeked {
            Ok(0) => return Ok(None),
            Ok(_) => return Ok(first.first().copied()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

fn back_up(backup: &Backup, to: Stream) {
    match backup.send(to, None) {
        Ok(counts) => tracing::info!(counts, "sent a backup"),
        Err(error) => tracing::warn!(error = format!("{error:#}"), "a backup was not finished"),
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // If this fails, the next start replaces the socket.
        let _ = fs::remove_file(&self.address.path);
    }
}

/// A connection to the process that owns a data directory.
pub struct ControlClient(Stream);

impl ControlClient {
    /// None: no process listens there.
    ///
    /// # Errors
    ///
    /// A process listens, but does not accept this user.
    pub fn connect(data: &Path) -> anyhow::Result<Option<Self>> {
        match connected(data) {
            Ok(stream) => Ok(Some(Self(stream))),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
                io::ErrorKind::WouldBlock => {
                    bail!("the service of {} does not answer", data.display())
                }
                _ => Err(error).with_context(|| {
                    format!("the service of {} cannot be reached", data.display())
                }),
            },
        }
    }

    /// A stream for requests of HTTP, within a runtime.
    ///
    /// # Errors
    ///
    /// There is no runtime.
    pub fn for_http(self) -> io::Result<UnixStream> {
        self.0.set_nonblocking(true)?;
        UnixStream::from_std(self.0)
    }

    /// Requests a backup, and returns the stream to read it from.
    ///
    /// # Errors
    ///
    /// The process has ended.
    pub fn for_backup(mut self) -> io::Result<Stream> {
        self.0.write_all(BACKUP)?;
        self.0.shutdown(Shutdown::Write)?;
        self.0.set_read_timeout(Some(SILENCE))?;
        Ok(self.0)
    }
}

/// Connects to the socket without following links: the owner of the data directory could
/// otherwise lead root to another socket.
fn connected(data: &Path) -> io::Result<Stream> {
    let data = Folder::open(data)?;
    match data.look(NAME)? {
        None => return Err(io::ErrorKind::NotFound.into()),
        Some(found) if !found.is_socket() => return Err(io::Error::other("it is no socket")),
        Some(_) => {}
    }
    let (path, _pinned) = data.pinned(NAME)?;
    let socket = socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    // Connecting blocks if the service accepts nothing.
    set_socket_timeout(&socket, Timeout::Send, Some(SILENCE))?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(&path)?)?;
    Ok(socket.into())
}

/// Path of the socket. Systems accept only short paths, so a long one is expressed
/// relative to an open directory.
struct Address {
    path: PathBuf,
    /// Locked by who listens.
    directory: File,
}

impl Address {
    fn new(data: &Path) -> io::Result<Self> {
        let directory = File::open(data)?;
        let mut path = data.join(NAME);
        if path.as_os_str().len() > LONGEST_ADDRESS {
            path = format!("/proc/self/fd/{}", directory.as_raw_fd()).into();
            path.push(NAME);
        }
        Ok(Self { path, directory })
    }
}
